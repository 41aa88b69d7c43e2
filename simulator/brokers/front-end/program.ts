/** The front end as a server that a runtime starts: a process of thingbench before a broker that knows TCP alone. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from '../../core/endpoint.ts'
import type { Stack, StackQuic } from '../../core/types.ts'
import { quiche, QUICHE_VERSION } from '../../native/quiche.ts'
import { adapterOf } from '../../protocols/index.ts'
import { mqtt } from '../../protocols/mqtt/adapter.ts'
import { frontEndCongestion, quicOptions } from '../../transports/quic-options.ts'
import type { ServerProgram } from '../broker.ts'
import { launchNode } from '../runtimes/launch-node.ts'
import type { FrontEndConfiguration, QuicFrontEnd } from './configuration.ts'

/** That of MQTT over QUIC; there is no assignment of it. */
export const QUIC_PORT = 14_567
const CONFIGURATION = 'front-end.json'
const ENTRY = fileURLToPath(new URL('./process.ts', import.meta.url))
/** Streams that a client may have open at once. */
const STREAMS = 100

/** Where it takes the devices of such a stack; null: it does not know how to. */
export const frontEndPort = ({
  protocol,
  framing,
  security,
}: Pick<Stack, 'protocol' | 'framing' | 'security'>): number | null => {
  if (protocol !== mqtt.name || framing !== 'none') return null
  if (security === 'quic') return QUIC_PORT
  return security === 'tls' ? mqtt.ports.secure : null
}

/** Whose code ends the security of such a stack. */
export const frontEndLibrary = ({ security }: Pick<Stack, 'security'>): string =>
  security === 'quic' ? QUICHE_VERSION : `OpenSSL ${process.versions.openssl}`

/** @param broker where it takes connections without security */
export const frontEnd = (stack: Stack, broker: Address): ServerProgram => ({
  name: 'front-end',
  title: 'front end of thingbench',
  debianPackage: null,
  program: null,
  versions: null,
  /** Throws TB_QUIC_MISSING. */
  version() {
    if (stack.security === 'quic') quiche()
    return Promise.resolve(frontEndLibrary(stack))
  },
  async prepare(plan) {
    const { certificate } = plan
    if (certificate === null) throw new Error('a front end has a certificate')
    const [chain, key] = [join(plan.folder, 'server.crt'), join(plan.folder, 'server.key')]
    await writeFile(chain, certificate.chain, { mode: 0o600 })
    await writeFile(key, certificate.key, { mode: 0o600 })
    const configuration: FrontEndConfiguration = {
      listen: { host: plan.address, port: frontEndPort(stack) ?? 0 },
      broker,
      chain,
      key,
      transport: transportOf(stack),
    }
    const file = join(plan.folder, CONFIGURATION)
    await writeFile(file, JSON.stringify(configuration), { mode: 0o600 })
    return launchNode(ENTRY, file)
  },
})

/** The end of QUIC that devices connect to, where it is quiche. */
export const quicFrontEnd = (
  quic: StackQuic,
  { protocol, options }: Pick<Stack, 'protocol' | 'options'>,
): QuicFrontEnd => {
  const keepAlive = adapterOf(protocol).keepAlive?.(options) ?? null
  const congestion = frontEndCongestion(quic)
  return { kind: 'quic', streams: STREAMS, ...quicOptions(quic, protocol, keepAlive), congestion }
}

const transportOf = (stack: Stack): FrontEndConfiguration['transport'] => {
  const { quic, tls, protocol } = stack
  if (quic !== null) return quicFrontEnd(quic, stack)
  if (tls === null) throw new Error(`no front end ends the security of ${protocol}`)
  const { version, group, cipher, resumption, earlyData } = tls
  return { kind: 'tls', version, group, cipher, resumption, earlyData }
}
