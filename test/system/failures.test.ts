/** What goes wrong in a run is named, costs the cell that it concerns, and shows in the exit code. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Measurement } from '../../simulator/core/types.ts'
import type { Ending } from './command.cases.ts'
import { Command } from './command.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const skip = skipReason()

interface Wish {
  readonly stacks?: string
  readonly ramp?: string
  readonly measure?: string
  readonly repetitions?: number
  readonly more?: string
  readonly reliability?: string
}

const scenario = (wish: Wish = {}): string => `
thingbench: 1
name: failing
stacks: [${wish.stacks ?? 'mqtt-tcp'}]
links: [{ name: quick, delay: 5 ms }]
devices: 5
workload: { interval: 250 ms, payload: 50 B, reliability: ${wish.reliability ?? 'acknowledged'} }
phases: { ramp: ${wish.ramp ?? '100 ms'}, warmup: 300 ms, measure: ${wish.measure ?? '1 s'}, drain: 1 s, connect_deadline: 30 s }
repetitions: ${wish.repetitions ?? 1}
${wish.more ?? ''}
`

/** The verdicts of a stack's cells in order of repetition; of a repeated cell the last. */
const verdicts = (rows: readonly Measurement[], stack: string): Measurement[] => {
  const last = new Map<string, Measurement>()
  for (const row of rows)
    if (row.metric === 'outcome' && row.stack === stack) last.set(row.cell, row)
  return [...last.values()].sort((a, b) => a.repetition - b.repetition)
}

/** No stack trace, and no word of a defect. */
const inWords = ({ stderr }: Ending): void => assert.doesNotMatch(stderr, /^ +at |defect/m)

/** A run of one failed cell: what everything else holds too. */
const oneFailed = async (command: Command, stack: string, reason: RegExp): Promise<Ending> => {
  const ending = await command.ended(30)
  const { code, stderr } = ending
  assert.equal(code, 1, stderr)
  assert.match(stderr, /1 of \d cells? failed/)
  const rows = await command.rows()
  const [verdict] = verdicts(rows, stack)
  assert.equal(verdict?.outcome, 'failed')
  assert.match(verdict.warnings.join('\n'), reason)
  assert.equal(rows.filter((r) => r.cell === verdict.cell).length, 1, 'no numbers of a failed cell')
  assert.ok(command.has('report.html'))
  assert.equal((await command.json('run.json')).ended, 'complete')
  await command.nothingLeft(new Set())
  return ending
}

/** A cell that was run and came to a verdict about its numbers. */
const ran = (row: Measurement | undefined): void =>
  assert.match(
    String(row?.outcome),
    /^(measured|censored|invalid)$/,
    row?.warnings.join('\n') ?? '',
  )

describe('a server that is not installed', { skip }, () => {
  it('fails its cells with the package and the command that installs it; the other stacks run', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ stacks: 'xmpp-tcp, coap-udp' }))
    const path = join(command.folder, 'path')
    await mkdir(path)
    for (const name of readdirSync('/usr/bin'))
      if (!name.startsWith('prosody')) await symlink(join('/usr/bin', name), join(path, name))
    // Where an engine answers, a container would take its place otherwise.
    const words = ['run', file, '--out', command.out, '--runtime', 'process']
    command.start(words, { env: { PATH: path } })
    const reason =
      /Prosody.* is not installed: .*\bprosody\b.*apt-get install --no-install-recommends prosody/
    const { stderr } = await oneFailed(command, 'xmpp-tcp', reason)
    assert.match(stderr, reason)
    ran(verdicts(await command.rows(), 'coap-udp')[0])
  })
})

describe('a process that dies in the middle of a cell', { skip }, () => {
  it('the broker: the cell fails with its last lines, and the next one runs', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ measure: '3 s', repetitions: 2 }))
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    await sleep(1000)
    process.kill((await command.running('mosquitto.conf')).pid, 'SIGKILL')
    const reason =
      /Eclipse Mosquitto ended in the middle of the cell \(signal SIGKILL\)[^]*mosquitto version .* running/
    await oneFailed(command, 'mqtt-tcp', reason)
    ran(verdicts(await command.rows(), 'mqtt-tcp')[1])
  })

  it('the broker while devices connect: the cell does not wait for the connect deadline', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ ramp: '20 s' }))
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    await sleep(1000)
    process.kill((await command.running('mosquitto.conf')).pid, 'SIGKILL')
    const killed = performance.now()
    await oneFailed(command, 'mqtt-tcp', /Eclipse Mosquitto ended in the middle/)
    assert.ok(performance.now() - killed < 10_000)
  })

  for (const role of ['link', 'consumer', 'fleet'])
    it(`the ${role}: the cell fails and says so`, async () => {
      await using command = await Command.create()
      const file = await command.scenario(scenario({ measure: '10 s' }))
      command.start(['run', file, '--out', command.out, '--json'])
      await command.running('fleet-process.ts')
      await sleep(1000)
      process.kill((await command.running(`${role}-process.ts`)).pid, 'SIGKILL')
      const killed = performance.now()
      await oneFailed(command, 'mqtt-tcp', new RegExp(`The ${role} process .*SIGKILL`))
      assert.ok(performance.now() - killed < 8000, 'it did not wait for the end of the window')
    })

  it('the connection of the consumer: the cell fails, because nothing can be delivered', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ measure: '10 s' }))
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    await sleep(1000)
    const { pid } = await command.running('consumer-process.ts')
    destroySockets(pid, 'dst 10.63.0.1')
    await oneFailed(
      command,
      'mqtt-tcp',
      /The consumer process .*its connection to the server ended/,
    )
  })
})

