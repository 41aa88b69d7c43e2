/**
 * Initial presence makes messages to the bare JID come here (RFC 6121 section 8.5.2); an iq behind it tells when the server has
 * dealt with it, because stanzas are processed in order (RFC 6120 section 10.1).
 */
import { escapeXML } from './element.ts'
import { NS_PING } from './namespaces.ts'

/** The id of the iq. */
export const READY_ID = 'ready'
/** How many stanzas that is. */
export const AVAILABLE_STANZAS = 2

export const available = (domain: string): string =>
  `<presence/><iq type='get' id='${READY_ID}' to='${escapeXML(domain)}'><ping xmlns='${NS_PING}'/></iq>`
