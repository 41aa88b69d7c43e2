/** ejabberd 23: an XMPP server whose module mod_mqtt is a broker of MQTT 3.1.1 and 5, written in Erlang. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mqtt } from '../protocols/mqtt/adapter.ts'
import type { BrokerPlan, BrokerProduct, Launch } from './broker.ts'
import { HERE, type Programs } from './runtimes/programs.ts'

const CONFIGURATION = 'ejabberd.yml'
const CERTIFICATE = 'server.pem'
/** What OpenSSL is told where ejabberd has no words for it. */
const OPENSSL = 'openssl.cnf'
/** None are registered; other brokers have these. */
const WEBSOCKET_PORTS = { plain: 8083, secure: 8084 }
/** A thousand connections may wait: the default of 5 is for who connects now and then. */
const BACKLOG = 1000
/** Where Debian has ejabberd and the libraries that it needs. */
const LIBRARIES: Readonly<Record<string, string>> = {
  x64: '/usr/lib/x86_64-linux-gnu',
  arm64: '/usr/lib/aarch64-linux-gnu',
}

/** ejabberd.yml for a plan (https://docs.ejabberd.im/admin/configuration). Pure: the files that it names are written by `prepare`. */
export const ejabberdConfiguration = (plan: BrokerPlan): string =>
  [
    '# Written by thingbench for one cell.',
    `hosts: [${plan.serverName}]`,
    'loglevel: warning',
    // Otherwise it asks Let's Encrypt for certificates.
    'acme: { auto: false }',
    ...(plan.certificate === null ? [] : [`certfiles: [${join(plan.folder, CERTIFICATE)}]`]),
    // Every name and password is right, and many connections may have the same name.
    'auth_method: [anonymous]',
    'anonymous_protocol: login_anon',
    'allow_multiple_connections: true',
    'listen:',
    listener(plan.address, mqtt.ports.plain, 'module: mod_mqtt'),
    ...deviceListener(plan),
    'modules:',
    '  mod_mqtt: {}',
    '',
  ].join('\n')

const listener = (address: string, port: number, ...more: readonly string[]): string =>
  `  - { ip: ${address}, port: ${port}, backlog: ${BACKLOG}, ${more.join(', ')} }`

/** Nothing where devices use the plain one. */
const deviceListener = ({ address, framing, security }: BrokerPlan): string[] => {
  if (framing === 'none' && security === 'none') return []
  const ports = framing === 'none' ? mqtt.ports : WEBSOCKET_PORTS
  const port = security === 'none' ? ports.plain : ports.secure
  const module =
    framing === 'none'
      ? 'module: mod_mqtt'
      : 'module: ejabberd_http, request_handlers: { /mqtt: mod_mqtt }'
  return [listener(address, port, module, ...(security === 'tls' ? ['tls: true'] : []))]
}

/** config(5): the default of every TLS context of the process. A suite of TLS 1.2 is in its own list already. */
const opensslConfiguration = ({ tls }: BrokerPlan): string =>
  [
    'openssl_conf = init',
    '[init]',
    'ssl_conf = contexts',
    '[contexts]',
    'system_default = tls',
    '[tls]',
    `MinProtocol = TLSv${tls?.version ?? '1.3'}`,
    `MaxProtocol = TLSv${tls?.version ?? '1.3'}`,
    ...(tls?.version === '1.3' ? [`Ciphersuites = ${tls.cipher}`] : []),
    '',
  ].join('\n')

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  const { folder, certificate } = plan
  const env: Record<string, string> = {
    EJABBERD_CONFIG_PATH: join(folder, CONFIGURATION),
    EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
    ERL_LIBS: LIBRARIES[process.arch] ?? '',
    // No file when it crashes: it would be larger than its memory.
    ERL_CRASH_DUMP_BYTES: '0',
    HOME: folder,
  }
  if (certificate !== null) {
    const file = join(folder, CERTIFICATE)
    await writeFile(file, certificate.chain + certificate.key, { mode: 0o600 })
    env['OPENSSL_CONF'] = join(folder, OPENSSL)
    await writeFile(env['OPENSSL_CONF'], opensslConfiguration(plan), { mode: 0o600 })
  }
  await writeFile(join(folder, CONFIGURATION), ejabberdConfiguration(plan), { mode: 0o600 })
  // Without a node name it is no part of a cluster: no epmd, and no port but those of the configuration.
  const args = [
    '-noinput',
    '-mnesia',
    'dir',
    JSON.stringify(join(folder, 'mnesia')),
    '-s',
    'ejabberd',
  ]
  return { command: 'erl', args, env }
}

/** The program that manages ejabberd knows only the version of one that runs. */
const ASK_VERSION = `
  case filelib:wildcard("/usr/lib/*/ejabberd-*/ebin/ejabberd.app") of
    [File | _] ->
      {ok, [{application, ejabberd, Properties}]} = file:consult(File),
      io:format("ejabberd ~s~n", [proplists:get_value(vsn, Properties)]);
    [] -> ok
  end,
  halt().`

const version = async (programs: Programs = HERE): Promise<string | null> => {
  if ((await programs.find('ejabberdctl')) === null) return null
  const words = await programs.ask('erl', ['-noshell', '-noinput', '-eval', ASK_VERSION])
  return words === null ? null : (/ejabberd (\d\S*)/.exec(words)?.[1] ?? 'unknown')
}

export const ejabberd: BrokerProduct = {
  name: 'ejabberd',
  title: 'ejabberd',
  debianPackage: 'ejabberd',
  program: 'ejabberdctl',
  versions: { from: '23.01', below: '23.04' },
  serves: { mqtt: ['none', 'tls'] },
  unable: ({ options }) => {
    if (options.username === undefined) return 'MQTT without a user name: set mqtt.username'
    return options.shared_subscription === true ? 'shared subscriptions' : null
  },
  hops: 2,
  consumer: 'subscribes',
  audit: {
    TCP_NODELAY: 'on (built in)',
    accounts: 'every user name and password is let in (auth_method: anonymous, login_anon)',
    persistence: 'sessions in memory, retained messages in a database of its folder (default)',
    connections: 'without limit (built in)',
    'listen backlog': `${BACKLOG} (backlog; default 5)`,
    'in-flight limit':
      'one message of QoS 1 or 2 per receiving client: the next one, of any QoS, waits for its acknowledgement (built in); a sending client is not limited',
    'queue limit':
      '5000 messages per receiving client; with one more the queue is emptied and the client disconnected, in MQTT 5 with quota exceeded (max_queue, default)',
    'QoS 2': 'a message is handed on to receivers when its PUBLISH comes, not at PUBREL (built in)',
    'session expiry': 'at most 5 min, whatever the client asks for (session_expiry, default)',
    'shared subscriptions': 'none: a client of MQTT 5 that asks for one is disconnected (built in)',
    'topic aliases': '100 per client (max_topic_aliases, default)',
    log: 'warnings only (loglevel: warning; default info)',
    cluster: 'none: it has no node name, and needs no epmd',
    'Erlang schedulers':
      'one per processor that it may run on; they spin for a moment before they sleep, which is processor time (+sbwt, default)',
    'TLS version': 'exactly the one asked for (openssl.cnf of its own)',
    'TLS group': "OpenSSL's default list; the client offers one",
    'TLS session tickets': 'none (built in)',
  },
  registration: 'resource-directory',
  ports: { mqtt: mqtt.ports },
  websocket: { mqtt: WEBSOCKET_PORTS },
  version,
  configuration: (plan) => ({ file: CONFIGURATION, text: ejabberdConfiguration(plan) }),
  prepare,
}