/** Resets TCP connections in the network namespace of a process, as `ss -K` can (CONFIG_INET_DIAG_DESTROY); says how many. */
const destroySockets = (pid: number, filter: string): number => {
  const words = ['-t', String(pid), '-n', 'ss', '-K', '-H', '-t', '-n', ...filter.split(' ')]
  const lines = execFileSync('nsenter', words, { encoding: 'utf8' })
  return lines.split('\n').filter((line) => line.trim() !== '').length
}

describe('connections that are reset', { skip }, () => {
  it('come back, are counted, and lose no acknowledged message', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ stacks: 'mqtt-tls', measure: '3 s' }))
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    await sleep(1500)
    // At the server: the devices learn of it through the link.
    const { pid } = await command.running('consumer-process.ts')
    assert.equal(destroySockets(pid, 'dst 10.64.0.0/10'), 5)
    const { code, stderr } = await command.ended(30)
    assert.equal(code, 0, stderr)
    const rows = await command.rows()
    const [verdict] = verdicts(rows, 'mqtt-tls')
    ran(verdict)
    const first = (metric: string): number | null | undefined =>
      rows.find((r) => r.metric === metric && r.attempt === 1)?.value
    assert.equal(first('delivery.ratio'), 1)
    assert.equal(first('delivery.acked_lost'), 0)
    assert.equal(first('devices.connected'), 5)
    const log = await command.text(`cells/${verdict?.cell}/log.txt`)
    assert.match(log, /5 connected, 0 failed, 5 reconnects/)
    assert.match(log, /connections ended: 5 x reset/)
  })
})

describe('wrong usage', () => {
  const usage: readonly (readonly [what: string, words: readonly string[], said: RegExp])[] = [
    ['an unknown command', ['measure'], /Wrong usage: .*measure.*thingbench --help/],
    ['no command', [], /Wrong usage: .*no command.*thingbench --help/],
    ['an unknown option', ['run', 'x.yaml', '--fast'], /Wrong usage: .*fast.*thingbench --help/],
    ['no scenario', ['run'], /Wrong usage: .*thingbench --help/],
    ['a scenario that is not there', ['run', 'x.yaml'], /x\.yaml: there is no such file/],
    ['a scenario that is a folder', ['run', '/tmp'], /it is a folder/],
    [
      'a stack that the scenario lacks',
      ['run', 'scenarios/quickstart.yaml', '--only', 'mqtt-quic'],
      /--only mqtt-quic: the scenario has the stacks mqtt-tcp, /,
    ],
    [
      'no repetitions',
      ['run', 'scenarios/quickstart.yaml', '--repetitions', '0'],
      /--repetitions 0: a whole number from 1 up/,
    ],
    [
      'repetitions that are no number',
      ['run', 'scenarios/quickstart.yaml', '--repetitions', 'six'],
      /--repetitions NaN: a whole number from 1 up/,
    ],
    [
      'an option without its value',
      ['run', 'scenarios/quickstart.yaml', '--out'],
      /Wrong usage: .*out/,
    ],
    [
      'an option for many without any',
      ['run', 'scenarios/quickstart.yaml', '--only'],
      /Wrong usage: .*only/,
    ],
    [
      'two values for one folder',
      ['run', 'scenarios/quickstart.yaml', '--out', 'a', '--out', 'b'],
      /Wrong usage: a and b for one option/,
    ],
    [
      'a wrong choice',
      ['run', 'scenarios/quickstart.yaml', '--runtime', 'vm'],
      /Wrong usage: .*runtime.*container/s,
    ],
    [
      'what is only planned',
      ['run', 'scenarios/quickstart.yaml', '--link', 'netem'],
      /not available/,
    ],
  ]
  for (const [what, words, said] of usage)
    it(`${what}: exit code 2 and a hint`, async () => {
      await using command = await Command.create()
      const ending = await command.run(words)
      assert.equal(ending.code, 2, ending.stderr)
      assert.match(ending.stderr, said)
      assert.equal(ending.stdout, '')
      inWords(ending)
    })

  it('a scenario with mistakes: exit code 2, all of them, and no folder', async () => {
    await using command = await Command.create()
    const file = await command.scenario(
      scenario({ stacks: 'mqtt-tpc' }).replace('devices: 5', 'devices: many'),
    )
    const ending = await command.run(['run', file, '--out', command.out])
    assert.equal(ending.code, 2)
    assert.match(ending.stderr, /2 problems found[^]*"mqtt-tpc"[^]*"many"/)
    assert.ok(!command.has('.'))
    inWords(ending)
  })

  it(
    '--out with a folder that holds something, or that cannot be made: exit code 2, and nothing is touched',
    { skip },
    async () => {
      await using command = await Command.create()
      const file = await command.scenario(scenario())
      await mkdir(command.out)
      await writeFile(join(command.out, 'mine'), 'mine')
      for (const [out, said] of [
        [command.out, /--out .* holds 1 entries already/],
        [file, /scenario\.yaml/],
        ['/proc/nowhere', /\/proc\/nowhere/],
      ] as const) {
        const ending = await command.run(['run', file, '--out', out])
        assert.equal(ending.code, 2, ending.stderr)
        assert.match(ending.stderr, said)
        inWords(ending)
      }
      assert.deepEqual(readdirSync(command.out), ['mine'])
    },
  )
})

