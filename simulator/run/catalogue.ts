/** The catalogue that the scenario reader is given: what can be asked for, put together from protocols, brokers and metrics. */
import { BROKERS } from '../brokers/catalogue.ts'
import type { BrokerProduct } from '../brokers/broker.ts'
import { devicePort } from '../brokers/serves.ts'
import type { Catalogue, Framing, Security, StackEntry, TlsAbilities, Via } from '../core/types.ts'
import { referencePackage } from '../fleet/reference/packages.ts'
import { METRICS } from '../measure/metrics.ts'
import { PROTOCOLS, adapterOf } from '../protocols/index.ts'

/** [name, protocol, security, title, framing where there is one]. A stack is one line. */
const STACKS: readonly (readonly [string, string, Security, string, Framing?])[] = [
  ['mqtt-tcp', 'mqtt', 'none', 'MQTT over TCP'],
  ['mqtt-tls', 'mqtt', 'tls', 'MQTT over TLS'],
  ['mqtt-ws', 'mqtt', 'none', 'MQTT over WebSocket', 'websocket'],
  ['mqtt-wss', 'mqtt', 'tls', 'MQTT over WebSocket over TLS', 'websocket'],
  ['mqtt-quic', 'mqtt', 'quic', 'MQTT over QUIC'],
  ['coap-udp', 'coap', 'none', 'CoAP over UDP'],
  ['coap-dtls-psk', 'coap', 'dtls-psk', 'CoAP over DTLS 1.2 with a pre-shared key'],
  ['xmpp-tcp', 'xmpp', 'none', 'XMPP over TCP'],
  ['xmpp-tls', 'xmpp', 'tls', 'XMPP over direct TLS (XEP-0368)'],
]

const CERTIFICATE_ONLY: TlsAbilities = { auth: ['server'], resumption: false }

const PLANNED = [
  'coap-dtls-rpk', 'coap-dtls-x509', 'coap-ipsec', 'coap-tcp', 'coap-tls',
  'xmpp-starttls', 'amqp-tcp', 'amqp-tls', 'amqp-quic',
] // prettier-ignore

/** A server that speaks for itself is asked before one that has somebody before it. */
const WAYS: readonly Via[] = ['direct', 'front-end']

const entry = ([
  name,
  protocol,
  security,
  title,
  framing = 'none',
]: (typeof STACKS)[number]): StackEntry => {
  const adapter = adapterOf(protocol)
  const waysTo = (broker: BrokerProduct): Via[] =>
    WAYS.filter((via) => devicePort(broker, { protocol, framing, security, via }) !== null)
  const via = Object.fromEntries(
    BROKERS.map((broker) => [broker.name, waysTo(broker)] as const).filter(([, ways]) => ways[0]),
  )
  const plain = STACKS.find(([, p, s, , f]) => p === protocol && s === 'none' && f === undefined)
  return {
    name,
    title,
    protocol,
    carrier: security === 'quic' ? 'datagram' : adapter.carrier,
    framing,
    security,
    brokers: Object.keys(via),
    via,
    clients: referencePackage(name) === null ? ['lean'] : ['lean', 'reference'],
    reliabilities: adapter.reliabilities,
    plain: plain?.[0] ?? name,
  }
}

export const catalogue: Catalogue = {
  stacks: STACKS.map(entry),
  plannedStacks: PLANNED,
  options: Object.fromEntries(PROTOCOLS.map(({ adapter, options }) => [adapter.name, options])),
  plannedOptions: Object.fromEntries(
    PROTOCOLS.map(({ adapter, planned }) => [adapter.name, planned]),
  ),
  brokers: BROKERS.map(({ name, title, tls = CERTIFICATE_ONLY }) => ({ name, title, tls })),
  metrics: Object.fromEntries(Object.entries(METRICS).map(([name, { unit }]) => [name, unit])),
}
