export const NS_CLIENT = 'jabber:client'
export const NS_STREAMS = 'http://etherx.jabber.org/streams'
export const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const NS_STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
/** XEP-0198 version 1.6. */
export const NS_SM = 'urn:xmpp:sm:3'
/** XEP-0199. */
export const NS_PING = 'urn:xmpp:ping'
