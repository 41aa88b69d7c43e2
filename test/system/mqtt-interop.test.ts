/**
 * Our device and our consumer exchange messages with the clients of others, in both directions, through each broker and over each
 * transport: with mosquitto_sub and mosquitto_pub (Debian's have no WebSocket: there they use TCP), and with the package `mqtt`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { aedes } from '../../simulator/brokers/aedes.ts'
import type { BrokerProduct } from '../../simulator/brokers/broker.ts'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { ejabberd } from '../../simulator/brokers/ejabberd.ts'
import { findProgram } from '../../simulator/brokers/runtimes/find-program.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import type { Framing } from '../../simulator/core/types.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { TlsContext } from '../../simulator/transports/tls.ts'
import { DEVICE, MESSAGES, OTHER_DEVICE, Ours, PASSWORD } from './interop-ours.cases.ts'
import { MosquittoClients, PackageClient, type Peer } from './interop-peers.cases.ts'

/** Only ejabberd asks for one. */
const USER = 'someone'

const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.9`
const NAME = 'server.test'

/** Why messages cannot be exchanged through the product here; false: they can. */
const missing = async (product: BrokerProduct): Promise<string | false> => {
  if ((await findProgram('mosquitto_sub')) === null) return 'missing: mosquitto-clients'
  return (await product.version()) === null ? `missing: ${product.debianPackage}` : false
}

const pki = makePki({
  dnsName: NAME,
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

const TLS12 = { version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
const TLS13 = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const

interface Transport {
  readonly name: string
  /** What the package `mqtt` calls it. */
  readonly scheme: 'mqtt' | 'mqtts' | 'ws' | 'wss'
  readonly framing: Framing
  readonly tls: typeof TLS12 | typeof TLS13 | null
}

const TRANSPORTS: readonly Transport[] = [
  { name: 'TCP', scheme: 'mqtt', framing: 'none', tls: null },
  { name: 'TLS 1.2', scheme: 'mqtts', framing: 'none', tls: TLS12 },
  { name: 'TLS 1.3', scheme: 'mqtts', framing: 'none', tls: TLS13 },
  { name: 'WebSocket', scheme: 'ws', framing: 'websocket', tls: null },
  { name: 'WebSocket over TLS', scheme: 'wss', framing: 'websocket', tls: TLS13 },
]

interface Stand {
  readonly port: number
  /** A file with the authority that has signed the broker's certificate. */
  readonly authority: string
}

/** A broker that is listening, until the stack is disposed. */
const stand = async (
  stack: AsyncDisposableStack,
  product: BrokerProduct,
  { framing, tls }: Transport,
): Promise<Stand> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-interop-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, pki.authority)
  const security = tls === null ? 'none' : 'tls'
  const certificate = tls === null ? null : { chain: pki.certificate, key: pki.key }
  const plan = brokerPlan({ folder, address: HOST, framing, security, tls, certificate })
  const { signal } = new AbortController()
  const placement = { namespace: null, cpu: null, signal }
  const broker = stack.use(await startProcess(product, plan, placement))
  const port = devicePort(product, { protocol: 'mqtt', framing, security }) ?? 0
  await waitListening(broker, HOST, [mqtt.ports.plain, port], 10_000, signal)
  return { port, authority }
}

/** Where mosquitto_sub and mosquitto_pub go: the way of the device, or TCP where that is WebSocket. */
const reach = (
  { framing, tls }: Transport,
  { port, authority }: Stand,
  version: string,
): string[] => {
  const own = framing === 'none'
  const secure = own && tls !== null
  return [
    '-h', HOST, '-p', String(own ? port : mqtt.ports.plain), '-V', version === '5' ? 'mqttv5' : 'mqttv311',
    '-u', USER, '-P', PASSWORD,
    // The certificate names server.test, and nobody resolves it: the programs cannot be told another name than the host's.
    ...(secure ? ['--cafile', authority, '--insecure'] : []),
  ] // prettier-ignore
}

const packageOptions = ({ scheme, tls }: Transport, { port }: Stand, version: string): object => ({
  url: `${scheme}://${HOST}:${port}/mqtt`,
  protocolVersion: version === '5' ? 5 : 4,
  username: USER,
  password: PASSWORD,
  ...(tls === null
    ? {}
    : {
        ca: pki.authority,
        servername: NAME,
        minVersion: `TLSv${tls.version}`,
        maxVersion: `TLSv${tls.version}`,
        // WebSocket has its own idea of the name otherwise.
        wsOptions: { servername: NAME },
      }),
})

