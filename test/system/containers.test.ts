/** Servers in containers of a real engine: they start, serve, are measured as processes are, and leave nothing. Needs root and an engine. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import type { BrokerPlan, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { BROKERS } from '../../simulator/brokers/catalogue.ts'
import { emqx } from '../../simulator/brokers/emqx.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { Containers } from '../../simulator/brokers/runtimes/container/containers.ts'
import { openEngine } from '../../simulator/brokers/runtimes/container/engine.ts'
import { ensureImage } from '../../simulator/brokers/runtimes/container/image.ts'
import { ROOT_OWNER } from '../../simulator/brokers/runtimes/container/tar.ts'
import { inRange } from '../../simulator/brokers/versions.ts'
import { waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import { deviceName } from '../../simulator/core/device-name.ts'
import { CLEAR_LINK } from '../../simulator/core/link-profile.ts'
import { PLAIN_TCP } from '../../simulator/core/tcp.ts'
import type { Security } from '../../simulator/core/types.ts'
import { SERVER_ADDRESS, type LinkConfig, type LinkEvent, type LinkOrder } from '../../simulator/network/link-protocol.ts' // prettier-ignore
import { RoleProcess } from '../../simulator/run/role-process.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { Command } from './command.cases.ts'
import { containersLeft, docker, noContainers } from './engine.cases.ts'

const skip = noContainers()
const ADDRESS = '127.0.0.1'
const PATIENCE = 20_000
const STARTS = 100
const AT_ONCE = 6
const LINK_ENTRY = '../network/link-process.ts'
const LINK: LinkConfig = {
  devices: 1,
  probes: 1,
  profile: CLEAR_LINK,
  timeline: [],
  tcp: PLAIN_TCP,
  seed: 1,
  canary: 'canary',
  cpu: null,
}
const { signal } = new AbortController()

/** Mounts of namespaces: engines make one for each container that runs. */
const mountedNamespaces = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter((line) => line.includes(' - nsfs '))

