/** The headers of TLS and DTLS records, which stand in clear: sizes, types and epochs on the wire. */

/** Content types (RFC 5246 section 6.2.1). */
export const ALERT = 21
export const HANDSHAKE = 22

/** The header of a DTLS 1.2 record (RFC 6347 section 4.1). */
export const DTLS_HEADER = 13
const TLS_HEADER = 5
const CLIENT_HELLO = 1
/** Header of a DTLS handshake message (RFC 6347 section 4.2.2), then client_version. */
const CLIENT_RANDOM = DTLS_HEADER + 12 + 2

export interface RecordHeader {
  readonly type: number
  /** As on the wire: 0x0303 TLS 1.2 and 1.3, 0xfefd DTLS 1.2. */
  readonly version: number
  /** DTLS: 0 in clear, 1 after ChangeCipherSpec. TLS: always 0. */
  readonly epoch: number
  /** Bytes after the header. */
  readonly length: number
  /** Bytes with the header. */
  readonly size: number
}

const parse = (bytes: Uint8Array, headerLength: number): RecordHeader[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const records: RecordHeader[] = []
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = view.getUint16(at + headerLength - 2)
    records.push({
      type: view.getUint8(at),
      version: view.getUint16(at + 1),
      epoch: headerLength === DTLS_HEADER ? view.getUint16(at + 3) : 0,
      length,
      size: headerLength + length,
    })
    at += headerLength + length
  }
  return records
}

/** The records of a TLS stream that starts at a record. A last one that is cut short is listed with its full size. */
export const tlsRecords = (bytes: Uint8Array): RecordHeader[] => parse(bytes, TLS_HEADER)

/** The records of one DTLS 1.2 datagram. */
export const dtlsRecords = (bytes: Uint8Array): RecordHeader[] => parse(bytes, DTLS_HEADER)

/** Whether a datagram starts with a ClientHello in clear: someone who opens an association, again or for the first time. */
export const isClientHello = (datagram: Uint8Array): boolean =>
  datagram.length >= CLIENT_RANDOM + 32 &&
  datagram[0] === HANDSHAKE &&
  datagram[3] === 0 &&
  datagram[4] === 0 &&
  datagram[DTLS_HEADER] === CLIENT_HELLO

/** Bytes of the DTLS record at `at`, with its header, as the header says. */
export const dtlsRecordSize = (datagram: Uint8Array, at: number): number =>
  DTLS_HEADER + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0))

/**
 * Where in a datagram, from the record at `from` on, the next protected record stands: one of epoch 1, that is all there and
 * has at least `least` bytes after its header (nonce and tag). -1 when there is none.
 */
export const nextProtected = (datagram: Uint8Array, from: number, least: number): number => {
  for (let at = from; at + DTLS_HEADER <= datagram.length;) {
    const size = dtlsRecordSize(datagram, at)
    if (at + size > datagram.length) return -1
    if (datagram[at + 3] === 0 && datagram[at + 4] === 1 && size >= DTLS_HEADER + least) return at
    at += size
  }
  return -1
}

/** The sequence number of a datagram's first DTLS record. */
export const dtlsSequence = (datagram: Uint8Array): number => {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
  return view.getUint16(5) * 2 ** 32 + view.getUint32(7)
}

/** Adds `by` to the sequence numbers of the records of epoch 0, which nothing protects. */
export const shiftSequences = (datagram: Uint8Array, by: number): void => {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
  for (let at = 0; at + DTLS_HEADER <= datagram.length;) {
    if (view.getUint16(at + 3) === 0) {
      const sequence = dtlsSequence(datagram.subarray(at)) + by
      view.setUint16(at + 5, Math.floor(sequence / 2 ** 32))
      view.setUint32(at + 7, sequence % 2 ** 32)
    }
    at += dtlsRecordSize(datagram, at)
  }
}

/** 48 bits of a ClientHello's random: the same in its retransmissions, another in a new attempt. */
export const clientRandom = (hello: Uint8Array): number => {
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + (hello[CLIENT_RANDOM + 20 + i] ?? 0)
  return value
}
