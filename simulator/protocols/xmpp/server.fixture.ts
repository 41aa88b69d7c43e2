/** A server by hand, for tests of sessions: what the session sends is a text, what the server says is another. */
import type { Nanoseconds } from '../../core/clock.ts'
import { Traffic, type Lower, type Upper } from '../../core/layer.ts'
import { NS_BIND, NS_CLIENT, NS_SASL, NS_SM, NS_STREAMS } from './namespaces.ts'

export const HEADER = `<?xml version='1.0'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAMS}' version='1.0' id='s1' from='x.test' xml:lang='en'>`
export const MECHANISMS = `<stream:features><mechanisms xmlns='${NS_SASL}'><mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-256</mechanism></mechanisms></stream:features>`
export const SUCCESS = `<success xmlns='${NS_SASL}'/>`
export const FEATURES = `<stream:features><bind xmlns='${NS_BIND}'><required/></bind><sm xmlns='${NS_SM}'><optional/></sm></stream:features>`
export const BOUND = `<iq type='result' id='bind'><bind xmlns='${NS_BIND}'><jid>d000042@x.test/r</jid></bind></iq>`

export class ServerSide implements Lower {
  readonly traffic = new Traffic()
  readonly #session: Upper
  #sent: string[] = []
  blocked = false
  closes = 0

  constructor(session: Upper) {
    this.#session = session
    session.below = this
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.blocked) return false
    this.#sent.push(Buffer.from(bytes).toString())
    return true
  }

  close(): void {
    this.closes++
  }

  /** What the session sent since the last time. */
  heard(): string {
    const all = this.#sent.join('')
    this.#sent = []
    return all
  }

  says(text: string, now: Nanoseconds = 1): void {
    this.#session.fromBelow(Buffer.from(text), now)
  }

  /** Lets the session in by PLAIN. What it sent after the JID is left to be heard. */
  logIn(): void {
    this.#session.open(0)
    this.says(HEADER + MECHANISMS)
    this.says(SUCCESS)
    this.says(HEADER + FEATURES)
    this.heard()
    this.says(BOUND)
  }

  unblock(): void {
    this.blocked = false
    this.#session.ready(1)
  }
}
