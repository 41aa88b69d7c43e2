/** Other addresses and ports in IPv4 packets, in place: checksums are corrected by the difference, never computed anew. */
import { TCP, UDP, type Headers } from './packet.ts'

/** Where the source stands; the destination stands behind it. */
const IP_CHECKSUM = 10
const IP_ADDRESSES = 12
const TCP_CHECKSUM = 16
const UDP_CHECKSUM = 6

/** The checksum after one 16-bit word of what it covers changed (RFC 1624 section 3, equation 3). */
export const adjusted = (checksum: number, before: number, after: number): number => {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number)

const setWord = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8
  bytes[at + 1] = value & 0xff
}

/**
 * Gives the packet at `offset`, whose headers have been read, another source or destination. A checksum that was wrong
 * stays wrong. Fragments behind the first have no port: only their address changes.
 */
export const readdress = (
  bytes: Uint8Array,
  offset: number,
  headers: Headers,
  end: 'source' | 'destination',
  address: number,
  port: number,
): void => {
  const at = offset + IP_ADDRESSES + (end === 'source' ? 0 : 4)
  const high = word(bytes, at)
  const low = word(bytes, at + 2)
  const newHigh = address >>> 16
  const newLow = address & 0xffff
  setWord(bytes, at, newHigh)
  setWord(bytes, at + 2, newLow)
  const own = word(bytes, offset + IP_CHECKSUM)
  setWord(bytes, offset + IP_CHECKSUM, adjusted(adjusted(own, high, newHigh), low, newLow))
  if (headers.protocol !== TCP && headers.protocol !== UDP) return
  const transport = offset + headers.ipHeader
  const portAt = transport + (end === 'source' ? 0 : 2)
  const oldPort = word(bytes, portAt)
  setWord(bytes, portAt, port)
  const checksumAt = transport + (headers.protocol === TCP ? TCP_CHECKSUM : UDP_CHECKSUM)
  const checksum = word(bytes, checksumAt)
  // A UDP sender that made no checksum wrote 0 (RFC 768).
  if (headers.protocol === UDP && checksum === 0) return
  // The pseudo header holds the addresses: they count in the transport's checksum too.
  const byAddress = adjusted(adjusted(checksum, high, newHigh), low, newLow)
  const result = adjusted(byAddress, oldPort, port)
  // One that comes out as 0 is sent as all ones, which means the same.
  setWord(bytes, checksumAt, result === 0 && headers.protocol === UDP ? 0xffff : result)
}
