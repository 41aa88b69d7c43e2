/** Elements as trees, for what comes rarely: log-in, errors, questions of the server. What comes per message has scanners. */
import { escapeXML, Parser, type Element } from '@xmpp/xml'
import { NS_CLIENT, NS_STREAMS } from './namespaces.ts'
import { broken } from './violation.ts'

export type { Element }
export { escapeXML }

/** RFC 6120 section 11.6: UTF-8 and nothing else. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A stanza is read as a child of the stream's root, from which it has its namespaces. */
const ROOT = `<stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAMS}'>`

const parse = (
  event: 'start' | 'element',
  before: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Element => {
  const found: Element[] = []
  try {
    const parser = new Parser()
    parser.on('error', (error) => {
      throw error
    })
    parser.on(event, (element) => found.push(element))
    parser.write(before + utf8.decode(bytes.subarray(start, end)))
  } catch (error) {
    // Whatever the parser stumbles over came from the server.
    const reason = error instanceof Error ? error.message : String(error)
    throw broken(`what is no XML: ${reason}`, 'RFC 6120 section 11', 'not-well-formed')
  }
  const element = found[0]
  if (element === undefined || found.length > 1)
    throw broken('what is no single element', 'XML section 3.1', 'not-well-formed')
  return element
}

/** The stanza in `bytes`. Throws a Violation where it is not well formed. */
export const parseStanza = (bytes: Uint8Array, start: number, end: number): Element =>
  parse('element', ROOT, bytes, start, end)

/** The root of the stream from its start tag. Throws a Violation where it is not well formed. */
export const parseHeader = (bytes: Uint8Array, start: number, end: number): Element =>
  parse('start', '', bytes, start, end)

/** The defined condition of an error (its first child in `namespace`), and the text beside it, in words. */
export const conditionOf = (error: Element | undefined, namespace: string): string => {
  const children = error?.getChildElements() ?? []
  const inside = children.filter((child) => child.getNS() === namespace)
  const condition = inside.find((child) => child.getName() !== 'text')?.getName()
  const text = inside.find((child) => child.getName() === 'text')?.text()
  return (condition ?? 'undefined-condition') + (text === undefined ? '' : `: ${text}`)
}