const texts = (who: string): string[] => Array.from({ length: MESSAGES }, (_, k) => `${who} ${k}`)
const topic = (letter: 'c' | 'd', device: number): string =>
  `${letter}/${String(device).padStart(6, '0')}`

/** What came of that which one side said to the other. */
interface Ways {
  readonly deviceToThem: readonly string[]
  readonly applicationToThem: readonly string[]
  readonly themToDevice: readonly string[]
  readonly themToApplication: readonly string[]
}

const exchange = async (
  transport: Transport,
  product: BrokerProduct,
  version: string,
): Promise<(readonly [peer: string, Ways])[]> => {
  await using stack = new AsyncDisposableStack()
  const at = await stand(stack, product, transport)
  const peers: readonly Peer[] = [
    stack.use(await MosquittoClients.start(reach(transport, at, version))),
    stack.use(await PackageClient.start(packageOptions(transport, at, version))),
  ]
  const tls =
    transport.tls === null
      ? null
      : TlsContext.client({ ...transport.tls, authority: pki.authority })
  stack.defer(() => tls?.close())
  const { framing } = transport
  const remote = { host: HOST, port: at.port }
  const ours = stack.use(new Ours({ remote, framing, tls, serverName: NAME }, version, USER))
  await ours.until(() => ours.ready === 2)
  ours.speak()
  for (const [k, peer] of peers.entries()) {
    peer.say(topic('c', DEVICE), texts(peer.name))
    peer.say(topic('d', k), texts(peer.name))
  }
  const ways = peers.map((peer, k) => (): Ways => ({
    deviceToThem: peer.heard(topic('d', DEVICE)),
    applicationToThem: peer.heard(topic('c', OTHER_DEVICE)),
    themToDevice: ours.commands.filter((payload) => payload.startsWith(peer.name)),
    themToApplication: ours.received.flatMap(([device, text]) => (device === k ? [text] : [])),
  }))
  const arrived = (): boolean =>
    ways.every((found) => Object.values(found()).every(({ length }) => length >= MESSAGES))
  await ours.until(() => ours.acknowledged === 2 * MESSAGES && arrived())
  assert.equal(ours.acknowledged, 2 * MESSAGES)
  return ways.map((found, k) => [peers[k]?.name ?? '', found()])
}

/** One line for each transport and client of others. */
const TABLE = [
  'messages: device to them + application to them + them to device + them to application',
]
after(() => console.log(TABLE.join('\n')))

/** Of ejabberd, which takes a while to start, those that have all its layers between them. */
const PLANS: readonly (readonly [BrokerProduct, version: string, readonly Transport[]])[] = [
  [mosquitto, '3.1.1', TRANSPORTS],
  [mosquitto, '5', TRANSPORTS],
  [aedes, '3.1.1', TRANSPORTS],
  [ejabberd, '5', TRANSPORTS.filter(({ name }) => /TLS 1\.2|WebSocket over/u.test(name))],
]

for (const [product, version, transports] of PLANS) {
  const skip = await missing(product)
  for (const transport of transports) {
    const how = `MQTT ${version} through ${product.name} over ${transport.name}`
    test(`ours and theirs hear each other: ${how}`, { skip }, async () => {
      for (const [peer, ways] of await exchange(transport, product, version)) {
        const counts = Object.values(ways).map(({ length }) => length)
        TABLE.push(`${how}, ${peer}: ${counts.join(' + ')} messages`)
        assert.deepEqual(ways, {
          deviceToThem: texts('device'),
          applicationToThem: texts('application'),
          themToDevice: texts(peer),
          themToApplication: texts(peer),
        })
      }
    })
  }
}
