/** A catalogue like the real one, for the tests of this folder. */
import type {
  Catalogue,
  Reliability,
  ScalarOptionRule,
  StackEntry,
  TlsAbilities,
} from '../core/types.ts'

const reliabilities: readonly Reliability[] = ['best-effort', 'acknowledged']

/** Stack -> what is not reached directly alone. */
const VIA: Readonly<Record<string, StackEntry['via']>> = {
  'mqtt-tls': { mosquitto: ['direct', 'front-end'] },
  'mqtt-quic': { mosquitto: ['front-end'], emqx: ['direct', 'front-end'] },
}

const entry = (
  name: string,
  security: StackEntry['security'],
  brokers: readonly string[],
  plain: string,
): StackEntry => ({
  name,
  title: name,
  protocol: name.split('-')[0] ?? '',
  carrier: name.startsWith('coap') || security === 'quic' ? 'datagram' : 'stream',
  framing: 'none',
  security,
  brokers,
  via: Object.fromEntries(brokers.map((one) => [one, VIA[name]?.[one] ?? ['direct']])),
  clients: name.startsWith('mqtt') && security !== 'quic' ? ['lean', 'reference'] : ['lean'],
  reliabilities,
  plain,
})

const choice = (allowed: readonly (string | number)[]): ScalarOptionRule => ({
  type: 'choice',
  allowed,
  default: allowed[0] ?? '',
  help: 'One of some.',
})

const NO_MORE: TlsAbilities = { auth: ['server'], resumption: false }

export const CATALOGUE: Catalogue = {
  stacks: [
    entry('mqtt-tcp', 'none', ['mosquitto'], 'mqtt-tcp'),
    entry('mqtt-tls', 'tls', ['mosquitto'], 'mqtt-tcp'),
    entry('mqtt-quic', 'quic', ['mosquitto', 'emqx'], 'mqtt-tcp'),
    entry('coap-udp', 'none', ['thingbench', 'libcoap'], 'coap-udp'),
    entry('coap-dtls-psk', 'dtls-psk', ['thingbench', 'libcoap'], 'coap-udp'),
    entry('xmpp-tcp', 'none', ['prosody'], 'xmpp-tcp'),
    entry('xmpp-tls', 'tls', ['prosody'], 'xmpp-tcp'),
  ],
  plannedStacks: [
    'mqtt-ws',
    'mqtt-wss',
    'coap-dtls-rpk',
    'coap-dtls-x509',
    'coap-ipsec',
    'coap-tcp',
    'coap-tls',
    'xmpp-starttls',
    'amqp-tcp',
    'amqp-tls',
    'amqp-quic',
  ],
  options: {
    mqtt: {
      version: choice(['3.1.1', '5']),
      keepalive: { type: 'duration', default: 60e9, help: 'Keep-alive of the session.' },
      clean_start: { type: 'boolean', default: true, help: 'Begin without an old session.' },
      topic_alias: {
        type: 'boolean',
        default: false,
        help: 'A number for the topic.',
        needs: { version: '5' },
      },
      username: {
        type: 'text',
        pattern: '[a-z]{1,8}',
        allowed: 'up to 8 small letters',
        default: null,
        help: 'User name.',
      },
      will: {
        type: 'mapping',
        help: 'Last will.',
        fields: {
          topic: {
            type: 'text',
            pattern: '[a-z]+',
            allowed: 'small letters',
            default: 'w',
            help: 'Its topic.',
          },
          payload: { type: 'size', least: 0, most: 100, default: 8, help: 'Its payload.' },
          qos: choice([0, 1, 2]),
        },
      },
    },
    coap: {
      path: choice(['push']),
      nstart: {
        type: 'integer',
        least: 1,
        most: 64,
        default: 1,
        help: 'Open exchanges at a time (RFC 7252 section 4.7).',
      },
      ack_timeout: { type: 'duration', default: 2e9, help: 'RFC 7252 section 4.8.' },
      max_retransmit: { type: 'integer', least: 0, most: 20, default: 4, help: 'RFC 7252.' },
    },
    xmpp: {
      sasl: choice(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']),
      path: choice(['message']),
    },
  },
  plannedOptions: {
    coap: ['path: observe', 'block'],
    xmpp: ['path: pubsub'],
    amqp: ['link_credit'],
  },
  brokers: [
    {
      name: 'mosquitto',
      title: 'Eclipse Mosquitto',
      tls: { auth: ['server', 'x509', 'psk'], resumption: true },
    },
    { name: 'emqx', title: 'EMQX', tls: NO_MORE },
    { name: 'prosody', title: 'Prosody', tls: NO_MORE },
    { name: 'thingbench', title: 'CoAP server of thingbench', tls: NO_MORE },
    { name: 'libcoap', title: 'libcoap', tls: NO_MORE },
  ],
  metrics: {
    'latency.p50': 'ms',
    'latency.p99': 'ms',
    'throughput.delivered': 'msg/s',
    'delivery.ratio': 'ratio',
    'delivery.lost': 'count',
    'wire.bytes_per_message.up': 'B',
    'cpu.total_us_per_message': 'us',
    'memory.broker_kib_per_session': 'KiB',
  },
}
