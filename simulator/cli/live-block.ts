/** A few lines at the end of a terminal that are painted again in place; what stays is written above them. */

/** What a terminal's stream offers. Rows and columns change when the user resizes it. */
export interface Screen {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

// Control sequences of ECMA-48; ?25 is DEC's cursor mode, which every terminal knows that knows these.
const UP = (rows: number): string => `\u001B[${rows}A`
const ERASE_REST_OF_LINE = '\u001B[K'
const ERASE_BELOW = '\u001B[J'
const HIDE_CURSOR = '\u001B[?25l'
const SHOW_CURSOR = '\u001B[?25h'

/** The text, or as much of it as fits into `width` columns with an ellipsis at its end. One character is one column wide. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}${width > 0 ? '…' : ''}`

export class LiveBlock {
  readonly #screen: Screen
  /** Lengths of the lines on the screen. */
  #painted: readonly number[] = []

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /**
   * Replaces the lines, cut to the width of the terminal. The cursor is hidden only within this one write, so that it is
   * there however the process ends, and it rests below the block, where the echo of Ctrl-C does no harm.
   */
  paint(lines: readonly string[]): void {
    const { columns = 0, rows = Infinity } = this.#screen
    // The last column stays free: a terminal may wrap when it is filled. So does the last row: the cursor rests there.
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => cut(line, columns - 1))
    const text = shown.map((line) => `${line}${ERASE_REST_OF_LINE}\n`).join('')
    this.#screen.write(`${HIDE_CURSOR}${this.#home()}${text}${ERASE_BELOW}${SHOW_CURSOR}`)
    this.#painted = shown.map((line) => line.length)
  }

  /** Writes lines that stay, in the place of the block. */
  write(text: string): void {
    const lines = text.split('\n').map((line) => `${line}${ERASE_REST_OF_LINE}\n`)
    this.#screen.write(`${this.#home()}${lines.join('')}${ERASE_BELOW}`)
    this.#painted = []
  }

  /** Row by row: erasing all below the cursor at the top of the screen makes tmux keep it as history. */
  clear(): void {
    const rows = this.#rows()
    if (rows === 0) return
    const erased = `${ERASE_REST_OF_LINE}\n`.repeat(rows)
    this.#screen.write(`${this.#home()}${erased}${UP(rows)}`)
    this.#painted = []
  }

  /** Moves the cursor to where the block begins. */
  #home(): string {
    const rows = this.#rows()
    return rows === 0 ? '' : `\r${UP(rows)}`
  }

  /** How many rows the block takes: a terminal that was made narrower has wrapped what was painted. */
  #rows(): number {
    const columns = Math.max(1, this.#screen.columns ?? 1)
    return this.#painted.reduce((sum, n) => sum + Math.max(1, Math.ceil(n / columns)), 0)
  }
}
