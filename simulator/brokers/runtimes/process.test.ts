/** Servers that are small Node programs: what is tested is starting, waiting and ending. Real servers are in test/system. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokerPlan } from '../broker-plan.cases.ts'
import type { BrokerProduct } from '../broker.ts'
import { startProcess, waitListening } from './process.ts'

const placement = { namespace: null, cpu: null, signal: new AbortController().signal }
const plan = brokerPlan({ folder: tmpdir() })

/** A product whose server is this program. */
const product = (source: string, more: Partial<BrokerProduct> = {}): BrokerProduct => ({
  name: 'fake',
  title: 'Fake server',
  debianPackage: 'fake-package',
  program: 'fake-server',
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
  ...more,
})

/** A processor that this process may use. */
const CPU = Number(
  /^Cpus_allowed_list:\t(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1],
)

const LISTENER = `
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () =>
    console.log(process.env.GREETING, server.address().port))
`

const portOf = async (log: () => string): Promise<number> => {
  for (;;) {
    const port = /hello (\d+)/.exec(log())?.[1]
    if (port !== undefined) return Number(port)
    await sleep(5)
  }
}

test('starts the program itself as child, is told when it listens, and ends it', async () => {
  const broker = await startProcess(product(LISTENER), plan, { ...placement, cpu: CPU })
  const [pid = 0] = broker.pids()
  try {
    assert.equal(broker.version, '1.2.3')
    const port = await portOf(() => broker.log())
    await waitListening(broker, '127.0.0.1', [port], 5000, placement.signal)
    assert.equal(broker.ended(), null)
    // The tools before the program are gone: this is the program, on the processor that was asked for.
    assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /^[^\0]*node\0-e\0/)
    assert.match(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
      new RegExp(`^Cpus_allowed_list:\\t${CPU}$`, 'm'),
    )
    await assert.rejects(waitListening(broker, '127.0.0.1', [port, 1], 30, placement.signal), {
      code: 'TB_BROKER_SILENT',
      message: new RegExp(`port ${port} and 1, and after 0.03 s it listens on ${port}\\.`),
    })
  } finally {
    await broker[Symbol.asyncDispose]()
  }
  assert.equal(broker.ended(), 'signal SIGTERM')
  assert.equal(existsSync(`/proc/${pid}`), false)
  await broker[Symbol.asyncDispose]()
})

test('a server that ends early is an error with its last lines', async () => {
  const source = 'console.error("address in use"); process.exitCode = 7'
  await using broker = await startProcess(product(source), plan, placement)
  await assert.rejects(waitListening(broker, '127.0.0.1', [1], 5000, placement.signal), {
    code: 'TB_BROKER_START',
    message: /Fake server .*exit status 7.*127\.0\.0\.1, port 1\.[^]*address in use/,
  })
})

test('a server that is not installed is named with its Debian package and the command that installs it', async () => {
  const absent = {
    code: 'TB_BROKER_MISSING',
    message: /Fake server .*fake-server .*apt-get install .*fake-package/,
  }
  const unknown = product('', { version: () => Promise.resolve(null) })
  await assert.rejects(startProcess(unknown, plan, placement), absent)
  const gone = product('', {
    prepare: () => Promise.resolve({ command: 'fake-server', args: [], env: {} }),
  })
  await assert.rejects(startProcess(gone, plan, placement), absent)
})

test('a server that has an image alone is not looked for on this machine', async () => {
  const imageOnly = product('', { version: () => Promise.resolve(null), debianPackage: null })
  await assert.rejects(startProcess(imageOnly, plan, placement), {
    code: 'TB_BROKER_IMAGE',
    message: /^Fake server is started from an image alone.*--runtime auto or container/,
  })
})

test('a version that thingbench does not know is refused, with the ones that it knows', async () => {
  for (const version of ['2.0.0', '1.1.9', 'unknown'])
    await assert.rejects(
      startProcess(product('', { version: () => Promise.resolve(version) }), plan, placement),
      {
        code: 'TB_BROKER_VERSION',
        message: new RegExp(`Fake server .* is version ${version}; .* from 1\\.2 .* below 2\\.`),
      },
    )
})

test('an aborted run starts nothing, and stops waiting', async () => {
  const aborted = AbortSignal.abort()
  let prepared = false
  const watched = product('', {
    prepare: () => {
      prepared = true
      return Promise.resolve(null)
    },
  })
  await assert.rejects(startProcess(watched, plan, { ...placement, signal: aborted }), {
    name: 'AbortError',
  })
  assert.equal(prepared, false)
  await using broker = await startProcess(product('setTimeout(() => {}, 60000)'), plan, placement)
  const stop = new AbortController()
  const waiting = waitListening(broker, '127.0.0.1', [1], 60_000, stop.signal)
  stop.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
})
