/** Every server of the catalogue is started and ended as a run does it, in a network namespace of its own. Needs root. */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { QUIC } from '../../simulator/brokers/broker-plan.cases.ts'
import type { Broker, BrokerPlan, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { BROKERS } from '../../simulator/brokers/catalogue.ts'
import { libcoap } from '../../simulator/brokers/libcoap.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import { deviceName } from '../../simulator/core/device-name.ts'
import type { Framing, Security } from '../../simulator/core/types.ts'
import { makePki } from '../../simulator/security/pki.ts'

const ADDRESS = '127.0.0.1'
const PATIENCE = 10_000
const ROUNDS = 2
const NAME = `thingbench-test-${process.pid}`
const NAMESPACE = `/run/netns/${NAME}`
const signal = new AbortController().signal
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

const reason = process.getuid?.() === 0 ? false : 'needs root: it makes a network namespace'
const lacks = async (product: BrokerProduct): Promise<string | false> =>
  (await product.version()) === null
    ? `${product.name} is missing: apt-get install ${product.debianPackage}`
    : reason

if (reason === false) {
  ip('netns', 'add', NAME)
  process.on('exit', () => ip('netns', 'del', NAME))
  ip('-n', NAME, 'link', 'set', 'lo', 'up')
}

const pki = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})
const keys = new Map(
  [0, 1].map((device) => [deviceName(device), Buffer.from(randomBytes(12).toString('base64url'))]),
)

/** A plan with a folder that goes when the test is over. */
const planFor = async (
  t: { after(then: () => Promise<void>): void },
  protocol: string,
  security: Security,
  framing: Framing = 'none',
): Promise<BrokerPlan> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-brokers-'))
  t.after(() => rm(folder, { recursive: true }))
  return {
    folder,
    address: ADDRESS,
    protocol,
    framing,
    security,
    serverName: 'server.test',
    password: 'secret',
    certificate: ['tls', 'quic'].includes(security)
      ? { chain: pki.certificate, key: pki.key }
      : null,
    tls:
      security === 'tls'
        ? { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' }
        : null,
    quic: security === 'quic' ? QUIC : null,
    psk: security === 'dtls-psk' ? keys : new Map<string, Uint8Array>(),
    devices: 2,
    options: {},
  }
}

const portsOf = (product: BrokerProduct, plan: BrokerPlan): number[] => {
  const [plain, device] = [product.ports[plan.protocol]?.plain, devicePort(product, plan)]
  assert.ok(plain !== undefined && device !== null)
  return [plain, device]
}

const started = async (product: BrokerProduct, plan: BrokerPlan): Promise<Broker> => {
  const broker = await startProcess(product, plan, { namespace: NAMESPACE, cpu: 0, signal })
  try {
    await waitListening(broker, ADDRESS, portsOf(product, plan), PATIENCE, signal)
    return broker
  } catch (error) {
    await broker[Symbol.asyncDispose]()
    throw error
  }
}

/** Processes in the namespace of the test. */
const inNamespace = (): string => ip('netns', 'pids', NAME).trim()

/** Those that are not that one, nor started by it. */
const othersThan = (pid: number): string[] => {
  const isOurs = (other: string): boolean => {
    if (other === String(pid)) return true
    if (other === '1' || !existsSync(`/proc/${other}`)) return false
    const status = readFileSync(`/proc/${other}/status`, 'utf8')
    return isOurs(/^PPid:\t(\d+)$/mu.exec(status)?.[1] ?? '1')
  }
  return inNamespace()
    .split(/\s+/u)
    .filter((other) => !isOurs(other))
}

const plansOf = (product: BrokerProduct): (readonly [string, Security, Framing])[] =>
  Object.entries(product.serves).flatMap(([protocol, securities]) =>
    (['none', 'websocket'] as const).flatMap((framing) =>
      securities
        .filter((security) => devicePort(product, { protocol, framing, security }) !== null)
        .map((security) => [protocol, security, framing] as const),
    ),
  )

/** What has an image alone is never a process of this machine. */
const startable = BROKERS.filter(
  ({ consumer, program, debianPackage }) =>
    consumer !== 'is-server' && (program === null || debianPackage !== null),
)

