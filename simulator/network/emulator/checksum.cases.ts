/** Checksums computed anew, over all that they cover (RFC 1071): what corrected ones must agree with. */
import { TCP, UDP } from './packet.ts'

/** The ones' complement sum of 16-bit words; an odd last byte is padded with zero. */
const sum = (bytes: Uint8Array): number => {
  let total = 0
  for (let i = 0; i < bytes.length; i++) total += (bytes[i] as number) << (i % 2 === 0 ? 8 : 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

const pseudoHeader = (packet: Uint8Array, length: number): Uint8Array =>
  Uint8Array.of(...packet.subarray(12, 20), 0, packet[9] as number, length >>> 8, length & 255)

/** What an unfragmented packet with a 20-byte IP header should have: [IP checksum, TCP or UDP checksum]. */
export const checksumsOf = (packet: Uint8Array): [number, number] => {
  const header = packet.slice(0, 20)
  header.fill(0, 10, 12)
  const body = packet.slice(20)
  const at = packet[9] === TCP ? 16 : 6
  body.fill(0, at, at + 2)
  const covered = new Uint8Array([...pseudoHeader(packet, body.length), ...body])
  const transport = ~sum(covered) & 0xffff
  return [~sum(header) & 0xffff, transport === 0 && packet[9] === UDP ? 0xffff : transport]
}

/** What the packet has. */
export const checksumsIn = (packet: Uint8Array): [number, number] => {
  const view = new DataView(packet.buffer, packet.byteOffset)
  return [view.getUint16(10), view.getUint16(20 + (packet[9] === TCP ? 16 : 6))]
}

/** The packet with right checksums. */
export const withChecksums = (packet: Uint8Array): Uint8Array => {
  const [ip, transport] = checksumsOf(packet)
  const view = new DataView(packet.buffer, packet.byteOffset)
  view.setUint16(10, ip)
  view.setUint16(20 + (packet[9] === TCP ? 16 : 6), transport)
  return packet
}
