/** The least server of each protocol with a broker that lets clients in, acknowledges, and forwards messages, in memory. */
import type { Nanoseconds } from '../simulator/core/clock.ts'
import { NEVER } from '../simulator/core/clock.ts'
import type { Lower, Upper } from '../simulator/core/layer.ts'
import type { Accepting } from '../simulator/protocols/session-world.cases.ts'
import {
  BOUND,
  FEATURES,
  HEADER,
  MECHANISMS,
  SUCCESS,
} from '../simulator/protocols/xmpp/server.fixture.ts'

abstract class Connection implements Upper {
  declare below: Lower
  openedAt: Nanoseconds = NaN
  timerSlot = -1
  open(now: Nanoseconds): void {
    this.openedAt = now
  }
  abstract fromBelow(bytes: Uint8Array, now: Nanoseconds): void
  ready(): void {}
  closed(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

const accepting = (connection: Connection): Accepting => ({ above: connection, owner: connection })

/** MQTT 3.1.1, packets of at most 129 bytes: what is published goes to every subscriber as it came. */
class MqttConnection extends Connection {
  readonly #subscribers: Set<Lower>
  #rest = Buffer.alloc(0)
  constructor(subscribers: Set<Lower>) {
    super()
    this.#subscribers = subscribers
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 2 && this.#rest.length >= 2 + this.#rest.readUInt8(1)) {
      const end = 2 + this.#rest.readUInt8(1)
      this.#packet(this.#rest.subarray(0, end), now)
      this.#rest = this.#rest.subarray(end)
    }
  }
  #packet(packet: Buffer, now: Nanoseconds): void {
    const type = packet.readUInt8(0) >> 4
    if (type === 1) this.below.fromAbove(Uint8Array.of(0x20, 2, 0, 0), now)
    else if (type === 8) {
      this.#subscribers.add(this.below)
      const [high = 0, low = 0] = packet.subarray(2)
      this.below.fromAbove(Uint8Array.of(0x90, 3, high, low, packet.at(-1) ?? 0), now)
    } else if (type === 3) {
      for (const subscriber of this.#subscribers) subscriber.fromAbove(packet, now)
      const qos = (packet.readUInt8(0) & 0b110) >> 1
      if (qos === 0) return
      const [high = 0, low = 0] = packet.subarray(4 + packet.readUInt16BE(2))
      this.below.fromAbove(Uint8Array.of(qos === 1 ? 0x40 : 0x50, 2, high, low), now)
    } else if (type === 5) this.below.fromAbove(Uint8Array.of(0x62, 2, ...packet.subarray(2)), now)
    else if (type === 6) this.below.fromAbove(Uint8Array.of(0x70, 2, ...packet.subarray(2)), now)
  }
}

export const mqttBroker = (): (() => Accepting) => {
  const subscribers = new Set<Lower>()
  return () => accepting(new MqttConnection(subscribers))
}

const WORD =
  /<stream:stream[^>]*>|<auth .*?<\/auth>|<iq .*?<\/iq>|<enable [^>]*\/>|<message .*?<\/message>|<r [^>]*\/>|<presence\/>/gu
const SM = 'urn:xmpp:sm:3'

/** XMPP with PLAIN: what is sent goes to everybody with presence, as from device 42. */
class XmppConnection extends Connection {
  readonly #present: Set<Lower>
  #rest = ''
  #authenticated = false
  #handled = 0
  constructor(present: Set<Lower>) {
    super()
    this.#present = present
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.#rest += Buffer.from(bytes).toString()
    let end = 0
    for (const match of this.#rest.matchAll(WORD)) {
      this.#word(match[0], now)
      end = match.index + match[0].length
    }
    this.#rest = this.#rest.slice(end)
  }
  #word(word: string, now: Nanoseconds): void {
    const say = (text: string): unknown => this.below.fromAbove(Buffer.from(text), now)
    const kind = /^<([\w:]+)/u.exec(word)?.[1]
    if (kind === 'stream:stream') say(HEADER + (this.#authenticated ? FEATURES : MECHANISMS))
    else if (kind === 'auth') {
      this.#authenticated = true
      say(SUCCESS)
    } else if (kind === 'iq')
      say(word.includes("id='bind'") ? BOUND : `<iq type='result' id='ready'/>`)
    else if (kind === 'enable') say(`<enabled xmlns='${SM}'/>`)
    else if (kind === 'presence') this.#present.add(this.below)
    else if (kind === 'r') say(`<a xmlns='${SM}' h='${this.#handled}'/>`)
    else if (kind === 'message') {
      this.#handled++
      const forwarded = Buffer.from(word.replace('<message', `<message from='d000042@x.test/r'`))
      for (const client of this.#present) client.fromAbove(forwarded, now)
    }
  }
}

export const xmppBroker = (): (() => Accepting) => {
  const present = new Set<Lower>()
  return () => accepting(new XmppConnection(present))
}
