/** The runtime on an engine whose containers are processes: what is tested is its life, and what is said when it goes wrong. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokerPlan } from '../../broker-plan.cases.ts'
import type { BrokerProduct } from '../../broker.ts'
import { waitListening } from '../process.ts'
import { HERE } from '../programs.ts'
import { Containers } from './containers.ts'
import { endOf } from './container.ts'
import { FakeEngine } from './fake-engine.cases.ts'
import { removeContainers } from './leftovers.ts'
import { ulimitsFor } from './ulimits.ts'

const root = mkdtempSync(join(tmpdir(), 'thingbench-containers-'))
after(() => rmSync(root, { recursive: true }))
writeFileSync(join(root, 'server.conf'), 'a configuration')

const { signal } = new AbortController()
// Of whoever runs these tests.
delete process.env.EMQX_IMAGE
const plan = brokerPlan({ folder: root })
const placement = { name: 'thingbench-test', cpu: null, signal }
const silent = (): void => {}

/** A product with the service of mosquitto, whose server is this program of Node. */
const product = (source: string): BrokerProduct => ({
  name: 'mosquitto',
  title: 'Fake server',
  debianPackage: 'mosquitto',
  program: 'mosquitto',
  versions: { from: '1.2', below: '2' },
  serves: { mqtt: ['none'] },
  hops: 2,
  consumer: 'subscribes',
  audit: {},
  registration: 'resource-directory',
  ports: {},
  version: () => Promise.resolve('1.2.3'),
  prepare: () =>
    Promise.resolve({
      command: process.execPath,
      args: ['-e', source],
      env: { GREETING: 'hello' },
    }),
})

const SERVER = `
  require('node:net').createServer().listen(0, '127.0.0.1', function () {
    console.log(process.env.GREETING, this.address().port)
    process.stdin.on('end', () => console.error('no input')).resume()
  })`

const prepared = async (of: BrokerProduct): Promise<Containers> => {
  const containers = await Containers.open()
  await containers.prepare([of], silent, signal)
  return containers
}

test('a server is held until it is released, then it is the first process, and nothing is left of it', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  assert.equal(containers.has(product('')), true)
  assert.equal(containers.has({ ...product(''), name: 'prosody' }), false)
  const broker = await containers.hold(product(SERVER), plan, placement)
  const [pid = 0] = broker.pids()
  const program = (): string => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? ''
  assert.equal(broker.namespace, `/proc/${pid}/ns/net`)
  assert.equal(program(), '/bin/sh')
  const made = engine.containers.get('thingbench-test')
  assert.match(made?.archives[0]?.toString('latin1') ?? '', /server\.conf[^]*a configuration/)

  await containers.release(broker)
  while (!broker.log().includes('no input')) await sleep(5)
  assert.equal(program(), process.execPath)
  assert.equal(broker.version, '1.2.3')
  assert.equal(broker.runtime, 'container')
  assert.equal(broker.image, 'thingbench-mosquitto (sha256:thingbench-mosquitto)')
  const port = Number(/hello (\d+)/.exec(broker.log())?.[1])
  await waitListening(broker, '127.0.0.1', [port], 1000, signal)
  assert.equal(broker.ended(), null)

  await broker[Symbol.asyncDispose]()
  assert.equal(broker.ended(), 'signal SIGTERM')
  assert.equal(engine.containers.size, 0)
  assert.equal(existsSync(`/proc/${pid}`), false)
})

/** As sched(7) has it: 0-3 */
const allowedProcessors = (process: number | 'self'): string => {
  const status = readFileSync(`/proc/${process}/status`, 'latin1')
  return /^Cpus_allowed_list:\t(.+)$/m.exec(status)?.[1] ?? ''
}

test('a container has no network, no capabilities, one processor, its limits and descriptors for all devices', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  const [cpu = ''] = /\d+$/.exec(allowedProcessors('self')) ?? []
  await using held = await containers.hold(product(SERVER), plan, {
    ...placement,
    cpu: Number(cpu),
    limits: { memory: 64 * 2 ** 20, cpu: 0.5 },
  })
  assert.equal(held.product.name, 'mosquitto')
  assert.equal(allowedProcessors(held.pids()[0] ?? 0), cpu)
  const { HostConfig = {}, User } = engine.containers.get('thingbench-test')?.body ?? {}
  assert.equal(User, '0:0')
  assert.equal(HostConfig['NetworkMode'], 'none')
  assert.deepEqual(HostConfig['CapDrop'], ['ALL'])
  assert.equal(HostConfig['Memory'], 67_108_864)
  assert.equal(HostConfig['MemorySwap'], 67_108_864)
  assert.equal(HostConfig['NanoCpus'], 500_000_000)
  assert.deepEqual(HostConfig['Ulimits'], ulimitsFor(1034))
})

test('a server runs as the user of its service, whom its files belong to', async () => {
  await using engine = await FakeEngine.start()
  const server = { ...product(SERVER), name: 'emqx' }
  const containers = await prepared(server)
  await using held = await containers.hold(server, plan, placement)
  assert.equal(held.image, 'emqx/emqx:5.8.8 (sha256:emqx/emqx:5.8.8)')
  const { body, archives } = engine.containers.get('thingbench-test') ?? {}
  assert.equal(body?.User, '1000:1000')
  const archive = archives?.[0]?.toString('latin1') ?? ''
  // User and group, in octal.
  assert.ok(archive.includes('server.conf') && archive.includes('0001750\x000001750\x00'))
})

