/** Servers in containers of a real engine: they start, serve, are measured as processes are, and leave nothing. Needs root and an engine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import type { BrokerPlan, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { BROKERS } from '../../simulator/brokers/catalogue.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { Containers } from '../../simulator/brokers/runtimes/container/containers.ts'
import { openEngine } from '../../simulator/brokers/runtimes/container/engine.ts'
import { inRange } from '../../simulator/brokers/versions.ts'
import { waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import { deviceName } from '../../simulator/core/device-name.ts'
import type { Security } from '../../simulator/core/types.ts'
import type { Runtime } from '../../simulator/run/containers-for.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { Command } from './command.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const noEngine = await openEngine().then(
  () => false as const,
  (error: Error) => error.message,
)
const skip = skipReason() || noEngine
const ADDRESS = '127.0.0.1'
const PATIENCE = 10_000
const { signal } = new AbortController()

/** Names of our containers, running or not. */
const containersLeft = (): string[] =>
  execFileSync(
    'docker',
    ['ps', '-a', '--filter', 'label=thingbench.container', '--format', '{{.Names}}'],
    { encoding: 'utf8' },
  )
    .split('\n')
    .filter(Boolean)

const pki = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3_600_000),
  notAfter: new Date(Date.now() + 3_600_000),
})

const planFor = (folder: string, protocol: string, security: Security): BrokerPlan =>
  brokerPlan({
    folder,
    address: ADDRESS,
    protocol,
    security,
    ...(security === 'tls' && {
      certificate: { chain: pki.certificate, key: pki.key },
      tls: { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' },
    }),
    ...(security === 'dtls-psk' && {
      psk: new Map([[deviceName(0), Buffer.from(randomBytes(12).toString('base64url'))]]),
    }),
  })

describe('servers in containers', { skip }, () => {
  let containers: Containers
  const products = BROKERS.filter(({ program }) => program !== null)

  before(async () => {
    containers = await Containers.open()
    await containers.prepare(products, () => {}, signal)
  })

  const visit = async (
    product: BrokerProduct,
    protocol: string,
    security: Security,
  ): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    const name = `thingbench-${randomUUID()}`
    const plan = planFor(folder, protocol, security)
    let pid = 0
    try {
      await using broker = await containers.hold(product, plan, { name, cpu: 0, signal })
      const [first = 0] = broker.pids()
      pid = first
      assert.notEqual(readlinkSync(broker.namespace), readlinkSync('/proc/self/ns/net'))
      await containers.release(broker)
      const device = devicePort(product, { protocol, framing: 'none', security })
      const ports = [product.ports[protocol]?.plain ?? 0, device ?? 0]
      await waitListening(broker, ADDRESS, ports, PATIENCE, signal)
      assert.deepEqual(broker.pids(), [pid], 'one process, the program itself')
      assert.ok(product.versions !== null && inRange(broker.version, product.versions))
      assert.match(broker.image, /^thingbench-[a-z]+ \(sha256:[0-9a-f]{64}\)$/)
      assert.equal(broker.ended(), null)
    } finally {
      await rm(folder, { recursive: true })
    }
    assert.equal(existsSync(`/proc/${pid}`), false)
  }

  for (const product of products)
    for (const [protocol, securities] of Object.entries(product.serves))
      for (const security of securities)
        it(`${product.name} (${protocol}, ${security}) starts and ends 3 times and leaves nothing`, async () => {
          for (let i = 0; i < 3; i++) await visit(product, protocol, security)
          assert.deepEqual(containersLeft(), [])
        })

  it('a server that cannot start says why, in its own words', async () => {
    const refuses: BrokerProduct = {
      ...mosquitto,
      prepare: () => Promise.resolve({ command: 'mosquitto', args: ['-c', '/nowhere'], env: {} }),
    }
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    try {
      const placement = { name: `thingbench-${randomUUID()}`, cpu: null, signal }
      await using broker = await containers.hold(
        refuses,
        planFor(folder, 'mqtt', 'none'),
        placement,
      )
      await containers.release(broker)
      await assert.rejects(waitListening(broker, ADDRESS, [1883], PATIENCE, signal), {
        code: 'TB_BROKER_START',
        message: /exit status \d[^]*\/nowhere/,
      })
    } finally {
      await rm(folder, { recursive: true })
    }
    assert.deepEqual(containersLeft(), [])
  })
})

