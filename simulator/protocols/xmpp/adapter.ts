/** XMPP (RFC 6120, RFC 6121) for fleet and consumer; over TLS from the first byte (XEP-0368) or over plain TCP. */
import type { ProtocolAdapter } from '../session.ts'
import { XmppConsumer } from './consumer.ts'
import { XmppDevice } from './device.ts'

export { xmppOptions, xmppPlannedOptions } from './options.ts'

export const xmpp: ProtocolAdapter = {
  name: 'xmpp',
  carrier: 'stream',
  ports: { plain: 5222, secure: 5223 },
  reliabilities: ['best-effort', 'acknowledged'],
  mapping: {
    connect:
      'stream, SASL, stream restart, resource binding, one step per round trip; ready when the JID is bound. No roster, no presence. SCRAM keys are derived once per fleet worker, because all devices share one password; a real device derives them once in its life',
    send: 'message stanza of type normal to the bare JID of the consumer, followed by <r/> when acknowledged',
    acknowledgement:
      '<a h=.../> of XEP-0198: the server has handled the message; it says nothing about the consumer. Enabled after the JID is bound',
    receive:
      'the user "collector" is available with priority 0 and gets message stanzas; when acknowledged, it answers each <r/> of the server (XEP-0198)',
    name: 'device 42 is d000042@DOMAIN/r',
  },
  speech: {
    command:
      'message stanza of type normal to the bare JID of the device, which is available with priority 0 (initial presence, part of becoming ready in these workloads), followed by <r/> when acknowledged',
    answer: 'message stanza to the bare JID of the consumer, as a report',
    'fan-out': 'one message stanza to each device',
  },
  consumer: { kind: 'subscribe', create: (config, events) => new XmppConsumer(config, events) },
  device: (config, events) => new XmppDevice(config, events),
}
