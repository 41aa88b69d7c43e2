/** Failures that come from the machine: a port that is taken, a server that never listens, of another version, with an old certificate; too few descriptors. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { BrokerPlan } from '../../simulator/brokers/broker.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import type { Measurement } from '../../simulator/core/types.ts'
import type { Ending } from './command.cases.ts'
import { Command } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

const skip = skipReason()

const scenario = (stacks: string, devices = 5): string => `
thingbench: 1
name: failing
stacks: [${stacks}]
links: [{ name: quick, delay: 5 ms }]
devices: ${devices}
workload: { interval: 250 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 100 ms, warmup: 300 ms, measure: 1 s, drain: 1 s, connect_deadline: 5 s }
repetitions: 1
`

/** No stack trace, and no word of a defect. */
const inWords = ({ stderr }: Ending): void => assert.doesNotMatch(stderr, /^ +at |defect/m)

/** The verdict on a stack's cell; of a repeated one the last. */
const verdictOf = (rows: readonly Measurement[], stack: string): Measurement => {
  const found = rows.findLast((row) => row.metric === 'outcome' && row.stack === stack)
  assert.ok(found, `no verdict on ${stack}`)
  return found
}

/** The stack's cell failed for that reason, which is told on the screen and in the results; the run went on to its end. */
const failed = async (command: Command, stack: string, reason: RegExp): Promise<void> => {
  const ending = await command.ended(60)
  assert.equal(ending.code, 1, ending.stderr)
  assert.match(ending.stderr, reason)
  inWords(ending)
  const verdict = verdictOf(await command.rows(), stack)
  assert.equal(verdict.outcome, 'failed')
  assert.match(verdict.warnings.join('\n'), reason)
  assert.ok(command.has('report.html'))
  await command.nothingLeft(new Set())
}

/** A folder with a mosquitto that says this version, and then does as the script says. Before all others on PATH. */
const fakeMosquitto = async (command: Command, says: string, script: string): Promise<string> => {
  const folder = await command.program(
    'mosquitto',
    `case $1 in -h) echo "${says}" ;; *) ${script} ;; esac`,
  )
  return `${folder}:${process.env.PATH ?? ''}`
}

/** A network namespace that goes with the block. */
const makeNamespace = (): Disposable & { readonly file: string } => {
  const name = `thingbench-failures-${process.pid}`
  execFileSync('ip', ['netns', 'add', name])
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  return {
    file: `/run/netns/${name}`,
    [Symbol.dispose]: () => void execFileSync('ip', ['netns', 'del', name]),
  }
}

describe('a port that is taken', { skip }, () => {
  it('is told with the port and the words of the server; the holder goes on', async () => {
    using namespace = makeNamespace()
    await using stack = new AsyncDisposableStack()
    const signal = new AbortController().signal
    const plan = async (): Promise<BrokerPlan> => {
      const folder = await mkdtemp(join(tmpdir(), 'thingbench-failures-'))
      stack.defer(() => rm(folder, { recursive: true }))
      return {
        folder,
        address: '127.0.0.1',
        protocol: 'mqtt',
        framing: 'none',
        security: 'none',
        serverName: 'server.test',
        password: 'secret',
        certificate: null,
        tls: null,
        quic: null,
        psk: new Map(),
        devices: 5,
        options: {},
      }
    }
    const start = async () =>
      stack.use(
        await startProcess(mosquitto, await plan(), {
          namespace: namespace.file,
          cpu: null,
          signal,
        }),
      )
    const holder = await start()
    await waitListening(holder, '127.0.0.1', [1883], 10_000, signal)
    const second = await start()
    await assert.rejects(waitListening(second, '127.0.0.1', [1883], 10_000, signal), {
      code: 'TB_BROKER_START',
      message: /Eclipse Mosquitto .*127\.0\.0\.1, port 1883\.[^]*Address already in use/,
    })
    assert.equal(holder.ended(), null)
  })
})