const SCENARIO = `
thingbench: 1
title: Does the runtime of the server change what is measured?
stacks: [mqtt-tcp, mqtt-tls, xmpp-tcp, { stack: coap-udp, broker: libcoap }]
links: [lan]
devices: 10
workload: { interval: 500 ms }
phases: { ramp: 1 s, warmup: 1 s, measure: 4 s, drain: 1 s }
repetitions: 1
seed: 7
`

/** 500 sessions of OpenSSL need three times as much. */
const SMALL = `
thingbench: 1
title: How many TLS sessions fit into 8 MiB?
stacks: [{ stack: mqtt-tls, server: { memory: 8 MiB } }]
links: [lan]
devices: 500
workload: { interval: 1 s }
phases: { ramp: 3 s, warmup: 1 s, measure: 3 s, drain: 1 s }
repetitions: 1
`

describe('a run with servers in containers', { skip }, () => {
  it('puts the same on the wire as one with processes', async (t) => {
    const runs = new Map<Runtime, Awaited<ReturnType<typeof runText>>>()
    await using stack = new AsyncDisposableStack()
    for (const runtime of ['process', 'container'] as const)
      runs.set(runtime, stack.use(await runText(SCENARIO, { runtime })))
    const value = (runtime: Runtime, metric: string, name: string): number =>
      runs.get(runtime)?.value(metric, name) ?? NaN
    for (const name of ['mqtt-tcp', 'mqtt-tls', 'xmpp-tcp', 'coap-udp'])
      for (const way of ['up', 'down']) {
        const [bytes, packets] = ['bytes', 'packets'].map((what) => {
          const metric = `wire.${what}_per_message.${way}`
          const both = (['process', 'container'] as const).map((r) => value(r, metric, name))
          t.diagnostic(`${name} ${metric}: ${both.join(' and ')}`)
          return Math.abs((both[0] ?? NaN) - (both[1] ?? NaN))
        })
        // An acknowledgement of TCP may travel with data or alone, which is a matter of milliseconds.
        const exact = name === 'coap-udp'
        assert.ok((bytes ?? NaN) <= (exact ? 0 : 2), `${name} ${way}: bytes differ by ${bytes}`)
        assert.ok((packets ?? NaN) <= (exact ? 0 : 0.05), `${name} ${way}: packets by ${packets}`)
      }
    const words = runs.get('container')?.run.audit.stacks['server runs as'] ?? {}
    assert.match(
      words['mqtt-tcp'] ?? '',
      /^a container of the image thingbench-mosquitto \(sha256:/,
    )
    assert.equal(
      runs.get('process')?.run.audit.stacks['server runs as']?.['mqtt-tcp'],
      'a process of this machine',
    )
    assert.deepEqual(containersLeft(), [])
  })

  it('says when a server needs more memory than it may use', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SMALL)
    const { code, stderr } = await command.run(['run', file, '--out', command.out])
    assert.equal(code, 1, stderr)
    const verdict = (await command.rows()).find(({ metric }) => metric === 'outcome')
    assert.equal(verdict?.outcome, 'failed')
    assert.match(
      verdict.warnings.join(),
      /Eclipse Mosquitto ended in the middle of the cell \(signal SIGKILL: out of memory\)[^]*mosquitto version .* running/,
    )
    assert.deepEqual(containersLeft(), [])
  })

  it('that is killed leaves its container to the next start, which removes it and nothing else', async () => {
    const other = execFileSync(
      'docker',
      ['create', '--network', 'none', 'debian:bookworm-slim', 'true'],
      { encoding: 'utf8' },
    ).trim()
    try {
      await using command = await Command.create()
      const file = await command.scenario(SCENARIO)
      const words = ['run', file, '--only', 'mqtt-tcp', '--runtime', 'container', '--json']
      command.start([...words, '--out', command.out])
      await command.running('mosquitto.conf')
      process.kill(command.pid, 'SIGKILL')
      await command.ended()
      assert.equal(containersLeft().length, 1)
      const { code, stderr } = await command.run([...words, '--out', `${command.out}2`])
      assert.equal(code, 0, stderr)
      assert.match(stderr, /cleaned up after a run that was killed .*: removed 1 container/)
      assert.deepEqual(containersLeft(), [])
      assert.deepEqual(command.temporaryFiles(), [])
      execFileSync('docker', ['inspect', other])
    } finally {
      execFileSync('docker', ['rm', other])
    }
  })
})
