/** Prosody 0.12 as a message router and nothing else: no storage, no federation, no rosters, no limits. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { xmpp } from '../protocols/xmpp/adapter.ts'
import type { BrokerPlan, BrokerProduct, Launch } from './broker.ts'
import { HERE, type Programs } from './runtimes/programs.ts'

const PROGRAM = 'prosody'
const CONFIGURATION = 'prosody.cfg.lua'

const AUTH_MODULE = 'mod_auth_thingbench.lua'

/** A Lua string. */
const quoted = (text: string): string =>
  `"${text.replace(/["\\\p{Cc}]/gu, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`)}"`

/** LuaSec names suites of TLS 1.3 apart from those before. CCM with short tags is below OpenSSL's default security level. */
const suite = (tls: BrokerPlan['tls']): string =>
  tls?.version === '1.2'
    ? `ciphers = ${quoted(`${tls.cipher}:@SECLEVEL=0`)}`
    : `ciphersuites = ${quoted(tls?.cipher ?? '')}`

/** Direct TLS (XEP-0368): one version, one group, one suite. */
const directTls = (
  { serverName, tls }: BrokerPlan,
  folder: string,
): string => `c2s_direct_tls_ports = { ${xmpp.ports.secure} }
c2s_direct_tls_ssl = {
  certificate = ${quoted(join(folder, `${serverName}.crt`))};
  key = ${quoted(join(folder, `${serverName}.key`))};
  protocol = "${tls?.version === '1.2' ? 'tlsv1_2' : 'tlsv1_3'}";
  ${suite(tls)};
  curveslist = { ${quoted(tls?.group ?? '')} };
}
`

/** Prosody's configuration for a plan. Pure: the folders that it names are made by `prepare`. */
export const prosodyConfiguration = (plan: BrokerPlan): string => {
  const certificates = join(plan.folder, 'certificates')
  return `-- Written by thingbench for one cell.
pidfile = ${quoted(join(plan.folder, 'prosody.pid'))}
data_path = ${quoted(join(plan.folder, 'data'))}
plugin_paths = { ${quoted(join(plan.folder, 'modules'))} }
certificates = ${quoted(certificates)}
-- Inside a user namespace everybody is root, and nobody else is there.
run_as_root = true
log = { { levels = { min = "warn" }, to = "stdout" } }

network_backend = "epoll"
network_settings = { nagle = false, tcp_backlog = 1024 }
use_ipv6 = false
interfaces = { ${quoted(plan.address)} }
c2s_ports = { ${xmpp.ports.plain} }
c2s_tcp_keepalives = false
${plan.security === 'tls' ? directTls(plan, certificates) : ''}
modules_enabled = { "saslauth", "smacks" }
modules_disabled = { "offline", "s2s", "s2s_auth_certs" }
storage = "none"
smacks_enabled_s2s = false

c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "thingbench"
thingbench_password = ${quoted(plan.password)}

VirtualHost ${quoted(plan.serverName)}
`
}

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  for (const name of ['data', 'modules', 'certificates'])
    await mkdir(join(plan.folder, name), { recursive: true })
  const module = join(import.meta.dirname, 'prosody', AUTH_MODULE)
  await copyFile(module, join(plan.folder, 'modules', AUTH_MODULE))
  if (plan.certificate !== null) {
    const name = join(plan.folder, 'certificates', plan.serverName)
    await writeFile(`${name}.crt`, plan.certificate.chain)
    await writeFile(`${name}.key`, plan.certificate.key, { mode: 0o600 })
  }
  const file = join(plan.folder, CONFIGURATION)
  await writeFile(file, prosodyConfiguration(plan), { mode: 0o600 })
  return { command: PROGRAM, args: ['-F', '--config', file], env: {} }
}

/**
 * Prosody has no option that says its version (`prosody --version` starts a server), so we ask as it asks itself: the program
 * is a Lua script that names its source folder, where the file prosody.version holds it.
 */
const version = async (programs: Programs = HERE): Promise<string | null> => {
  const program = await programs.find(PROGRAM)
  if (program === null) return null
  const script = await programs.read(program)
  const source = /^CFG_SOURCEDIR\s*=\s*['"](.+?)['"]/m.exec(script)?.[1] ?? dirname(program)
  return (await programs.read(join(source, 'prosody.version'))).trim()
}

export const prosody: BrokerProduct = {
  name: 'prosody',
  title: 'Prosody',
  debianPackage: 'prosody',
  program: PROGRAM,
  // 13.0 is what followed 0.12.
  versions: { from: '0.12', below: '14' },
  serves: { xmpp: ['none', 'tls'] },
  hops: 2,
  consumer: 'subscribes',
  audit: {
    TCP_NODELAY: 'on (network_settings.nagle = false; the default leaves it off)',
    'listen backlog': '1024 (network_settings.tcp_backlog; default 128)',
    accounts:
      'any device name with the password of the run (own module); SCRAM-SHA-256 keys derived once, 4096 iterations',
    storage:
      'none: no rosters, no offline messages; a message for nobody is answered with an error',
    modules:
      'c2s, presence, message, iq, saslauth, smacks; no s2s, no STARTTLS, no archive, no carbons, no mod_limits',
    'rate limits': 'none (mod_limits is not loaded)',
    'largest stanza': '256 KiB (c2s_stanza_size_limit, default)',
    queues:
      'what a client does not read is buffered without limit and dropped after 180 s (network_settings.send_timeout, default); XEP-0198 keeps 500 stanzas per session (smacks_max_queue_size, default)',
    'consumer acknowledgements':
      'with reliability acknowledged, Prosody keeps a copy of each stanza until the consumer has answered its <r/> (smacks_max_unacked_stanzas = 0, default)',
    TLS: 'of TLS 1.3, two tickets after each handshake, which it does not take (options.no_ticket, default)',
    log: 'warnings and errors (default: info)',
  },
  registration: 'resource-directory',
  ports: { xmpp: xmpp.ports },
  version,
  configuration: (plan) => ({ file: CONFIGURATION, text: prosodyConfiguration(plan) }),
  prepare,
}
