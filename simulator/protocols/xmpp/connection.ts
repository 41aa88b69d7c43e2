/**
 * What device and consumer have in common: the stream (RFC 6120), log-in, the counting side of stream management
 * (XEP-0198), and the end.
 *
 *   (new) --open: header--> logging in --JID--> bound --close, closed, violation, stream error--> over
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER, SECOND } from '../../core/clock.ts'
import type { Cause, Lower, Timed, Upper } from '../../core/layer.ts'
import { conditionOf, escapeXML, parseHeader, parseStanza, type Element } from './element.ts'
import { Login } from './login.ts'
import { NS_CLIENT, NS_PING, NS_SM, NS_STANZA_ERRORS } from './namespaces.ts'
import { mechanismOf, type Account } from './options.ts'
import { StanzaReader, type StanzaHandler } from './stanza-reader.ts'
import { refuseError, streamError } from './stream-error.ts'
import { broken, refused, Violation } from './violation.ts'

/** A server that takes the connection and does not let us in for so long is given up (RFC 6120 leaves the time to the client). */
const LOGIN_WITHIN = 60 * SECOND
/** As Prosody takes from its clients. */
const LARGEST_STANZA = 256 * 1024
/** Answers to the server that wait for the layer below. */
const MOST_OWED = 64 * 1024

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])
const STREAM_END = Buffer.from('</stream:stream>')
const SERVICE_UNAVAILABLE = `<error type='cancel'><service-unavailable xmlns='${NS_STANZA_ERRORS}'/></error>`

export abstract class XmppConnection implements Upper, Timed, StanzaHandler {
  below!: Lower
  openedAt: Nanoseconds = NaN
  /** No event and no byte follows. */
  over = false
  /** The layer below refused bytes; `ready` has not come yet. */
  protected stopped = false
  readonly #reader = new StanzaReader(LARGEST_STANZA)
  readonly #managed: boolean
  /** Null when bound: it is of no more use. */
  #login: Login | null
  #loginBy: Nanoseconds = NEVER
  /** Stanzas received since `<enabled/>`; -1 before. */
  #handled = -1
  /** Bytes that the layer below has not taken yet. */
  #owed: Uint8Array | null = null

  /** @param managed XEP-0198 is switched on when the resource is bound */
  constructor(account: Account, managed: boolean) {
    this.#login = new Login(account.domain, mechanismOf(account))
    this.#managed = managed
  }

  protected get bound(): boolean {
    return this.#login === null
  }

  /** The resource is bound and, where wanted, `<enable/>` is sent: what we send from here on counts. */
  protected abstract established(now: Nanoseconds): void
  /** Deals with a stanza without parsing it; false leaves it to the parser. */
  protected abstract scanned(
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): boolean
  /** A message, a presence, or the answer to an iq of ours. */
  protected abstract arrived(element: Element, now: Nanoseconds): void
  /** The server has handled so many of our stanzas (modulo 2^32). */
  protected abstract handled(count: number, now: Nanoseconds): void
  /** An iq of the server was answered, with a stanza that counts. */
  protected abstract answered(): void
  /** The layer below takes bytes again. */
  protected abstract writable(now: Nanoseconds): void
  protected abstract ended(cause: Cause, now: Nanoseconds): void

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#loginBy = now + LOGIN_WITHIN
    this.control(this.#login?.streamHeader() ?? '', now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.over) return
    try {
      this.#reader.read(bytes, now, this)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#fail(error, now)
    }
  }

