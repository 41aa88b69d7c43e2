/**
 * Opens Initial packets, whose keys anybody can derive (RFC 9001 section 5.2), and reads the hellos in them: for tests of what
 * BoringSSL offers and takes.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

const SALT = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex')

/** HKDF-Expand-Label (RFC 8446 section 7.1) for outputs of one block. */
const expand = (secret: Uint8Array, label: string, length: number): Buffer => {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0])])
  return createHmac('sha256', secret)
    .update(Buffer.concat([info, Buffer.from([1])]))
    .digest()
    .subarray(0, length)
}

class Reader {
  readonly bytes: Buffer
  at: number
  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }
  get left(): number {
    return this.bytes.length - this.at
  }
  number(length: number): number {
    this.at += length
    return this.bytes.readUIntBE(this.at - length, length)
  }
  take(length: number): Buffer {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
  /** RFC 9000 section 16. */
  variable(): number {
    const first = this.number(1)
    const more = (1 << (first >> 6)) - 1
    const rest = more === 0 ? 0 : this.number(more)
    return (first & 0x3f) * 256 ** more + rest
  }
}

/** The frames of the Initial packet at the start of `datagram`. `id` is the destination of the client's first one. */
const payloadOf = (datagram: Uint8Array, id: Uint8Array, side: 'client' | 'server'): Buffer => {
  const bytes = Buffer.from(datagram)
  const reader = new Reader(bytes, 5)
  reader.take(reader.number(1))
  reader.take(reader.number(1))
  reader.take(reader.variable())
  const length = reader.variable()
  const initial = createHmac('sha256', SALT).update(id).digest()
  const secret = expand(initial, `${side} in`, 32)
  const mask = createCipheriv('aes-128-ecb', expand(secret, 'quic hp', 16), null).update(
    bytes.subarray(reader.at + 4, reader.at + 20),
  )
  bytes[0] = (bytes[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f)
  const width = ((bytes[0] ?? 0) & 3) + 1
  for (let i = 0; i < width; i++) {
    const at = reader.at + i
    bytes[at] = (bytes[at] ?? 0) ^ (mask[i + 1] ?? 0)
  }
  const packet = bytes.readUIntBE(reader.at, width)
  const nonce = expand(secret, 'quic iv', 12)
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ packet) >>> 0, 8)
  const [start, end] = [reader.at + width, reader.at + length]
  const opener = createDecipheriv('aes-128-gcm', expand(secret, 'quic key', 16), nonce)
  opener.setAAD(bytes.subarray(0, start)).setAuthTag(bytes.subarray(end - 16, end))
  return Buffer.concat([opener.update(bytes.subarray(start, end - 16)), opener.final()])
}

/** What its CRYPTO frames carry, from the first byte. */
const cryptoOf = (payload: Buffer): Buffer => {
  const reader = new Reader(payload)
  const pieces: Buffer[] = []
  while (reader.left > 0) {
    const type = reader.variable()
    if (type === 6) {
      reader.variable()
      pieces.push(reader.take(reader.variable()))
    } else if (type === 2) {
      reader.variable()
      reader.variable()
      for (let ranges = reader.variable(); ranges >= 0; ranges--) reader.variable()
      assert.equal(reader.at <= payload.length, true)
    } else assert.equal(type, 0, 'PADDING, ACK and CRYPTO alone')
  }
  return Buffer.concat(pieces)
}

export interface Hello {
  /** One for a server, those offered for a client. */
  readonly ciphers: readonly number[]
  readonly extensions: ReadonlyMap<number, Buffer>
}

const extensionsOf = (reader: Reader): Map<number, Buffer> => {
  const found = new Map<number, Buffer>()
  const end = reader.number(2) + reader.at
  while (reader.at < end) found.set(reader.number(2), reader.take(reader.number(2)))
  return found
}

/** The destination id of a long header. */
export const destination = (datagram: Uint8Array): Uint8Array =>
  datagram.slice(6, 6 + (datagram[5] ?? 0))

export const clientHello = (datagram: Uint8Array): Hello => {
  const reader = new Reader(cryptoOf(payloadOf(datagram, destination(datagram), 'client')))
  assert.equal(reader.number(1), 1)
  reader.take(3 + 2 + 32)
  reader.take(reader.number(1))
  const suites = reader.take(reader.number(2))
  const ciphers = Array.from({ length: suites.length / 2 }, (_, i) => suites.readUInt16BE(2 * i))
  reader.take(reader.number(1))
  return { ciphers, extensions: extensionsOf(reader) }
}

export const serverHello = (datagram: Uint8Array, id: Uint8Array): Hello => {
  const reader = new Reader(cryptoOf(payloadOf(datagram, id, 'server')))
  assert.equal(reader.number(1), 2)
  reader.take(3 + 2 + 32)
  reader.take(reader.number(1))
  const ciphers = [reader.number(2)]
  reader.take(1)
  return { ciphers, extensions: extensionsOf(reader) }
}
