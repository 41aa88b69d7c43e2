/** As much of Markdown as the pages of this repository use: fenced blocks, tables, headings. */

export interface Block {
  /** Without the fences. */
  readonly text: string
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const FENCE = /^```(\w*)\n([^]*?)^```$/gmu

/** The fenced blocks of one language. */
export const blocksOf = (page: string, language: string): Block[] =>
  [...page.matchAll(FENCE)]
    .filter((match) => match[1] === language)
    .map((match) => ({ text: match[2] as string }))

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** Tables outside fenced blocks; cells hold no `|`. */
export const tablesOf = (page: string): Table[] =>
  [...page.replaceAll(FENCE, '').matchAll(/^(\|.*\|)\n\|[-:|]+\|\n((?:\|.*\|\n)*)/gmu)].map(
    ([, head = '', rows = '']) => ({
      head: cellsOf(head),
      rows: rows.trimEnd().split('\n').map(cellsOf),
    }),
  )

/** The anchors that headings have (as GitHub makes them). */
export const headingsOf = (page: string): string[] =>
  [...page.replaceAll(FENCE, '').matchAll(/^#+ (.*)$/gmu)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
