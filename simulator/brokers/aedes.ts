/** aedes 1: an MQTT 3.1.1 broker written for Node, in a process of its own that takes Node, and Node's TLS, from thingbench. */
import { readFile, writeFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mqtt } from '../protocols/mqtt/adapter.ts'
import type { Framing } from '../core/types.ts'
import { QUICHE_VERSION } from '../native/quiche.ts'
import { frontEndCongestion, QUICHE_WORDS, quicheCongestion } from '../transports/quic-options.ts'
import { LIMITS } from '../transports/quic-server.ts'
import type { BrokerPlan, BrokerProduct, Launch } from './broker.ts'
import type { QuicFrontEnd } from './front-end/configuration.ts'
import { QUIC_PORT, quicFrontEnd } from './front-end/program.ts'
import { launchNode } from './runtimes/launch-node.ts'

const CONFIGURATION = 'aedes.json'
const ENTRY = fileURLToPath(new URL('./aedes-process.ts', import.meta.url))

/** None are registered; other brokers have these. */
const WEBSOCKET_PORTS = { plain: 8083, secure: 8084 }

/** What the server's process is told: an argument of it names the file. */
export interface AedesConfiguration {
  readonly address: string
  readonly plain: number
  /** Null where devices use the plain one. */
  readonly device: {
    readonly port: number
    readonly framing: Framing
    readonly tls: {
      readonly chain: string
      readonly key: string
      readonly version: 'TLSv1.2' | 'TLSv1.3'
      readonly group: string
      /** A list of OpenSSL (openssl-ciphers(1)). */
      readonly ciphers: string
    } | null
  } | null
  /** Null where devices do not use it. */
  readonly quic: {
    readonly port: number
    readonly chain: string
    readonly key: string
    readonly transport: QuicFrontEnd
  } | null
}

/** Pure: the files that it names are written by `prepare`. */
export const aedesConfiguration = (plan: BrokerPlan): string => {
  const configuration: AedesConfiguration = {
    address: plan.address,
    plain: mqtt.ports.plain,
    device: deviceOf(plan),
    quic: quicOf(plan),
  }
  return `${JSON.stringify(configuration, null, 2)}\n`
}

const files = (folder: string) => ({
  chain: join(folder, 'server.crt'),
  key: join(folder, 'server.key'),
})

const quicOf = (plan: BrokerPlan): AedesConfiguration['quic'] =>
  plan.quic === null
    ? null
    : { port: QUIC_PORT, ...files(plan.folder), transport: quicFrontEnd(plan.quic, plan) }

const deviceOf = ({ folder, framing, security, tls }: BrokerPlan): AedesConfiguration['device'] => {
  if (security === 'quic' || (framing === 'none' && security === 'none')) return null
  const ports = framing === 'none' ? mqtt.ports : WEBSOCKET_PORTS
  return {
    port: security === 'none' ? ports.plain : ports.secure,
    framing,
    tls:
      tls === null
        ? null
        : {
            ...files(folder),
            version: `TLSv${tls.version}`,
            group: tls.group,
            ciphers: cipherList(tls.version, tls.cipher),
          },
  }
}

/**
 * From version 3.2 on, OpenSSL counts suites with 8-byte tags as security level zero. It takes no list without a suite of TLS 1.2,
 * though with TLS 1.3 as the least version none of those is used.
 */
const cipherList = (version: '1.2' | '1.3', cipher: string): string =>
  version === '1.2' ? `${cipher}:@SECLEVEL=0` : `${cipher}:DEFAULT:@SECLEVEL=0`

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  if (plan.certificate !== null) {
    const { chain, key } = files(plan.folder)
    await writeFile(chain, plan.certificate.chain, { mode: 0o600 })
    await writeFile(key, plan.certificate.key, { mode: 0o600 })
  }
  const file = join(plan.folder, CONFIGURATION)
  await writeFile(file, aedesConfiguration(plan), { mode: 0o600 })
  return launchNode(ENTRY, file)
}

const version = async (): Promise<string | null> => {
  const file = findPackageJSON('aedes', import.meta.url)
  if (file === undefined) return null
  return (JSON.parse(await readFile(file, 'utf8')) as { readonly version: string }).version
}

export const aedes: BrokerProduct = {
  name: 'aedes',
  title: 'aedes',
  debianPackage: null,
  program: null,
  versions: null,
  tls: { auth: ['server'], resumption: false, hybrid: true },
  serves: { mqtt: ['none', 'tls', 'quic'] },
  quic: {
    mqtt: {
      port: QUIC_PORT,
      library: QUICHE_VERSION,
      congestion: (quic) => quicheCongestion(frontEndCongestion(quic)),
      ...QUICHE_WORDS,
    },
  },
  unable: ({ options }) =>
    String(options.version ?? '3.1.1') === '5'
      ? 'MQTT 5: aedes refuses all but 3.1 and 3.1.1'
      : null,
  hops: 2,
  consumer: 'subscribes',
  audit: {
    TCP_NODELAY: 'on (noDelay of its sockets; default off)',
    accounts: 'none: every client is let in (default)',
    persistence: 'in memory (default)',
    connections: 'without limit (default)',
    'listen backlog': "511 (Node's default)",
    'QoS 1': 'PUBACK is written before the message is handed on to receivers (built in)',
    'QoS 2':
      'a message is handed on to receivers when its PUBLISH comes, not at PUBREL; a sending client has at most 1000 that wait for PUBREL, then it is disconnected (maxInflightInbound, default)',
    'in-flight limit': 'none: a receiving client is sent what comes (built in)',
    'queue limit':
      'none: 100 messages are handed on at a time, and the others wait in memory (concurrency, default); a receiver that takes nothing for 60 s is disconnected (drainTimeout, default)',
    'packets before CONNACK':
      'at most 42 per client, then it is disconnected (queueLimit, default)',
    'status topics':
      '$SYS heartbeat every 60 s, and a message per connect and disconnect (default)',
    log: 'errors of clients only',
    WebSocket: 'by the package ws, without compression (default)',
    'WebSocket: messages':
      'at most 100 MiB (maxPayload, default); each of the parts in which aedes writes a packet is one, three for a PUBACK (built in)',
    'WebSocket: request':
      'of 60 s and 16 KiB at most (requestTimeout, maxHeaderSize, defaults of Node)',
    QUIC: "thingbench's own listener inside the process of aedes, the same code as the front end has, on UDP sockets of Node; no connection stands between the two",
    'QUIC: a client that takes nothing':
      'is disconnected when 1 MiB waits for it, as by the front end',
    'QUIC: Retry': `asked for from ${LIMITS.retryFrom} handshakes under way on`,
    'QUIC: session tickets': 'sent (built into BoringSSL)',
    'TLS version': 'exactly the one asked for',
    'TLS group': 'exactly the one asked for',
    'TLS session tickets': 'sent (default of Node) and not used',
    'crypto library': 'the OpenSSL inside Node, the same as the devices have',
  },
  registration: 'resource-directory',
  ports: { mqtt: mqtt.ports },
  websocket: { mqtt: WEBSOCKET_PORTS },
  version,
  configuration: (plan) => ({ file: CONFIGURATION, text: aedesConfiguration(plan) }),
  prepare,
}
