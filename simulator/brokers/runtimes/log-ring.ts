/** The last lines of an output, in bounded memory. */
const LINES = 200
const LONGEST_LINE = 2000

export class LogRing {
  readonly #lines: string[] = []
  /** A line whose end has not come. */
  #open = ''

  append(text: string): void {
    const [first = '', ...rest] = text.split('\n')
    this.#open = (this.#open + first).slice(0, LONGEST_LINE)
    for (const line of rest) {
      this.#lines.push(this.#open)
      this.#open = line.slice(0, LONGEST_LINE)
    }
    if (this.#lines.length > LINES) this.#lines.splice(0, this.#lines.length - LINES)
  }

  /** The last `count` lines. */
  last(count = LINES): string {
    const lines = this.#open === '' ? this.#lines : [...this.#lines, this.#open]
    return lines.slice(-count).join('\n')
  }
}
