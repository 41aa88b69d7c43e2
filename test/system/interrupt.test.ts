/**
 * However a run is ended, it keeps what it has finished and leaves nothing behind: no process, no namespace, no file. (After
 * kill -9 the next start deletes the temporary files: kill.test.ts.)
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { METRICS } from '../../simulator/measure/metrics.ts'
import { Command } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

/** One short cell per stack; `measure` decides how long there is to interrupt it. */
const scenario = (stacks: string, measure: string): string => `
thingbench: 1
name: interrupted
stacks: [${stacks}]
links: [{ name: quick, delay: 5 ms }]
devices: 5
workload: { interval: 250 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 100 ms, warmup: 300 ms, measure: ${measure}, drain: 1 s, connect_deadline: 10 s }
repetitions: 1
`

const ENTRY_POINTS = ['link-process.ts', 'consumer-process.ts', 'fleet-process.ts']

/** Starts a run of two cells and waits for its cell `number`. */
const started = async (command: Command, number: number, stacks = 'mqtt-tcp, mqtt-tls') => {
  const file = await command.scenario(scenario(stacks, '3 s'))
  command.start(['run', file, '--out', command.out, '--json'])
  await command.cellStarted(number)
}

/** Waits until the devices of the running cell have been at work for a while. */
const inTheMiddle = async (command: Command): Promise<ReadonlySet<string>> => {
  await command.running('fleet-process.ts')
  await sleep(1500)
  const running = command.processes().map((p) => p.command)
  for (const entry of [...ENTRY_POINTS, 'mosquitto'])
    assert.ok(
      running.some((line) => line.includes(entry)),
      `${entry} is running`,
    )
  const namespaces = command.namespaces()
  assert.equal(namespaces.size, 2, 'one for the devices, one for the server')
  return namespaces
}

/** What holds of every run that was ended in order. `cells` were finished before. */
const endedInOrder = async (command: Command, signal: string, cells: number): Promise<void> => {
  const { code, stderr } = await command.ended(15)
  assert.equal(code, 3, stderr)
  assert.match(stderr, new RegExp(`Interrupted by ${signal}\\..*kept in ${command.out}`))
  assert.doesNotMatch(stderr, /defect|^ +at /m)
  assert.equal((await command.json('run.json')).ended, 'interrupted')
  const rows = await command.rows()
  const finished = command.events().filter((e) => e.event === 'cell-ended')
  assert.deepEqual(
    [...new Set(rows.map((row) => row.cell))],
    [...new Set(finished.map((e) => e.cell))],
  )
  const attempts = new Set(rows.map((row) => `${row.cell} ${row.attempt}`))
  assert.equal(attempts.size, finished.length)
  assert.ok(attempts.size >= cells)
  // A finished cell is there with all that it measured: from the verdict to the last metric of the list.
  for (const attempt of attempts) {
    const metrics = rows.filter((r) => `${r.cell} ${r.attempt}` === attempt).map((r) => r.metric)
    for (const metric of ['outcome', 'latency.p50', 'delivery.ratio', 'cpu.total_us_per_message'])
      assert.ok(metric in METRICS || metric === 'outcome', metric)
    for (const metric of ['outcome', 'latency.p50', 'delivery.ratio', 'cpu.total_us_per_message'])
      assert.equal(metrics.filter((m) => m === metric).length, 1, `${attempt}: ${metric}`)
  }
  assert.ok(command.has('report.html'))
  assert.ok(command.has('summary.csv'))
}

