/** What can be read of a QUIC packet without keys (RFC 8999: the same in all versions). */

/** Bytes of the ids that our server gives itself. */
export const ID_LENGTH = 8

/** A long header: the packets that open a connection have one. */
export const isLongHeader = (packet: Uint8Array): boolean => ((packet[0] ?? 0) & 0x80) !== 0

/** The destination connection id of a packet to our server, as a key; null: none is in it. */
export const destinationOf = (packet: Uint8Array): string | null => {
  const start = isLongHeader(packet) ? 6 : 1
  const length = isLongHeader(packet) ? (packet[5] ?? 0) : ID_LENGTH
  return packet.length < start + length ? null : idKey(packet.subarray(start, start + length))
}

/** A connection id as the key of a map. */
export const idKey = (id: Uint8Array): string =>
  Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1')