test('an engine that leaves a limit out, or keeps it without a control group, is refused', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  engine.leavesOut = ['NanoCpus']
  engine.info = { MemoryLimit: false }
  const limited = { ...placement, limits: { memory: 64 * 2 ** 20, cpu: 0.5 } }
  await assert.rejects(containers.hold(product(SERVER), plan, limited), {
    code: 'TB_CONTAINER_REFUSED',
    message: /would not limit the .*: it left out Memory 67108864, NanoCpus 500000000\./,
  })
  assert.equal(engine.containers.size, 0)
})

test('a server that dies says how, and what it said last; out of memory has its name', async () => {
  await using engine = await FakeEngine.start()
  engine.oomKilled = true
  const dying = product(`console.error('I cannot'); process.kill(process.pid, 'SIGKILL')`)
  const containers = await prepared(dying)
  await using broker = await containers.hold(dying, plan, placement)
  await containers.release(broker)
  await assert.rejects(waitListening(broker, '127.0.0.1', [1], 5000, signal), {
    code: 'TB_BROKER_START',
    message: /ended \(signal SIGKILL: out of memory\)[^]*I cannot/,
  })
})

test('the end of a container is told as that of a process', () => {
  assert.equal(endOf(0), 'exit status 0')
  assert.equal(endOf(127), 'exit status 127')
  assert.equal(endOf(137), 'signal SIGKILL')
  assert.equal(endOf(139), 'signal SIGSEGV')
})

test('the version is asked in the container, once for each image', async () => {
  await using fake = await FakeEngine.start()
  let asked = 0
  const curious: BrokerProduct = {
    ...product(SERVER),
    async version(programs = HERE) {
      asked++
      const found = [
        await programs.find('sh'),
        await programs.find('no-such-program'),
        await programs.ask('sh', ['-c', 'echo on one; echo on the other >&2; exit 3']),
        await programs.ask('no-such-program', []),
        await programs.read(join(root, 'server.conf')),
      ]
      assert.match(found[0] ?? '', /^\/.*sh$/)
      assert.deepEqual((found[2] ?? '').trim().split('\n').sort(), ['on one', 'on the other'])
      assert.deepEqual([found[1], found[3], found[4]], [null, null, 'a configuration'])
      await assert.rejects(programs.read('/nowhere'), /cat: .*\/nowhere/)
      return '1.5'
    },
  }
  const containers = await prepared(curious)
  for (let i = 0; i < 2; i++) {
    await using broker = await containers.hold(curious, plan, placement)
    await containers.release(broker)
    assert.equal(broker.version, '1.5')
  }
  assert.equal(asked, 1)
  assert.equal(fake.containers.size, 0)
})

test('a version that is not known is refused, with the image', async () => {
  await using fake = await FakeEngine.start()
  const old = { ...product(SERVER), version: () => Promise.resolve('1.1') }
  const containers = await prepared(old)
  assert.equal(fake.builds, 1)
  await using broker = await containers.hold(old, plan, placement)
  await assert.rejects(containers.release(broker), {
    code: 'TB_BROKER_VERSION',
    message: /\(thingbench-mosquitto \(sha256:.*\)\) is version 1\.1;/,
  })
})

test('what the engine refuses is told in its words, and what it had made is removed', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  const refusal = { status: 500, message: 'no such cpuset' }
  for (const [route, step] of [
    ['PUT containers archive', 'give files to'],
    ['POST containers attach', 'attach to'],
    ['POST containers start', 'start'],
  ] as const) {
    engine.refusals.set(route, refusal)
    await assert.rejects(containers.hold(product(SERVER), plan, placement), {
      code: 'TB_CONTAINER_REFUSED',
      message: new RegExp(`would not ${step} the container of Fake server: no such cpuset\\.`),
    })
    engine.refusals.delete(route)
    assert.equal(engine.containers.size, 0, step)
  }
  await using first = await containers.hold(product(SERVER), plan, placement)
  await assert.rejects(containers.hold(product(SERVER), plan, placement), {
    message: /would not create .*: The name thingbench-test is in use\./,
  })
  assert.equal(first.ended(), null)
  assert.equal(engine.containers.size, 1, 'the other one is not ours')
})

test('of an attachment that the engine refuses no connection stays, which would keep the process from its end', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  engine.refusals.set('POST containers attach', { status: 500, message: 'not now' })
  await assert.rejects(containers.hold(product(SERVER), plan, placement), /not now/)
  const [socket] = engine.notUpgraded
  assert.ok(socket)
  if (!socket.readableEnded) await once(socket, 'end', { signal: AbortSignal.timeout(2000) })
})

test('an engine whose processes are not to be seen here is told', async () => {
  await using engine = await FakeEngine.start()
  const containers = await prepared(product(SERVER))
  // No process has so great a number (PID_MAX_LIMIT).
  engine.shownPid = 4_194_305
  await assert.rejects(containers.hold(product(SERVER), plan, placement), {
    code: 'TB_CONTAINER_ELSEWHERE',
    message: /process 4194305 .*\(ENOENT: /,
  })
  assert.equal(engine.containers.size, 0)
})

test('what a killed run left is removed, and what others made is not', async () => {
  await using engine = await FakeEngine.start()
  engine.leave('thingbench-left', 'thingbench-left')
  engine.leave('thingbench-other', '')
  const names = ['thingbench-gone', 'thingbench-left', 'thingbench-other']
  assert.deepEqual(await removeContainers(names), { removed: ['thingbench-left'], problem: null })
  assert.deepEqual([...engine.containers.keys()], ['thingbench-other'])
})
