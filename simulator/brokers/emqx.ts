/**
 * EMQX 5.8: a broker of MQTT 3.1.1 and 5 in Erlang, with a listener for QUIC of its own. It is started from its makers' image alone: what
 * their packages install starts itself as another user, without our variables.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mqtt } from '../protocols/mqtt/adapter.ts'
import type { BrokerPlan, BrokerProduct, Launch, QuicListener } from './broker.ts'
import { HERE, type Programs } from './runtimes/programs.ts'

const PROGRAM = 'emqx'
/** In the image: shell variables, of which one is the version. */
const VARIABLES = '/opt/emqx/releases/emqx_vars'
const CHAIN = 'server.crt'
const KEY = 'server.key'
const WEBSOCKET_PORTS = { plain: 8083, secure: 8084 }
/** Most that a large message of a workload takes, with its headers. */
const LARGEST_PACKET = '20MB'

/** MsQuic as EMQX sets it up; what is not EMQX's own is the default of MsQuic (quicdef.h). */
const QUIC: QuicListener = {
  port: 14_567,
  library: 'MsQuic, as its version of EMQX brings it',
  congestion: () => 'CUBIC of MsQuic, paced',
  acknowledgements: 'every second packet at once, one alone after 25 ms at most (MsQuic)',
  datagrams: 'at most 1472 B of UDP payload, for which MsQuic searches',
}

type Type = 'ssl' | 'ws' | 'wss' | 'quic'
const TYPES: readonly Type[] = ['ssl', 'ws', 'wss', 'quic']
const PORTS: Readonly<Record<Type, number>> = {
  ssl: mqtt.ports.secure,
  ws: WEBSOCKET_PORTS.plain,
  wss: WEBSOCKET_PORTS.secure,
  quic: QUIC.port,
}

/** What devices connect to beside the plain listener; null: nothing. */
const deviceListener = ({ framing, security }: BrokerPlan): Type | null => {
  if (security === 'quic') return 'quic'
  if (framing === 'websocket') return security === 'none' ? 'ws' : 'wss'
  return security === 'none' ? null : 'ssl'
}

/** The key of a listener's option as a variable. */
const option = (type: string, ...path: readonly string[]): string =>
  ['EMQX_LISTENERS', type, 'default', ...path].join('__').toUpperCase()

const tlsOf = (type: Type, { folder, tls }: BrokerPlan): (readonly [string, string])[] => {
  const of = (name: string): string => option(type, 'ssl_options', name)
  const files = [
    [of('certfile'), join(folder, CHAIN)],
    [of('keyfile'), join(folder, KEY)],
  ] as const
  if (tls === null) return [...files]
  return [
    ...files,
    [of('versions'), JSON.stringify([`tlsv${tls.version}`])],
    [of('ciphers'), JSON.stringify([tls.cipher])],
  ]
}

/** The whole configuration (https://docs.emqx.com/en/emqx/v5.8/configuration/configuration.html, environment variables). Pure. */
export const emqxEnvironment = (plan: BrokerPlan): Readonly<Record<string, string>> => {
  const { address, certificate, folder, password } = plan
  const device = deviceListener(plan)
  return {
    EMQX_NODE__NAME: 'emqx@127.0.0.1',
    EMQX_NODE__COOKIE: password,
    EMQX_NODE__DATA_DIR: join(folder, 'data'),
    RUNNER_LOG_DIR: join(folder, 'log'),
    HOME: folder,
    EMQX_DEFAULT_LOG_HANDLER: 'console',
    EMQX_LOG__CONSOLE__LEVEL: 'warning',
    EMQX_DASHBOARD__LISTENERS__HTTP__BIND: '0',
    EMQX_TELEMETRY__ENABLE: 'false',
    EMQX_MQTT__MAX_PACKET_SIZE: LARGEST_PACKET,
    [option('tcp', 'bind')]: `${address}:${mqtt.ports.plain}`,
    ...Object.fromEntries(
      TYPES.map((type) => [option(type, 'enable'), String(type === device)] as const),
    ),
    ...(device !== null && { [option(device, 'bind')]: `${address}:${PORTS[device]}` }),
    ...(device !== null && certificate !== null && Object.fromEntries(tlsOf(device, plan))),
  }
}