  ready(now: Nanoseconds): void {
    if (this.over) return
    this.stopped = false
    const owed = this.#owed
    this.#owed = null
    if (owed !== null && !this.#keep(owed, now)) return
    if (this.bound) this.writable(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    const code = cause.code === 'closed' && this.#reader.midStanza ? 'truncated' : cause.code
    const when = this.bound ? '' : ' (before a resource was bound)'
    this.ended({ code, detail: cause.detail + when }, now)
  }

  deadline(): Nanoseconds {
    return this.over ? NEVER : this.#loginBy
  }

  expire(now: Nanoseconds): void {
    if (now < this.deadline()) return
    this.#fail(refused('timeout', `not logged in within ${LOGIN_WITHIN / SECOND} s`), now)
  }

  close(now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    if (!this.stopped && this.openedAt <= now) this.below.fromAbove(STREAM_END, now)
    this.below.close(now)
  }

  streamHeader(bytes: Uint8Array, start: number, end: number): void {
    this.#login?.opened(parseHeader(bytes, start, end))
  }

  streamEnd(): void {
    throw refused('closed', 'the server closed the stream')
  }

  stanza(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    if (this.#login === null) {
      if (!this.scanned(bytes, start, end, now)) this.#stanza(parseStanza(bytes, start, end), now)
      return
    }
    const element = parseStanza(bytes, start, end)
    refuseError(element)
    this.#loggingIn(this.#login, element, now)
  }

  /** A stanza came that the server counts (XEP-0198 section 4). */
  protected counts(): void {
    if (this.#handled >= 0) this.#handled = (this.#handled + 1) >>> 0
  }

  /** Sends what must not be lost: what the layer below refuses is kept and sent when it is ready. */
  protected control(text: string, now: Nanoseconds): void {
    this.#keep(Buffer.from(text), now)
  }

  /** Hands bytes to the layer below. False: it is blocked and `writable` follows. */
  protected write(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (!this.stopped && this.below.fromAbove(bytes, now)) return true
    this.stopped = true
    return false
  }

  #keep(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (this.write(bytes, now)) return true
    const owed = this.#owed === null ? bytes : Buffer.concat([this.#owed, bytes])
    if (owed.length > MOST_OWED)
      throw broken('questions, but takes no answers', 'limit of this client', 'policy-violation')
    this.#owed = owed
    return false
  }

  #loggingIn(login: Login, element: Element, now: Nanoseconds): void {
    const step = login.next(element)
    if (step === 'restart') {
      this.#reader.restart()
      this.control(login.streamHeader(), now)
    } else if (step === 'bound') {
      if (this.#managed && !login.streamManagement)
        throw refused('protocol', 'the server does not offer stream management (XEP-0198)')
      this.#login = null
      this.#loginBy = NEVER
      if (this.#managed) this.control(`<enable xmlns='${NS_SM}'/>`, now)
      this.established(now)
    } else this.control(step.send, now)
  }

  #stanza(element: Element, now: Nanoseconds): void {
    refuseError(element)
    if (element.getNS() === NS_SM) {
      this.#streamManagement(element, now)
      return
    }
    if (element.getNS() !== NS_CLIENT || !STANZAS.has(element.getName()))
      throw broken(`<${element.name}>, which is no stanza`, 'RFC 6120 section 8', 'invalid-xml')
    this.counts()
    const { type } = element.attrs
    if (element.getName() === 'iq' && (type === 'get' || type === 'set')) this.#answer(element, now)
    else this.arrived(element, now)
  }

  #streamManagement(element: Element, now: Nanoseconds): void {
    switch (element.getName()) {
      case 'enabled':
        this.#handled = 0
        return
      case 'r':
        if (this.#handled >= 0) this.control(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`, now)
        return
      case 'a': {
        const h = /^\d{1,10}$/.exec(element.attrs.h ?? '')?.[0]
        if (h === undefined) throw broken('<a> without h', 'XEP-0198 section 4', 'invalid-xml')
        this.handled(Number(h), now)
        return
      }
      default: {
        const condition = conditionOf(element, NS_STANZA_ERRORS)
        throw refused('protocol', `stream management: <${element.name}> ${condition}`)
      }
    }
  }

  /** An iq of the server must be answered (RFC 6120 section 8.2.3); the only one that we know is ping (XEP-0199). */
  #answer(iq: Element, now: Nanoseconds): void {
    const ping = iq.attrs.type === 'get' && iq.getChild('ping', NS_PING) !== undefined
    const id = escapeXML(iq.attrs.id ?? '')
    const to = iq.attrs.from === undefined ? '' : ` to='${escapeXML(iq.attrs.from)}'`
    const head = `<iq type='${ping ? 'result' : 'error'}' id='${id}'${to}`
    this.control(ping ? `${head}/>` : `${head}>${SERVICE_UNAVAILABLE}</iq>`, now)
    this.answered()
  }

  /** Ends the connection: with a stream error where the server has to know what it did. */
  #fail({ code, message, condition }: Violation, now: Nanoseconds): void {
    this.over = true
    if (!this.stopped) {
      if (condition !== null) this.below.fromAbove(Buffer.from(streamError(condition)), now)
      this.below.fromAbove(STREAM_END, now)
    }
    this.below.close(now)
    this.ended({ code, detail: message }, now)
  }
}
