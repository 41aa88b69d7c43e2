/** The opening handshake of RFC 6455 section 4, a client's side: one request, one answer of bounded length. */
import { createHash } from 'node:crypto'
import type { Cause } from '../core/layer.ts'
import type { Random } from '../core/random.ts'

/** Of section 1.3: it shows that the server understood the request as one for a WebSocket. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Bytes of the answer's head; a server that says more is not heard out. */
const LONGEST_HEAD = 8192
const END = '\r\n\r\n'
const VERSION = 'HTTP/1.1 '

/** Who is asked for what. */
export interface WebSocketTarget {
  /** As it stands in `Host`: with the port where that is not the default one. */
  readonly host: string
  readonly path: string
  readonly subprotocol: string
}

/** A nonce of 16 bytes (section 4.1), base64. */
export const newKey = (random: Random): string =>
  Buffer.from(Array.from({ length: 16 }, () => random.integer(256))).toString('base64')

/** What the server must answer to that key (section 4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64')

/** The request (section 4.1). No `Origin`: this is no browser. */
export const upgradeRequest = ({ host, path, subprotocol }: WebSocketTarget, key: string): Buffer =>
  Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      '\r\n',
    ].join('\r\n'),
    'latin1',
  )

const refused = (detail: string): Cause => ({
  code: 'upgrade',
  detail: `WebSocket handshake: ${detail}`,
})

/** Values of a field that stands more than once are joined (RFC 9110 section 5.3). Null: a line is no field. */
const fieldsOf = (lines: readonly string[]): Map<string, string> | null => {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) return null
    const before = fields.get(name.toLowerCase())
    fields.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  return fields
}

const holdsToken = (list: string, token: string): boolean =>
  list.split(',').some((one) => one.trim().toLowerCase() === token)

/** Null when the server accepts, as section 4.1 asks; otherwise why it does not, with what it said. */
const judge = (head: string, key: string, subprotocol: string): Cause | null => {
  const [status = '', ...lines] = head.split('\r\n')
  const code = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(status)?.[1]
  if (code === undefined) return refused(`the answer begins with ${JSON.stringify(status)}`)
  if (code === '401' || code === '403')
    return { code: 'authentication', detail: `WebSocket handshake: the server says "${status}"` }
  if (code !== '101') return refused(`the server says "${status}"`)
  const fields = fieldsOf(lines)
  if (fields === null) return refused(`"${status}" with a line that is no field`)
  const wrong = (name: string): Cause => {
    const value = fields.get(name.toLowerCase())
    return refused(`"${status}" with ${value === undefined ? `no ${name}` : `${name}: ${value}`}`)
  }
  if (fields.get('upgrade')?.toLowerCase() !== 'websocket') return wrong('Upgrade')
  if (!holdsToken(fields.get('connection') ?? '', 'upgrade')) return wrong('Connection')
  if (fields.get('sec-websocket-accept') !== acceptOf(key)) return wrong('Sec-WebSocket-Accept')
  // None was asked for.
  if (fields.has('sec-websocket-extensions')) return wrong('Sec-WebSocket-Extensions')
  return fields.get('sec-websocket-protocol') === subprotocol
    ? null
    : wrong('Sec-WebSocket-Protocol')
}

/** Reads the answer. */
export class UpgradeResponse {
  readonly #key: string
  readonly #subprotocol: string
  #head = ''

  constructor(key: string, subprotocol: string) {
    this.#key = key
    this.#subprotocol = subprotocol
  }

  /**
   * Takes a piece of the stream. A number: the server has accepted, and so many bytes of the piece belonged to its answer;
   * a cause: it has not, or it is no server of the kind; null: the answer goes on.
   */
  read(bytes: Uint8Array): number | Cause | null {
    const before = this.#head.length
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .subarray(0, LONGEST_HEAD - before)
      .toString('latin1')
    if (!VERSION.startsWith(this.#head.slice(0, VERSION.length)))
      return refused(`the answer begins with ${JSON.stringify(this.#head.slice(0, 20))}`)
    const end = this.#head.indexOf(END, Math.max(0, before - END.length))
    if (end >= 0)
      return (
        judge(this.#head.slice(0, end), this.#key, this.#subprotocol) ?? end + END.length - before
      )
    return this.#head.length < LONGEST_HEAD
      ? null
      : refused(`the head of the answer is longer than ${LONGEST_HEAD} bytes`)
  }
}