/** Whether the process is there and no other that was given its number since. */
const isOurs = (pid: number): boolean => {
  try {
    return /mosquitto|link-process/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
  } catch {
    return false
  }
}

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
  // Without what has an image of its makers alone, which nobody can fetch here.
  const products = BROKERS.filter(({ debianPackage }) => debianPackage !== null)

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
      assert.equal(broker.pids()[0], pid, 'the first process is the program itself')
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
        it(`${product.name} (${protocol}, ${security}) starts and ends, and leaves nothing`, async () => {
          await visit(product, protocol, security)
          assert.deepEqual(containersLeft(), [])
        })

  /** One start with its link; the processes that were in its network namespaces. */
  const start = async (): Promise<number[]> => {
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    try {
      const plan = { ...planFor(folder, 'mqtt', 'none'), address: SERVER_ADDRESS }
      const placement = { name: `thingbench-${randomUUID()}`, cpu: null, signal }
      await using broker = await containers.hold(mosquitto, plan, placement)
      const config: LinkConfig = { ...LINK, serverNamespace: broker.namespace }
      await using link = new RoleProcess<LinkOrder, LinkEvent>('link', LINK_ENTRY, config)
      await link.expect('ready', PATIENCE, signal)
      await containers.release(broker)
      // At an address that nothing has but the TUN device in the container's namespace.
      await waitListening(broker, SERVER_ADDRESS, [1883], PATIENCE, signal)
      return [...broker.pids(), link.pid]
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  it(`${STARTS} starts and stops leave no container, network, volume, namespace or TUN device`, async () => {
    const ofEngine = (): string[] => [...docker('network', 'ls', '-q'), ...docker('volume', 'ls', '-q')] // prettier-ignore
    const before = ofEngine()
    const mounted = mountedNamespaces()
    const pids: number[] = []
    let begun = 0
    const worker = async (): Promise<void> => {
      while (begun++ < STARTS) pids.push(...(await start()))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    assert.equal(pids.length, 2 * STARTS)
    assert.deepEqual(containersLeft(), [])
    assert.deepEqual(ofEngine(), before)
    // A namespace, with the TUN device in it, is there as long as a process is in it, or a mount of it (namespaces(7)).
    assert.deepEqual(pids.filter((pid) => isOurs(pid)), []) // prettier-ignore
    assert.deepEqual(mountedNamespaces(), mounted)
    assert.equal(existsSync('/sys/class/net/link0'), false)
  })

  it('a name that is taken is told, and whoever has it keeps it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    const placement = { name: `thingbench-${randomUUID()}`, cpu: null, signal }
    try {
      const plan = planFor(folder, 'mqtt', 'none')
      await using first = await containers.hold(mosquitto, plan, placement)
      await assert.rejects(containers.hold(mosquitto, plan, placement), {
        code: 'TB_CONTAINER_REFUSED',
        message: new RegExp(`would not create .*${placement.name}.* is already in use`),
      })
      assert.equal(first.ended(), null)
    } finally {
      await rm(folder, { recursive: true })
    }
    assert.deepEqual(containersLeft(), [])
  })

  it('an image whose base cannot be pulled says so, and what to do', async () => {
    const context = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    await writeFile(join(context, 'Dockerfile'), 'FROM registry.invalid/nothing:1\n')
    const service = { name: 'nothing', image: 'thingbench-nothing', variable: null, context, owner: ROOT_OWNER, labels: {} } // prettier-ignore
    const { engine } = await openEngine()
    try {
      await assert.rejects(
        ensureImage(engine, service, () => {}, signal),
        {
          code: 'TB_IMAGE_BUILD',
          message: /registry\.invalid.*The base image could not be fetched: pull it/,
        },
      )
    } finally {
      await rm(context, { recursive: true })
    }
  })

  it('an image without the server is refused with its name; its user has the files', async () => {
    process.env.EMQX_IMAGE = 'thingbench-mosquitto'
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-containers-'))
    try {
      const others = await Containers.open()
      await others.prepare([emqx], () => assert.fail('it is here already'), signal)
      const plan = { ...planFor(folder, 'mqtt', 'tls'), password: 'cookie' }
      const placement = { name: `thingbench-${randomUUID()}`, cpu: null, signal }
      await using held = await others.hold(emqx, plan, placement)
      const of = async (...words: string[]): Promise<string> => (await held.run(words)).text.trim()
      assert.equal(await of('stat', '-c', '%u:%g %a', folder), '1000:1000 700')
      assert.equal(await of('stat', '-c', '%u:%g %a', join(folder, 'server.key')), '1000:1000 600')
      assert.equal(await of('cat', join(folder, 'server.key')), pki.key.trim())
      await assert.rejects(others.release(held), {
        code: 'TB_BROKER_VERSION',
        message: /^EMQX \(thingbench-mosquitto \(sha256:\w+\)\) is version unknown;/,
      })
    } finally {
      delete process.env.EMQX_IMAGE
      await rm(folder, { recursive: true })
    }
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
title: What does a run that is killed leave?
stacks: [mqtt-tcp]
links: [lan]
devices: 5
workload: { interval: 250 ms }
phases: { ramp: 500 ms, warmup: 500 ms, measure: 1 s, drain: 1 s }
repetitions: 1
`

/** Sessions of Prosody take twice as much; of Mosquitto, with TLS, 2 000 fit. */
const SMALL = `
thingbench: 1
title: How many sessions fit into 64 MiB?
stacks: [{ stack: xmpp-tcp, server: { memory: 64 MiB } }]
links: [lan]
devices: 2000
workload: { interval: 3 s }
phases: { ramp: 3 s, warmup: 1 s, measure: 3 s, drain: 1 s }
repetitions: 1
`

/** Nobody listens there. */
const UNREACHABLE = 'localhost:1/emqx:none'

describe('a run with servers in containers', { skip }, () => {
  it('ends before its first cell when an image cannot be fetched, and says which and why', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO.replace('mqtt-tcp', '{ stack: mqtt-quic, broker: emqx }')) // prettier-ignore
    const { code, stderr } = await command.run(['run', file, '--out', command.out], {
      env: { EMQX_IMAGE: UNREACHABLE },
    })
    assert.equal(code, 1, stderr)
    assert.match(stderr, /^thingbench: fetching the image localhost:1\/emqx:none$/m)
    assert.match(
      stderr,
      /The image localhost:1\/emqx:none is not here.*: Get .*connection refused\. .*EMQX_IMAGE/,
    )
    assert.deepEqual(containersLeft(), [])
    assert.deepEqual(command.temporaryFiles(), [])
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
      /Prosody ended in the middle of the cell \(signal SIGKILL: out of memory\)[^]* last lines:[^]*Prosody was unable to find lua-unbound/,
    )
    assert.deepEqual(containersLeft(), [])
  })

  it('that is killed leaves its container to the next start, which removes it and nothing else', async () => {
    const [other = ''] = docker('create', '--network', 'none', 'debian:bookworm-slim', 'true')
    try {
      await using command = await Command.create()
      const file = await command.scenario(SCENARIO)
      const words = ['run', file, '--runtime', 'container', '--json']
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
      docker('inspect', other)
    } finally {
      docker('rm', other)
    }
  })
})
