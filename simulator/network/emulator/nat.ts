/**
 * Network address translation: each device is behind a box of its own, with an external address of its own (RFC 4787).
 *
 *   device 10.64.0.1:40000  ->  box  ->  10.128.0.1:1024  ->  server
 *
 * A mapping is made by a packet that goes up and lives until no packet has used it for the timeout of its protocol, or
 * until a rebind. Packets meet the box when they come to the link, in either direction.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { LinkProfile } from '../../core/link-profile.ts'
import { ADDRESSES, FIRST_DEVICE, FIRST_EXTERNAL } from '../link-protocol.ts'
import { readdress } from './checksum.ts'
import { ACK, SYN, TCP, UDP, type Headers } from './packet.ts'

/** Below are the ports of well-known services. */
const FIRST_PORT = 1024

/** What a box does with a TCP segment that belongs to no connection whose SYN it saw. */
export type Policy = 'reset' | 'drop'

interface Mapping {
  readonly protocol: number
  readonly internalPort: number
  externalPort: number
  /** When the latest packet used it. */
  used: Nanoseconds
  /** How often its device had been rebound when it was made. */
  rebinds: number
}

/** One integer for a device, TCP or UDP, and a port. */
const keyOf = (device: number, protocol: number, port: number): number =>
  (device * 2 + (protocol === TCP ? 1 : 0)) * 65536 + port

export class Nat {
  readonly #devices: number
  readonly #udpTimeout: Nanoseconds
  readonly #tcpTimeout: Nanoseconds
  /** How many addresses a device has, one after the other, before it gets its first one again. */
  readonly #addressesEach: number
  readonly #rebinds: Uint32Array
  readonly #address: Uint32Array
  readonly #nextPort: Uint16Array
  /** 1: the box drops what is out of state. */
  readonly #drops: Uint8Array
  /** Each device's latest mapping: nearly always it is the one that is looked for. */
  readonly #latest: (Mapping | undefined)[]
  readonly #byInternal = new Map<number, Mapping>()
  readonly #byExternal = new Map<number, Mapping>()

  /** `timeouts` null: mappings live until a rebind. */
  constructor(devices: number, timeouts: LinkProfile['nat']) {
    this.#devices = devices
    this.#udpTimeout = timeouts?.udpTimeout ?? Infinity
    this.#tcpTimeout = timeouts?.tcpTimeout ?? Infinity
    // The last one is the LISTENER's.
    this.#addressesEach = Math.floor((ADDRESSES - 1) / devices)
    this.#rebinds = new Uint32Array(devices)
    this.#address = new Uint32Array(devices)
    this.#nextPort = new Uint16Array(devices).fill(FIRST_PORT)
    this.#drops = new Uint8Array(devices)
    this.#latest = Array.from({ length: devices })
  }

  /** The boxes of the first `devices` devices forget their mappings, and keep to `policy` from now on. */
  rebind(devices: number, policy: Policy, to: 'port' | 'address'): void {
    for (let device = 0; device < devices; device++) {
      this.#rebinds[device] = (this.#rebinds[device] as number) + 1
      this.#drops[device] = policy === 'drop' ? 1 : 0
      if (to === 'address')
        this.#address[device] = ((this.#address[device] as number) + 1) % this.#addressesEach
    }
  }

  /** A packet of the device goes up: gives it its external source. False: the box drops it, and it is as it was. */
  up(
    device: number,
    bytes: Uint8Array,
    offset: number,
    headers: Headers,
    now: Nanoseconds,
  ): boolean {
    const external = this.#externalOf(device)
    if (headers.protocol === 0) {
      if (!isFragment(bytes, offset)) return false
      readdress(bytes, offset, headers, 'source', external, 0)
      return true
    }
    const mapping = this.#outward(device, headers, now)
    if (mapping === null) return false
    mapping.used = now
    readdress(bytes, offset, headers, 'source', external, mapping.externalPort)
    return true
  }