const configuration = (plan: BrokerPlan) => ({
  file: 'emqx.env',
  text: Object.entries(emqxEnvironment(plan))
    .map(([name, value]) => `${name}=${value}\n`)
    .join(''),
})

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  const { certificate, folder } = plan
  if (certificate !== null) {
    await writeFile(join(folder, CHAIN), certificate.chain, { mode: 0o600 })
    await writeFile(join(folder, KEY), certificate.key, { mode: 0o600 })
  }
  return { command: PROGRAM, args: ['foreground'], env: emqxEnvironment(plan) }
}

const version = async (programs: Programs = HERE): Promise<string | null> => {
  if (programs === HERE || (await programs.find(PROGRAM)) === null) return null
  const text = await programs.read(VARIABLES)
  return /^REL_VSN="?([^"\n]+)"?$/m.exec(text)?.[1] ?? 'unknown'
}

export const emqx: BrokerProduct = {
  name: 'emqx',
  title: 'EMQX',
  debianPackage: null,
  program: PROGRAM,
  versions: { from: '5.8', below: '5.9' },
  patience: 120_000,
  serves: { mqtt: ['none', 'tls', 'quic'] },
  quic: { mqtt: QUIC },
  unable: ({ quic, via }) =>
    via === 'direct' && quic?.resumption === true
      ? 'QUIC resumption at its own listener, of which nobody has seen tickets: take via: front-end'
      : null,
  hops: 2,
  consumer: 'subscribes',
  audit: {
    TCP_NODELAY: 'on (default)',
    accounts: 'none: every client is let in (default)',
    authorization: 'by acl.conf, which lets devices do what they do here (default)',
    persistence: 'in memory (default)',
    connections: 'without limit (default)',
    'listen backlog': '1024 (default)',
    'largest packet': `${LARGEST_PACKET} (mqtt.max_packet_size; default 1MB)`,
    'in-flight limit':
      '32 messages of QoS 1 and 2 per receiving client; a sending client may have 100 of QoS 2 that wait for PUBREL (max_inflight, max_awaiting_rel, defaults)',
    'queue limit':
      '1000 messages per receiving client above those in flight, of QoS 0 too; then the oldest is dropped (max_mqueue_len, mqueue_store_qos0, defaults)',
    'client limit':
      'the process of a client ends, and its connection, with 1000 waiting Erlang messages or 32 MB of heap (force_shutdown, default)',
    'session expiry': 'MQTT 3.1.1 without clean start: 2 h (session_expiry_interval, default)',
    'shared subscriptions': 'available (default)',
    'topic aliases': '65535 per client (max_topic_alias, default)',
    log: 'warnings only, on the console (default: the same)',
    'dashboard and telemetry': 'off (default: on)',
    cluster: 'none: one node, which listens for others of its own cookie (default)',
    'Erlang schedulers':
      'one per processor that it may run on; they spin for a moment before they sleep, which is processor time',
    'QUIC: streams': '10 of a client at a time (default)',
    'QUIC: handshake': 'ends after 10 s without a packet; no other idle timeout (defaults)',
    'QUIC: session tickets': 'not known, and not used',
    'TLS version': 'exactly the one asked for (versions)',
    'TLS group': "Erlang's default list; the client offers one",
    'TLS session tickets': 'not used',
    tests:
      "thingbench's own tests have not run it: its image cannot be fetched where they run; its settings are from its documentation and sources",
  },
  registration: 'resource-directory',
  ports: { mqtt: mqtt.ports },
  websocket: { mqtt: WEBSOCKET_PORTS },
  version,
  configuration,
  prepare,
}
