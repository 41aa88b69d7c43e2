/**
 * What device and consumer have in common: the stream (RFC 6120), log-in, the counting side of stream management
 * (XEP-0198), and the end.
 *
 *   (new) --open: header--> logging in --JID--> bound --close, closed, violation, stream error--> over
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER, SECOND } from '../../core/clock.ts'
import type { Cause, CauseCode, Lower, Timed, Upper } from '../../core/layer.ts'
import { conditionOf, escapeXML, parseHeader, parseStanza, type Element } from './element.ts'
import { Login } from './login.ts'
import { NS_CLIENT, NS_PING, NS_SM, NS_STANZA_ERRORS, NS_STREAM_ERRORS, NS_STREAMS } from './namespaces.ts'
import { mechanismOf, type Account } from './options.ts'
import { StanzaReader, type StanzaHandler } from './stanza-reader.ts'
import { broken, refused, Violation } from './violation.ts'

/** A server that takes the connection and does not let us in for so long is given up (RFC 6120 leaves the time to the client). */
const LOGIN_WITHIN = 60 * SECOND
/** As Prosody takes from its clients. */
const LARGEST_STANZA = 256 * 1024
/** Answers to the server that wait for the layer below. */
const MOST_OWED = 64 * 1024

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

  /** The resource is bound and, where wanted, `<enable/>` sent: stanzas count from here. */
  protected abstract ready198(now: Nanoseconds): void
}
