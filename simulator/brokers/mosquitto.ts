/** Eclipse Mosquitto 2.0: an MQTT broker in one process with one thread. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mqtt } from '../protocols/mqtt/adapter.ts'
import type { BrokerPlan, BrokerProduct, Launch } from './broker.ts'
import { HERE, type Programs } from './runtimes/programs.ts'

const PROGRAM = 'mosquitto'
const CONFIGURATION = 'mosquitto.conf'
/** None are registered; other brokers have these. */
const WEBSOCKET_PORTS = { plain: 8083, secure: 8084 }

/** mosquitto.conf for a plan (mosquitto.conf(5)). Pure: the files that it names are written by `prepare`. */
export const mosquittoConfiguration = (plan: BrokerPlan): string =>
  [
    '# Written by thingbench for one cell.',
    // Otherwise it changes to the user mosquitto, who does not exist in a user namespace.
    'user root',
    'persistence false',
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'log_dest stderr',
    'connection_messages false',
    '',
    `listener ${mqtt.ports.plain} ${plan.address}`,
    'max_connections -1',
    ...deviceListener(plan),
    '',
  ].join('\n')

/** Nothing where devices use the plain one. */
const deviceListener = (plan: BrokerPlan): string[] => {
  const { address, framing, security } = plan
  if (framing === 'none' && security === 'none') return []
  const ports = framing === 'none' ? mqtt.ports : WEBSOCKET_PORTS
  return [
    '',
    `listener ${security === 'none' ? ports.plain : ports.secure} ${address}`,
    'max_connections -1',
    ...(framing === 'none' ? [] : WEBSOCKET),
    ...(security === 'tls' ? tlsOf(plan) : []),
  ]
}

/** libwebsockets binds to the address of the plan only where it need not think of IPv6. */
const WEBSOCKET = ['socket_domain ipv4', 'protocol websockets']

const AUTHORITY = 'devices.crt'
const KEYS = 'keys.psk'

/** Who shows what. With certificates or keys of their own, devices are known to the broker by the names in them. */
const credentials = ({ folder, clientAuthority, psk }: BrokerPlan): string[] => {
  if (psk.size > 0)
    return [
      `psk_file ${join(folder, KEYS)}`,
      'psk_hint thingbench',
      'use_identity_as_username true',
    ]
  const own = [`certfile ${join(folder, 'server.crt')}`, `keyfile ${join(folder, 'server.key')}`]
  if (clientAuthority === undefined) return own
  return [
    ...own,
    `cafile ${join(folder, AUTHORITY)}`,
    'require_certificate true',
    'use_identity_as_username true',
  ]
}

const tlsOf = (plan: BrokerPlan): string[] => [
  ...credentials(plan),
  // A minimum. With 1.2 it is the client, which offers nothing else, that keeps it at 1.2.
  `tls_version tlsv${plan.tls?.version ?? '1.3'}`,
  // From version 3.2 on, OpenSSL counts suites with 8-byte tags as security level zero.
  plan.tls?.version === '1.2'
    ? `ciphers ${plan.tls.cipher}:@SECLEVEL=0`
    : `ciphers_tls1.3 ${plan.tls?.cipher ?? ''}`,
]

/** mosquitto.conf(5), psk_file: a line `identity:key in hex` for each. */
const keyFile = ({ psk }: BrokerPlan): string =>
  [...psk].map(([name, key]) => `${name}:${Buffer.from(key).toString('hex')}\n`).join('')

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  if (plan.certificate !== null) {
    await writeFile(join(plan.folder, 'server.crt'), plan.certificate.chain, { mode: 0o600 })
    await writeFile(join(plan.folder, 'server.key'), plan.certificate.key, { mode: 0o600 })
  }
  if (plan.clientAuthority !== undefined)
    await writeFile(join(plan.folder, AUTHORITY), plan.clientAuthority, { mode: 0o600 })
  if (plan.psk.size > 0) await writeFile(join(plan.folder, KEYS), keyFile(plan), { mode: 0o600 })
  const file = join(plan.folder, CONFIGURATION)
  await writeFile(file, mosquittoConfiguration(plan), { mode: 0o600 })
  return { command: PROGRAM, args: ['-c', file], env: {} }
}

const version = async (programs: Programs = HERE): Promise<string | null> => {
  const usage = await programs.ask(PROGRAM, ['-h'])
  return usage === null ? null : (/mosquitto version (\S+)/.exec(usage)?.[1] ?? 'unknown')
}

export const mosquitto: BrokerProduct = {
  name: 'mosquitto',
  title: 'Eclipse Mosquitto',
  debianPackage: 'mosquitto',
  program: PROGRAM,
  versions: { from: '2.0', below: '3' },
  serves: { mqtt: ['none', 'tls'] },
  tls: { auth: ['server', 'x509', 'psk'], resumption: true },
  hops: 2,
  consumer: 'subscribes',
  audit: {
    TCP_NODELAY: 'on (set_tcp_nodelay true; default off)',
    accounts: 'none: anonymous clients are allowed (allow_anonymous true)',
    persistence: 'off (default)',
    connections: 'without limit (max_connections -1)',
    'listen backlog': '100 (built in)',
    'in-flight limit':
      '20 messages of QoS 1 and 2 per receiving client; a sending client of MQTT 5 is told the same number as Receive Maximum, one of 3.1.1 is not limited, but its messages of QoS 2 beyond 20 unreleased ones are answered by PUBREC and dropped (max_inflight_messages, default)',
    'Receive Maximum of receiving clients':
      'not kept at QoS 2 (seen in 2.0.11): each PUBCOMP brings as many further messages as the maximum says',
    'queue limit':
      '1000 messages of QoS 1 and 2 per receiving client above those in flight; further ones are dropped, though acknowledged to their senders (max_queued_messages, default)',
    'status topics': '$SYS every 10 s (sys_interval, default)',
    log: 'connections are not logged (connection_messages false; default true)',
    'WebSocket: TCP_NODELAY': 'on (built into libwebsockets)',
    'WebSocket: listen backlog': "the system's (built into libwebsockets)",
    'WebSocket: handshakes':
      'looked after once per turn of the main loop, which takes up to 100 ms while no established session says anything (2.0, built in)',
    'WebSocket: pings':
      'a Ping every 300 s, and an end 10 s after one that no Pong answered (built into libwebsockets)',
    'WebSocket: request':
      'a head of at most 2 to 4 KiB (websockets_headers_size, default); ours has 200 bytes',
    'TLS version':
      'at least the one asked for (tls_version); that it is not a later one, the client sees to',
    'TLS group': "OpenSSL's default list; the client offers one",
    'TLS session tickets':
      'sent (default: two after a full TLS 1.3 handshake, one after a resumed one); used with tls.resumption only',
  },
  registration: 'resource-directory',
  ports: { mqtt: mqtt.ports },
  websocket: { mqtt: WEBSOCKET_PORTS },
  version,
  configuration: (plan) => ({ file: CONFIGURATION, text: mosquittoConfiguration(plan) }),
  prepare,
}