describe('a run that is interrupted', { skip: skipReason() }, () => {
  it('by Ctrl-C in the middle of its second cell keeps the first', async () => {
    await using command = await Command.create()
    await started(command, 2)
    const namespaces = await inTheMiddle(command)
    command.signalGroup('SIGINT')
    await endedInOrder(command, 'SIGINT', 1)
    await command.nothingLeft(namespaces)
  })

  for (const party of ['link-process.ts', 'mosquitto', 'consumer-process.ts', 'fleet-process.ts'])
    it(`by Ctrl-C while the ${party.replace('-process.ts', '')} of its second cell starts`, async () => {
      await using command = await Command.create()
      const file = await command.scenario(scenario('mqtt-tcp, mqtt-tls', '1 s'))
      command.start(['run', file, '--out', command.out, '--json'])
      await command.cellStarted(2)
      await command.running(party)
      const namespaces = command.namespaces()
      command.signalGroup('SIGINT')
      await endedInOrder(command, 'SIGINT', 1)
      await command.nothingLeft(namespaces)
    })

  it('by SIGTERM to the runner alone', async () => {
    await using command = await Command.create()
    await started(command, 2)
    const namespaces = await inTheMiddle(command)
    process.kill(command.pid, 'SIGTERM')
    await endedInOrder(command, 'SIGTERM', 1)
    await command.nothingLeft(namespaces)
  })

  it('before any cell is finished says so and writes an empty report', async () => {
    await using command = await Command.create()
    await started(command, 1)
    command.signalGroup('SIGINT')
    await endedInOrder(command, 'SIGINT', 0)
    assert.deepEqual(await command.rows(), [])
    await command.nothingLeft(command.namespaces())
  })

  it('before the first cell, while it looks at the idle machine', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario('mqtt-tcp', '1 s'))
    command.start(['run', file, '--out', command.out, '--json'])
    while (!command.has('run.json')) await sleep(20)
    command.signalGroup('SIGINT')
    await endedInOrder(command, 'SIGINT', 0)
  })

  it('twice ends at once, even when a server does not end, and still leaves nothing', async () => {
    await using command = await Command.create()
    await started(command, 1)
    const namespaces = await inTheMiddle(command)
    const broker = await command.running('mosquitto')
    process.kill(broker.pid, 'SIGSTOP')
    command.signalGroup('SIGINT')
    await sleep(500)
    assert.ok(
      command.processes().some(({ pid }) => pid === command.pid),
      'it waits for the server',
    )
    const second = performance.now()
    command.signalGroup('SIGINT')
    const { code } = await command.ended(5)
    const took = performance.now() - second
    assert.equal(code, 3)
    assert.ok(took < 1000, `it took ${took} ms to end`)
    await command.nothingLeft(namespaces)
  })

  it('by kill -9 leaves nothing that lives after two seconds', async () => {
    await using command = await Command.create()
    await started(command, 1)
    const namespaces = await inTheMiddle(command)
    process.kill(command.pid, 'SIGKILL')
    await command.nothingAlive(namespaces, 2)
  })

  it('by kill -9 before the program of a server has become itself leaves no server', async () => {
    await using command = await Command.create()
    // The last tool before the program, slowed down: what is a millisecond otherwise lasts one second.
    const tools = await command.program('setpriv', 'sleep 1; exec /usr/bin/setpriv "$@"')
    // A server that says nothing, so that it does not find out by itself that nobody listens.
    const silent = '{ stack: coap-udp, broker: libcoap }'
    const file = await command.scenario(scenario(silent, '3 s'))
    command.start(['run', file, '--out', command.out, '--json'], {
      env: { PATH: `${tools}:${process.env.PATH}` },
    })
    const { pid } = await command.running('setpriv --pdeathsig')
    const namespaces = command.namespaces()
    process.kill(command.pid, 'SIGKILL')
    await sleep(500)
    assert.ok(
      command.processes().some((p) => p.pid === pid),
      'it is still on its way',
    )
    await command.nothingAlive(namespaces, 3)
  })

  for (const party of ['link-process.ts', 'mosquitto', 'fleet-process.ts'])
    it(`by kill -9 while the ${party.replace('-process.ts', '')} starts`, async () => {
      await using command = await Command.create()
      await started(command, 1)
      await command.running(party)
      const namespaces = command.namespaces()
      process.kill(command.pid, 'SIGKILL')
      await command.nothingAlive(namespaces, 2)
    })
})
