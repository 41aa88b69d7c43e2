/** thingbench calibrate on real links (needs root): what is asked is measured, one at a time, and nothing is left behind. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { probeTun } from '../../simulator/network/host.ts'
import type { Calibration, Row } from '../../simulator/run/calibrate.ts'
import { machineIdentity, storeCalibration } from '../../simulator/run/calibration/store.ts'
import { Command } from './command.cases.ts'

const tun = await probeTun()
const skip = tun.ok ? false : tun.reason

const PROFILE = `
title: A link with everything that can be measured
source: made for this test
up: { delay: 20 ms, rate: 500 kbit/s, queue: 30 packets, loss: 10 % }
down: { delay: 30 ms, jitter: 5 ms }
`
const QUICK_SECONDS = 90

/** Lateness depends on who else uses this machine; what the channel decides does not. */
const STEADY = new Set(['rate', 'queue', 'loss'])
/** What a few late packets do not move. */
const CENTRAL = new Set(['delay p5', 'delay p50'])

test('a link does what its profile asks, and a program can read it', { skip }, async () => {
  await using command = await Command.create()
  const file = await command.scenario(PROFILE)
  const env = { XDG_CACHE_HOME: command.folder }
  command.start(['calibrate', file, '--quick', '--json'], { env })
  const { code, stdout, stderr } = await command.ended(QUICK_SECONDS)
  const { rows, unchecked, ramp, machine } = JSON.parse(stdout) as Calibration
  const of = (way: Row['way']): string[] => rows.filter((r) => r.way === way).map((r) => r.quantity)
  assert.deepEqual(of('up'), ['delay mean', 'delay p50', 'delay p99', 'loss', 'rate', 'queue'])
  assert.deepEqual(of('down'), ['delay p5', 'delay p50', 'delay p95', 'loss'])
  assert.deepEqual(of('both'), ['unplanned drops', 'over 1 ms late'])
  assert.deepEqual(unchecked, [])
  const steady = rows.filter(({ quantity }) => STEADY.has(quantity))
  assert.deepEqual(steady.filter(({ ok }) => !ok), [], stderr) // prettier-ignore
  for (const { quantity, asked, measured } of rows.filter((r) => CENTRAL.has(r.quantity)))
    assert.ok(Math.abs(measured - asked) < 5, `${quantity}: ${measured} ms instead of ${asked} ms`)
  const off = rows.filter(({ ok }) => !ok)
  assert.equal(code, off.length > 0 || ramp.trusted === 0 ? 1 : 0, stderr)
  for (const { way, quantity } of off)
    assert.ok(stderr.includes(`scenario ${way} ${quantity}`), stderr)
  assert.deepEqual(machine, machineIdentity())
  assert.ok(ramp.steps.every(({ cpu }) => cpu > 0 && cpu < 1e6))
  assert.equal(existsSync(join(command.folder, 'thingbench')), false, 'quick: nothing is kept')
})

test('Ctrl-C ends it in order, and meanwhile nobody else measures', { skip }, async () => {
  await using command = await Command.create()
  await using second = await Command.create()
  command.start(['calibrate', 'lan'])
  await command.running('traffic-process.ts')
  const namespaces = command.namespaces()
  assert.equal(namespaces.size, 2)
  const refused = await second.run(['calibrate', 'lan'], { env: { THINGBENCH_LOCKS: command.folder } }) // prettier-ignore
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /Another run is measuring on this machine/)
  command.signalGroup('SIGINT')
  const { code, stdout, stderr } = await command.ended(10)
  assert.equal(code, 3, stderr)
  assert.match(
    stderr,
    /SIGINT: ending the calibration.*\n(?:.*\n)*.*Interrupted by SIGINT\. Nothing/,
  )
  assert.equal(stdout, '')
  assert.doesNotMatch(stderr, /defect|^ +at /m)
  await command.nothingLeft(namespaces)
  assert.deepEqual(command.lockFiles(), [])
})

test('a name that no profile has is answered with those that are there', async () => {
  await using command = await Command.create()
  const { code, stderr } = await command.run(['calibrate', 'lte-n'])
  assert.equal(code, 2)
  assert.match(stderr, /there is no profile "lte-n"; there are .*lte-m/)
})

const SCENARIO = `
thingbench: 1
stacks: [coap-udp]
links: [{ name: quick, delay: 5 ms }]
devices: 5
workload: { interval: 250 ms }
phases: { ramp: 100 ms, warmup: 300 ms, measure: 1 s, drain: 1 s, connect_deadline: 10 s }
repetitions: 1
`

test('a run says when it asks more of the link than the calibration trusts', { skip }, async () => {
  await using command = await Command.create()
  const env = { XDG_CACHE_HOME: command.folder }
  const kept = join(command.folder, 'thingbench', 'calibration.json')
  const file = await command.scenario(SCENARIO)
  storeCalibration(kept, { schema: 1, made: '', machine: machineIdentity(), trusted: 30, cost: [] })
  const warned = await command.run(['run', file, '--out', command.out], { env })
  assert.equal(warned.code, 0, warned.stderr)
  assert.match(
    warned.stderr,
    /more than is trusted: coap-udp\S+ puts about 40 packets\/s .* up to 30\./,
  )
})