describe('thresholds and what cannot be done', { skip }, () => {
  it('a threshold that is crossed: exit code 99, named, behind a whole report', async () => {
    await using command = await Command.create()
    const more =
      'thresholds: [{ metric: delivery.ratio, above: 0.5 }, { metric: connect.application.mean, below: 1 ms }]'
    const file = await command.scenario(scenario({ stacks: 'coap-udp', more }))
    const { code, stderr } = await command.run(['run', file, '--out', command.out])
    const [verdict] = verdicts(await command.rows(), 'coap-udp')
    ran(verdict)
    assert.equal(code, 99, stderr)
    assert.match(stderr, /threshold crossed: connect\.application\.mean below 1 ms: /)
    assert.ok(command.has('report.html'))
  })

  it('a stack that cannot do what is asked is unsupported, with a reason, and fails nothing', async () => {
    const stacks = '{ stack: coap-udp, reliability: exactly-once }'
    await using result = await runText(scenario({ stacks }))
    assert.deepEqual(result.outcome.outcomes, {
      measured: 0,
      unsupported: 1,
      censored: 0,
      invalid: 0,
      failed: 0,
    })
    const [row, ...more] = result.rows
    assert.deepEqual(more, [])
    assert.equal(row?.outcome, 'unsupported')
    assert.match(String(row?.warnings), /coap has no exactly-once delivery/)
  })
})

describe('report of what is no results folder', () => {
  it('exit code 1, and what is missing', async () => {
    await using command = await Command.create()
    const empty = join(command.folder, 'empty')
    await mkdir(empty)
    const file = await command.scenario(scenario())
    for (const [folder, said] of [
      [join(command.folder, 'nowhere'), /nowhere.*missing/],
      [empty, /scenario\.resolved\.json is missing/],
      [file, /scenario\.yaml/],
    ] as const) {
      const ending = await command.run(['report', folder])
      assert.equal(ending.code, 1, ending.stderr)
      assert.match(ending.stderr, said)
      inWords(ending)
    }
  })

  it('broken files are named', { skip }, async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario({ stacks: 'coap-udp' }))
    assert.equal((await command.run(['run', file, '--out', command.out])).code, 0)
    const rows = await command.text('rows.ndjson')
    // A last line that was cut off, as by a crash, is left out; one in the middle is not passed over.
    await writeFile(join(command.out, 'rows.ndjson'), rows.slice(0, -30))
    assert.equal((await command.run(['report', command.out])).code, 0)
    await writeFile(join(command.out, 'rows.ndjson'), rows.slice(30))
    const cut = await command.run(['report', command.out])
    assert.equal(cut.code, 1)
    assert.match(cut.stderr, /line 1 of rows\.ndjson/)
    inWords(cut)
    await writeFile(join(command.out, 'run.json'), '{')
    const broken = await command.run(['report', command.out])
    assert.match(broken.stderr, /run\.json is not JSON/)
    await chmod(command.out, 0)
    const before = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    await chmod(command.folder, 0o755)
    const closed = await command.run(['report', command.out], { before })
    assert.equal(closed.code, 1)
    assert.match(closed.stderr, /Cannot read the results/)
    inWords(closed)
  })
})
