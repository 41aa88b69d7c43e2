/** Stream errors (RFC 6120 section 4.9): the one that we send, and what one of the server means. */
import type { CauseCode } from '../../core/layer.ts'
import { conditionOf, type Element } from './element.ts'
import { NS_STREAM_ERRORS, NS_STREAMS } from './namespaces.ts'
import { refused, type StreamCondition } from './violation.ts'

export const streamError = (condition: StreamCondition): string =>
  `<stream:error><${condition} xmlns='${NS_STREAM_ERRORS}'/></stream:error>`

const CAUSES: Readonly<Record<string, CauseCode>> = {
  'not-authorized': 'authentication',
  'system-shutdown': 'closed',
  conflict: 'taken-over',
}

/** Throws a Violation when the element is a stream error, which ends the stream. */
export const refuseError = (element: Element): void => {
  if (!element.is('error', NS_STREAMS)) return
  const words = conditionOf(element, NS_STREAM_ERRORS)
  const code = CAUSES[words.split(':')[0] ?? ''] ?? 'protocol'
  throw refused(code, `stream error from the server: ${words}`)
}