  /**
   * A packet comes from the server: gives it its device as destination, in `headers` also when the box drops it (false).
   * What is not for an external address passes as it is.
   */
  down(bytes: Uint8Array, offset: number, headers: Headers, now: Nanoseconds): boolean {
    const index = headers.destination - FIRST_EXTERNAL
    if (index < 0 || index >= this.#addressesEach * this.#devices) return true
    const device = index % this.#devices
    const isCurrent = headers.destination === this.#externalOf(device)
    const internal = FIRST_DEVICE + device
    headers.destination = internal
    if (headers.protocol === 0) {
      if (!isCurrent || !isFragment(bytes, offset)) return false
      readdress(bytes, offset, headers, 'destination', internal, 0)
      return true
    }
    const { protocol, destinationPort } = headers
    const mapping = this.#inward(device, protocol, destinationPort)
    if (mapping === undefined) return false
    headers.destinationPort = mapping.internalPort
    const reaches = mapping.externalPort === destinationPort && this.#lives(device, mapping, now)
    if (!isCurrent || !reaches) return false
    mapping.used = now
    readdress(bytes, offset, headers, 'destination', internal, mapping.internalPort)
    return true
  }

  #externalOf(device: number): number {
    return FIRST_EXTERNAL + (this.#address[device] as number) * this.#devices + device
  }

  #lives(device: number, mapping: Mapping, now: Nanoseconds): boolean {
    const timeout = mapping.protocol === TCP ? this.#tcpTimeout : this.#udpTimeout
    return mapping.rebinds === this.#rebinds[device] && now - mapping.used <= timeout
  }

  #inward(device: number, protocol: number, port: number): Mapping | undefined {
    const latest = this.#latest[device]
    if (latest?.externalPort === port && latest.protocol === protocol) return latest
    return this.#byExternal.get(keyOf(device, protocol, port))
  }

  /** The mapping of a packet that goes up, made when there is none that lives; null when the box drops the packet. */
  #outward(device: number, headers: Headers, now: Nanoseconds): Mapping | null {
    const { protocol, sourcePort } = headers
    const key = keyOf(device, protocol, sourcePort)
    let mapping = this.#latest[device]
    if (mapping?.internalPort !== sourcePort || mapping.protocol !== protocol)
      mapping = this.#byInternal.get(key)
    if (mapping !== undefined && this.#lives(device, mapping, now)) {
      this.#latest[device] = mapping
      return mapping
    }
    const opens = protocol !== TCP || (headers.tcpFlags & (SYN | ACK)) === SYN
    if (!opens && this.#drops[device] === 1) return null
    return this.#map(device, protocol, sourcePort, mapping, now)
  }

  /** Makes a mapping to a port that was not used before, in place of the one that lives no longer. */
  #map(
    device: number,
    protocol: number,
    internalPort: number,
    old: Mapping | undefined,
    now: Nanoseconds,
  ): Mapping {
    const externalPort = this.#nextPort[device] as number
    this.#nextPort[device] = externalPort === 65535 ? FIRST_PORT : externalPort + 1
    const rebinds = this.#rebinds[device] as number
    const mapping = old ?? { protocol, internalPort, externalPort, used: now, rebinds }
    // Old ports of TCP stay known, so that what a server sends to them is still found to be a retransmission.
    if (protocol === UDP) this.#byExternal.delete(keyOf(device, UDP, mapping.externalPort))
    mapping.externalPort = externalPort
    mapping.rebinds = rebinds
    this.#byInternal.set(keyOf(device, protocol, internalPort), mapping)
    this.#byExternal.set(keyOf(device, protocol, externalPort), mapping)
    this.#latest[device] = mapping
    return mapping
  }
}

/** A fragment behind the first of a TCP or UDP packet; what else has no ports (ICMP) does not cross a box. */
const isFragment = (bytes: Uint8Array, offset: number): boolean => {
  const protocol = bytes[offset + 9] as number
  const fragmentOffset =
    (((bytes[offset + 6] as number) & 0x1f) << 8) | (bytes[offset + 7] as number)
  return fragmentOffset > 0 && (protocol === TCP || protocol === UDP)
}
