import { ACK, FIN, SYN, type Headers } from './packet.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'

/** What is known of one TCP connection. `ends` are the sequence numbers behind the last byte seen, up and down. */
interface Flow {
  readonly initial: number
  readonly ends: readonly [number, number]
  readonly seen: number
}

/** `seen`: which of its fields hold a value. */
const SEEN_INITIAL = 4
const seenBit = (direction: DirectionIndex): number => (direction === UP ? 1 : 2)

/**
 * Finds TCP segments that carry bytes already seen from their sender. The link sees segments in the order of sending,
 * so a sequence number below the highest end seen is a retransmission, whole or in part; a keep-alive probe of one byte
 * is one too. Numbers are compared modulo 2^32 (RFC 9293 section 3.4).
 *
 * A device's current connection lies in typed arrays; the others, of devices that reconnected or have several, in a map.
 */
export class TcpFlows {
  /** Device port * 65536 + server port; 0: none yet. */
  readonly #ports: Uint32Array
  readonly #initial: Uint32Array
  readonly #ends: readonly [Uint32Array, Uint32Array]
  readonly #seen: Uint8Array
  readonly #others = new Map<string, Flow>()

  constructor(devices: number) {
    this.#ports = new Uint32Array(devices)
    this.#initial = new Uint32Array(devices)
    this.#ends = [new Uint32Array(devices), new Uint32Array(devices)]
    this.#seen = new Uint8Array(devices)
  }

  /** Notes the segment and says whether it carries bytes seen before. */
  retransmitted(device: number, direction: DirectionIndex, segment: Headers): boolean {
    this.#turnTo(device, direction, segment)
    const { sequence, tcpFlags } = segment
    const syn = (tcpFlags & SYN) !== 0
    if (syn && (tcpFlags & ACK) === 0) this.#begin(device, sequence)
    const length = segment.payload + (syn ? 1 : 0) + ((tcpFlags & FIN) !== 0 ? 1 : 0)
    if (length === 0) return false
    const ends = this.#ends[direction]
    const end = (sequence + length) >>> 0
    const seen = this.#seen[device] as number
    if ((seen & seenBit(direction)) === 0) {
      this.#seen[device] = seen | seenBit(direction)
      ends[device] = end
      return false
    }
    const highest = ends[device] as number
    if (((end - highest) | 0) > 0) ends[device] = end
    return ((sequence - highest) | 0) < 0
  }

  /** A first SYN with another initial sequence number is a new connection on old ports. */
  #begin(device: number, initial: number): void {
    const seen = this.#seen[device] as number
    if ((seen & SEEN_INITIAL) !== 0 && this.#initial[device] === initial) return
    this.#initial[device] = initial
    this.#seen[device] = SEEN_INITIAL
  }

  /** Makes the segment's connection the device's current one. */
  #turnTo(device: number, direction: DirectionIndex, segment: Headers): void {
    const { sourcePort, destinationPort } = segment
    const ports =
      direction === UP ? sourcePort * 65536 + destinationPort : destinationPort * 65536 + sourcePort
    const current = this.#ports[device] as number
    if (current === ports) return
    if (current !== 0) {
      this.#others.set(`${device} ${current}`, {
        initial: this.#initial[device] as number,
        ends: [this.#ends[UP][device] as number, this.#ends[DOWN][device] as number],
        seen: this.#seen[device] as number,
      })
    }
    const known = this.#others.get(`${device} ${ports}`)
    this.#ports[device] = ports
    this.#initial[device] = known?.initial ?? 0
    this.#ends[UP][device] = known?.ends[UP] ?? 0
    this.#ends[DOWN][device] = known?.ends[DOWN] ?? 0
    this.#seen[device] = known?.seen ?? 0
  }
}
