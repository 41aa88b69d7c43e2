/**
 * The way to a bound resource (RFC 6120), one step per round trip: nothing is sent before the answer to what went before.
 *
 *   header --> features --auth--> [challenge --response-->] success --> header --> features --bind--> JID
 */
import { conditionOf, escapeXML, type Element } from './element.ts'
import { NS_BIND, NS_CLIENT, NS_SASL, NS_SM, NS_STANZA_ERRORS, NS_STREAMS } from './namespaces.ts'
import type { Mechanism } from './sasl.ts'
import { broken, refused } from './violation.ts'

/** The same resource on every connection: a full JID of one width. */
const RESOURCE = 'r'
const BIND_ID = 'bind'

const base64 = (text: string): string => (text === '' ? '=' : Buffer.from(text).toString('base64'))
const decoded = (text: string): string =>
  text === '=' ? '' : Buffer.from(text, 'base64').toString()

export class Login {
  readonly #domain: string
  readonly #mechanism: Mechanism
  /** What the server says next. */
  #awaited: 'mechanisms' | 'outcome' | 'features' | 'jid' = 'mechanisms'
  /** XEP-0198 was offered. */
  streamManagement = false

  constructor(domain: string, mechanism: Mechanism) {
    this.#domain = domain
    this.#mechanism = mechanism
  }

  /** What opens the stream, at the beginning and again after SASL (RFC 6120 section 4.2). */
  streamHeader(): string {
    return `<?xml version='1.0'?><stream:stream to='${escapeXML(this.#domain)}' version='1.0' xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAMS}'>`
  }

  /** The server's header. The usual prefix is demanded, as RFC 6120 section 4.8.5 lets a client do. */
  opened(root: Element): void {
    const { attrs } = root
    const known = attrs.xmlns === NS_CLIENT && attrs['xmlns:stream'] === NS_STREAMS
    if (root.name !== 'stream:stream' || !known)
      throw broken('a header of another kind of stream', 'RFC 6120 section 4.8', 'bad-format')
    if (!attrs.version?.startsWith('1.'))
      throw broken('a header without version 1.0', 'RFC 6120 section 4.7.5', 'bad-format')
  }

  /**
   * Takes the server's next word. Returns what to send, `restart` for a new stream header, or `bound`.
   * Throws a Violation where the server refuses or breaks the order.
   */
  next(element: Element): { readonly send: string } | 'restart' | 'bound' {
    if (this.#awaited === 'outcome') return this.#negotiate(element)
    if (this.#awaited === 'jid') return this.#bound(element)
    const features = this.#features(element)
    const send =
      this.#awaited === 'mechanisms' ? this.#authenticate(features) : this.#bind(features)
    return { send }
  }

  #features(element: Element): Element {
    if (element.is('features', NS_STREAMS)) return element
    throw broken(
      `<${element.name}> instead of stream features`,
      'RFC 6120 section 4.3.2',
      'bad-format',
    )
  }

  #authenticate(features: Element): string {
    const { name } = this.#mechanism
    const offered = (features.getChild('mechanisms', NS_SASL)?.getChildElements() ?? []).map(
      (mechanism) => mechanism.text(),
    )
    if (!offered.includes(name)) {
      const words = offered.length === 0 ? 'none' : offered.join(', ')
      throw refused('authentication', `SASL ${name} is not offered here; offered: ${words}`)
    }
    this.#awaited = 'outcome'
    return `<auth xmlns='${NS_SASL}' mechanism='${name}'>${base64(this.#mechanism.initial())}</auth>`
  }

  #negotiate(element: Element): { readonly send: string } | 'restart' {
    if (element.is('challenge', NS_SASL)) {
      const response = this.#mechanism.respond(decoded(element.text()))
      return { send: `<response xmlns='${NS_SASL}'>${base64(response)}</response>` }
    }
    if (element.is('success', NS_SASL)) {
      this.#mechanism.succeed(decoded(element.text()))
      this.#awaited = 'features'
      return 'restart'
    }
    if (element.is('failure', NS_SASL))
      throw refused(
        'authentication',
        `SASL ${this.#mechanism.name}: ${conditionOf(element, NS_SASL)}`,
      )
    throw broken(`<${element.name}> during SASL`, 'RFC 6120 section 6.4', 'bad-format')
  }

  #bind(features: Element): string {
    if (features.getChild('bind', NS_BIND) === undefined)
      throw broken(
        'features without resource binding',
        'RFC 6120 section 7.4',
        'undefined-condition',
      )
    this.streamManagement = features.getChild('sm', NS_SM) !== undefined
    this.#awaited = 'jid'
    return `<iq type='set' id='${BIND_ID}'><bind xmlns='${NS_BIND}'><resource>${RESOURCE}</resource></bind></iq>`
  }

  #bound(element: Element): 'bound' {
    const { id, type } = element.attrs
    if (!element.is('iq', NS_CLIENT) || id !== BIND_ID)
      throw broken(`<${element.name}> before the JID`, 'RFC 6120 section 7.6', 'bad-format')
    const jid = element.getChild('bind', NS_BIND)?.getChild('jid', NS_BIND)?.text() ?? ''
    if (type !== 'result' || jid === '') {
      const condition = conditionOf(element.getChild('error'), NS_STANZA_ERRORS)
      throw refused('protocol', `the server binds no resource: ${condition}`)
    }
    return 'bound'
  }
}