for (const product of startable)
  for (const [protocol, security, framing] of plansOf(product))
    test(
      `${product.name} (${protocol}, ${security}${framing === 'none' ? '' : `, ${framing}`}) starts and ends ${ROUNDS} times and leaves nothing`,
      { skip: await lacks(product) },
      async (t) => {
        const plan = await planFor(t, protocol, security, framing)
        for (let i = 0; i < ROUNDS; i++) {
          const broker = await started(product, plan)
          const [pid = 0] = broker.pids()
          assert.equal(broker.ended(), null)
          assert.deepEqual(othersThan(pid), [], 'the program itself, with nobody before it')
          assert.doesNotMatch(
            readFileSync(`/proc/${pid}/cmdline`, 'latin1'),
            /^[^\0]*(nsenter|taskset|prlimit|setpriv)\0/,
          )
          assert.equal(broker.version, await product.version())
          await broker[Symbol.asyncDispose]()
          assert.notEqual(broker.ended(), null)
          assert.equal(inNamespace(), '')
        }
      },
    )

test(
  'a second server on the same ports says that they are taken',
  { skip: await lacks(mosquitto) },
  async (t) => {
    const plan = await planFor(t, 'mqtt', 'none')
    await using first = await started(mosquitto, plan)
    assert.equal(first.ended(), null)
    await assert.rejects(started(mosquitto, await planFor(t, 'mqtt', 'none')), {
      code: 'TB_BROKER_START',
      message: /Eclipse Mosquitto .*127\.0\.0\.1, port 1883[^]*Address already in use/,
    })
  },
)

test('a server that is killed says so', { skip: await lacks(mosquitto) }, async (t) => {
  await using broker = await started(mosquitto, await planFor(t, 'mqtt', 'none'))
  process.kill(broker.pids()[0] as number, 'SIGKILL')
  for (let i = 0; i < 200 && broker.ended() === null; i++) await sleep(10)
  assert.equal(broker.ended(), 'signal SIGKILL')
})

test('a server that ignores SIGTERM is killed after 3 s', { skip: reason }, async (t) => {
  const source = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"
  const deaf: BrokerProduct = {
    ...mosquitto,
    version: () => Promise.resolve('2.0'),
    prepare: () => Promise.resolve({ command: process.execPath, args: ['-e', source], env: {} }),
  }
  const plan = await planFor(t, 'mqtt', 'none')
  const broker = await startProcess(deaf, plan, { namespace: NAMESPACE, cpu: null, signal })
  while (!broker.log().includes('up')) await sleep(10)
  const from = performance.now()
  await broker[Symbol.asyncDispose]()
  assert.equal(broker.ended(), 'signal SIGKILL')
  assert.ok(performance.now() - from < 6000)
  assert.equal(inNamespace(), '')
})

test(
  'a runner that is killed with SIGKILL takes its server along',
  { skip: await lacks(mosquitto) },
  async (t) => {
    const plan = { ...(await planFor(t, 'mqtt', 'none')), psk: null }
    const root = join(import.meta.dirname, '../../simulator/brokers')
    const runner = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { startProcess } from '${root}/runtimes/process.ts'
         import { mosquitto } from '${root}/mosquitto.ts'
         const plan = { ...${JSON.stringify(plan)}, psk: new Map() }
         const placement = { namespace: '${NAMESPACE}', cpu: null, signal: new AbortController().signal }
         const broker = await startProcess(mosquitto, plan, placement)
         console.log(broker.pids()[0])
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(runner.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    // Let setpriv have become the server.
    for (let i = 0; i < 200; i++) {
      if (/mosquitto/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))) break
      await sleep(10)
    }
    assert.match(readFileSync(`/proc/${pid}/comm`, 'utf8'), /mosquitto/)
    runner.kill('SIGKILL')
    await once(runner, 'exit')
    for (let i = 0; i < 200 && existsSync(`/proc/${pid}`); i++) await sleep(10)
    assert.equal(existsSync(`/proc/${pid}`), false)
    assert.equal(inNamespace(), '')
  },
)

test(
  'libcoap takes the key of each device, and neither another key nor an unknown identity',
  { skip: await lacks(libcoap) },
  async (t) => {
    const plan = await planFor(t, 'coap', 'dtls-psk')
    await using broker = await started(libcoap, plan)
    assert.equal(broker.ended(), null)
    const time = async (identity: string, key: string): Promise<string> => {
      const client = ['coap-client-openssl', '-B', '2', '-u', identity, '-k', key]
      const url = `coaps://${ADDRESS}:5684/time`
      const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', NAME, ...client, url])
      return stdout.trim()
    }
    const answer = /^\w{3} \d\d \d\d:\d\d:\d\d$/
    const [[one, oneKey], [other, otherKey]] = [...keys] as [[string, Buffer], [string, Buffer]]
    assert.match(await time(one, oneKey.toString()), answer)
    assert.match(await time(other, otherKey.toString()), answer)
    const [swapped, unknown] = await Promise.all([
      time(one, otherKey.toString()),
      time('d999999', oneKey.toString()),
    ])
    assert.doesNotMatch(swapped, answer)
    assert.doesNotMatch(unknown, answer)
  },
)
