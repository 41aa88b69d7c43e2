/** The few pieces of HTML that the page is made of. Everything that comes from files goes through `escape`. */

/** HTML that is safe to insert as it is. */
export type Html = string

export const escape = (text: string): Html =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** A value of a JSON document as text; lists and objects stay readable. */
export const words = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(words).join(', ')
  return JSON.stringify(value) ?? ''
}

export interface TableColumn {
  readonly heading: Html
  /** Numbers stand to the right. */
  readonly numeric?: boolean
}

/** A table that scrolls by itself on a narrow screen; the first cell of a row is its heading. Doubtful rows are hatched. */
export const table = (
  columns: readonly TableColumn[],
  rows: readonly (readonly Html[])[],
  label: string,
  isDoubtful: (row: number) => boolean = () => false,
): Html => {
  const kind = (i: number): string => (columns[i]?.numeric ? ' class="n"' : '')
  const head = columns.map((column, i) => `<th scope="col"${kind(i)}>${column.heading}</th>`)
  const body = rows.map(
    (row, at) =>
      `<tr${isDoubtful(at) ? ' class="bad"' : ''}>${row
        .map((cell, i) => (i === 0 ? `<th scope="row">${cell}</th>` : `<td${kind(i)}>${cell}</td>`))
        .join('')}</tr>`,
  )
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(label)}"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

export const section = (id: string, title: string, body: Html): Html =>
  `<section id="${id}"><h2>${escape(title)}</h2>${body}</section>`

export const details = (summary: string, body: Html): Html =>
  `<details class="fold"><summary>${escape(summary)}</summary>${body}</details>`

/** A number and its unit stay on one line. */
const unbroken = (text: string): string => text.replace(/(\d) (?=%|ms\b|us\b|B\b)/g, '$1\u00a0')

export const paragraph = (text: string): Html => `<p>${escape(unbroken(text))}</p>`

export const note = (text: string): Html => `<p class="note">${escape(unbroken(text))}</p>`

/** Names as JSON documents have them, with the nesting as a path: `processor.model`. */
export const flattened = (value: unknown, path = ''): [path: string, value: string][] => {
  const isTree = typeof value === 'object' && value !== null
  if (!isTree || (Array.isArray(value) && value.some((inner) => typeof inner !== 'object')))
    return [[path, words(value)]]
  return Object.entries(value).flatMap(([key, inner]) =>
    flattened(inner, path === '' ? key : `${path}.${key}`),
  )
}
