/**
 * Recorded delivery opportunities in the format of mahimahi (mm-link(1)): one whole number per line, the millisecond at which 1 504
 * bytes may leave, never falling; several lines may name the same. After the last the trace begins again.
 */

/** Bytes that may leave at one opportunity. */
export const OPPORTUNITY = 1504

/** What is wrong with a trace: the message names the line. */
export class DeliveryTraceError extends Error {
  /** Counted from 1. */
  readonly line: number
  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`)
    this.name = 'DeliveryTraceError'
    this.line = line
  }
}

const WHOLE = /^\d+$/
const MOST = 0xffffffff

/** The milliseconds of all opportunities, in their order. Throws DeliveryTraceError. An empty last line is none. */
export const parseDeliveryTrace = (text: string): Uint32Array => {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  const times = new Uint32Array(lines.length)
  let latest = 0
  for (const [i, line] of lines.entries()) {
    const time = Number(line)
    const found = `"${line.slice(0, 20)}"`
    if (!WHOLE.test(line) || time > MOST) {
      throw new DeliveryTraceError(i + 1, `${found} is not a whole number of milliseconds`)
    }
    if (time < latest) {
      throw new DeliveryTraceError(i + 1, `${found} is earlier than ${latest}, the line before it`)
    }
    times[i] = latest = time
  }
  if (latest === 0) {
    const reason = 'the trace must last at least until millisecond 1, when it begins again'
    throw new DeliveryTraceError(Math.max(1, lines.length), reason)
  }
  return times
}
