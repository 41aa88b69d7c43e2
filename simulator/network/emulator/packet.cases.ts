/** IPv4 packets for tests, byte by byte. */
import { TCP, UDP } from './packet.ts'

interface Addresses {
  readonly source: string
  readonly destination: string
}

const ip = (protocol: number, between: Addresses, body: Uint8Array): Uint8Array => {
  const packet = new Uint8Array(20 + body.length)
  const view = new DataView(packet.buffer)
  packet[0] = 0x45
  view.setUint16(2, packet.length)
  packet[8] = 64
  packet[9] = protocol
  packet.set(between.source.split('.').map(Number), 12)
  packet.set(between.destination.split('.').map(Number), 16)
  packet.set(body, 20)
  return packet
}

export interface Segment extends Addresses {
  readonly ports: readonly [number, number]
  readonly sequence: number
  readonly flags?: number
  readonly options?: number
  readonly payload?: string
}

/** A TCP segment with `options` bytes of options (a multiple of 4). */
export const tcpPacket = (segment: Segment): Uint8Array => {
  const { options = 0, payload = '' } = segment
  const body = new Uint8Array(20 + options + payload.length)
  const view = new DataView(body.buffer)
  view.setUint16(0, segment.ports[0])
  view.setUint16(2, segment.ports[1])
  view.setUint32(4, segment.sequence)
  body[12] = ((20 + options) / 4) << 4
  body[13] = segment.flags ?? 16
  body.set(new TextEncoder().encode(payload), 20 + options)
  return ip(TCP, segment, body)
}

export const udpPacket = (
  between: Addresses & { readonly ports: readonly [number, number] },
  payload: string,
): Uint8Array => {
  const body = new Uint8Array(8 + payload.length)
  const view = new DataView(body.buffer)
  view.setUint16(0, between.ports[0])
  view.setUint16(2, between.ports[1])
  view.setUint16(4, body.length)
  body.set(new TextEncoder().encode(payload), 8)
  return ip(UDP, between, body)
}