describe('a server that runs and never listens', { skip }, () => {
  it('fails the cell after 10 s, with its last words; the other stacks run', async () => {
    await using command = await Command.create()
    const script = 'echo "waiting for the disk" >&2; exec sleep 60'
    const PATH = await fakeMosquitto(command, 'mosquitto version 2.0.11', script)
    const file = await command.scenario(scenario('mqtt-tcp, coap-udp'))
    command.start(['run', file, '--out', command.out], { env: { PATH } })
    await failed(
      command,
      'mqtt-tcp',
      /Eclipse Mosquitto should listen on [\d.]+, port 1883, and after 10 s it listens on none of them\.[^]*waiting for the disk/,
    )
    assert.notEqual(verdictOf(await command.rows(), 'coap-udp').outcome, 'failed')
  })
})

describe('a server of another version', { skip }, () => {
  for (const [says, found] of [
    ['mosquitto version 1.6.9', '1.6.9'],
    ['mosquitto version 3.0.0', '3.0.0'],
    ['something else', 'unknown'],
  ] as const)
    it(`is refused when it says "${says}", before it is started`, async () => {
      await using command = await Command.create()
      const mark = join(command.folder, 'started')
      const PATH = await fakeMosquitto(command, says, `touch ${mark}; exec sleep 60`)
      const file = await command.scenario(scenario('mqtt-tcp'))
      command.start(['run', file, '--out', command.out], { env: { PATH } })
      const range = `Eclipse Mosquitto \\(${command.folder}/bin/mosquitto\\) is version ${found}; .* from 2\\.0 on and below 3\\.`
      await failed(command, 'mqtt-tcp', new RegExp(range))
      assert.ok(!command.has('../started'), 'it was started')
      command.start(['doctor'], { env: { PATH } })
      const { stdout } = await command.ended(30)
      assert.match(
        stdout,
        new RegExp(`mosquitto +${found}, but only versions from 2\\.0 on and below 3`),
      )
    })
})

describe('a certificate that has expired', { skip }, () => {
  for (const [stack, why] of [
    ['mqtt-tls', ': certificate has expired'],
    ['mqtt-quic', ' \\(certificate_expired\\)'],
  ] as const)
    it(`is refused by every device, and the cell says why: ${stack}`, async () => {
      await using command = await Command.create()
      // The run makes its certificate by a clock that is two months late; the devices check it by the right one.
      const late = join(command.folder, 'late.mjs')
      await writeFile(
        late,
        `const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...words) { words.length === 0 ? super(Date.now()) : super(...words) }
  static now() { return RealDate.now() - 60 * 86_400_000 }
}
`,
      )
      const file = await command.scenario(scenario(stack))
      const env = { NODE_OPTIONS: `--import=${late}` }
      command.start(['run', file, '--out', command.out, '--no-repeat'], { env })
      const ending = await command.ended(60)
      const said = new RegExp(
        `5 of 5 devices did not connect; .*certificate of thingbench\\.test was refused${why}`,
      )
      // A finding about the cell, not a failure of the run: nothing was delivered, and a threshold would see it.
      assert.equal(ending.code, 0, ending.stderr)
      assert.match(ending.stderr, said)
      inWords(ending)
      const verdict = verdictOf(await command.rows(), stack)
      assert.match(verdict.warnings.join('\n'), said)
      const log = await command.text(`cells/${verdict.cell}/log.txt`)
      assert.match(log, /devices: 0 connected, 5 failed/)
      assert.match(log, new RegExp(`connections ended: \\d+ x certificate \\(.*${why}`))
      await command.nothingLeft(new Set())
    })
})

describe('a host that is short of descriptors', { skip }, () => {
  it('says so, before the run or as the reason of the cell; nothing hangs', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario('mqtt-tcp', 100))
    const before = ['prlimit', '--nofile=64:64', '--']
    command.start(['run', file, '--out', command.out], { before })
    const ending = await command.ended(60)
    inWords(ending)
    assert.match(ending.stderr, /open files|descriptors/i)
    await command.nothingLeft(new Set())
    // Refused before anything was made; otherwise the cell is not trusted, for that reason.
    if (!command.has('rows.ndjson')) return assert.notEqual(ending.code, 0)
    const verdict = verdictOf(await command.rows(), 'mqtt-tcp')
    assert.match(verdict.outcome, /^(invalid|failed)$/)
    assert.match(verdict.warnings.join('\n'), /open files|descriptors/i)
  })
})
