/** The server's side of WebSocket for tests: answers the opening handshake, makes and reads frames without this client's code. */
import { createHash } from 'node:crypto'

/** One frame as a server sends it. */
export const serverFrame = (
  first: number,
  payload: Uint8Array | string = '',
  width: 'short' | 'two' | 'eight' = 'short',
): Uint8Array => {
  const body = Buffer.from(payload)
  const head = { short: 2, two: 4, eight: 10 }[width]
  const frame = Buffer.alloc(head)
  frame[0] = first
  frame[1] = width === 'short' ? body.length : width === 'two' ? 126 : 127
  if (width === 'two') frame.writeUInt16BE(body.length, 2)
  if (width === 'eight') frame.writeBigUInt64BE(BigInt(body.length), 2)
  return Uint8Array.from(Buffer.concat([frame, body]))
}

/** The whole binary message `payload` in one frame with the shortest header. */
export const binary = (payload: Uint8Array | string): Uint8Array => {
  const { length } = Buffer.from(payload)
  return serverFrame(0x82, payload, length < 126 ? 'short' : length < 65536 ? 'two' : 'eight')
}

export const keyIn = (request: Uint8Array): string =>
  /^Sec-WebSocket-Key: (\S+)\r$/m.exec(Buffer.from(request).toString('latin1'))?.[1] ?? ''

/** Status line and fields of an answer that accepts; a field that is null is left out. */
export const answer = (
  request: Uint8Array,
  changes: Readonly<Record<string, string | null>> = {},
  status = 'HTTP/1.1 101 Switching Protocols',
): Uint8Array => {
  const accept = createHash('sha1')
    .update(`${keyIn(request)}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  const fields = {
    Upgrade: 'WebSocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': accept,
    'Sec-WebSocket-Protocol': 'mqtt',
    ...changes,
  }
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`)
  return Buffer.from([status, ...lines, '\r\n'].join('\r\n'), 'latin1')
}

export interface ClientFrame {
  readonly fin: boolean
  readonly opcode: number
  readonly key: string
  readonly payload: Buffer
  /** Of the whole frame. */
  readonly size: number
}

/** The frames of a client, unmasked; throws where one is not masked or not whole. */
export const clientFrames = (bytes: Uint8Array): ClientFrame[] => {
  const frames: ClientFrame[] = []
  let rest = Buffer.from(bytes)
  while (rest.length > 0) {
    const [first, second] = [rest.readUInt8(0), rest.readUInt8(1)]
    if ((second & 0x80) === 0) throw new Error('a frame of the client is not masked')
    const short = second & 0x7f
    const length =
      short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    const at = short < 126 ? 2 : short === 126 ? 4 : 10
    const key = rest.subarray(at, at + 4)
    const size = at + 4 + length
    if (rest.length < size) throw new Error('a frame of the client is cut short')
    const payload = rest.subarray(at + 4, size).map((byte, i) => byte ^ key.readUInt8(i % 4))
    frames.push({
      fin: (first & 0x80) !== 0,
      opcode: first & 0x7f,
      key: key.toString('hex'),
      payload: Buffer.from(payload),
      size,
    })
    rest = rest.subarray(size)
  }
  return frames
}
