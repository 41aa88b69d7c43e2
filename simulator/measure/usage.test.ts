import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import {
  parseAuxiliaryVector,
  parseKernelMemory,
  parseProcessors,
  parseProcessStat,
  parseResident,
  parseSchedstat,
  sampleUsage,
  usageBetween,
} from './usage.ts'
import type { ProcessSample, Usage } from './usage.ts'

const TICK = 1e7

test('the auxiliary vector gives tick and page', () => {
  const pairs = [
    [16, 0x178bfbff],
    [6, 65_536],
    [17, 250],
    [0, 0],
  ]
  const bytes = Buffer.alloc(pairs.length * 16)
  pairs.forEach(([type = 0, value = 0], i) => {
    bytes.writeBigUInt64LE(BigInt(type), i * 16)
    bytes.writeBigUInt64LE(BigInt(value), i * 16 + 8)
  })
  assert.deepEqual(parseAuxiliaryVector(bytes), { tick: 4e6, page: 65_536 })
})

test('a thread has run and waited for nanoseconds', () => {
  assert.deepEqual(parseSchedstat('162313834 5127466 219\n'), { run: 162_313_834, wait: 5_127_466 })
})

test('the name of a program does not shift the fields behind it', () => {
  const rest =
    'S 1 2 3 4 -1 4194304 101 0 0 0 250 50 0 0 20 0 1 0 255714 3133440 410 18446744073709551615 0'
  for (const name of ['mosquitto', 'a b', 'evil) R 1 (name'])
    assert.deepEqual(parseProcessStat(`22166 (${name}) ${rest}`, TICK), {
      started: 255_714,
      total: 3e9,
    })
})

test('resident memory is in bytes, and a zombie has none', () => {
  assert.equal(
    parseResident('Name:\tx\nVmHWM:\t  9999 kB\nVmRSS:\t  1640 kB\nThreads:\t1\n'),
    1_679_360,
  )
  assert.equal(parseResident('Name:\tx\nState:\tZ (zombie)\n'), 0)
})

test('busy is what is left of the time when idle, waiting for a disk and stolen are taken off', () => {
  const text = `cpu  129578 102 18084 361316 565 3 199 141 7 0
cpu0 65144 46 8789 180784 128 1 49 63 7 0
cpu1 64434 56 9295 180532 437 2 150 78 0 0
intr 1811687 0 0
ctxt 99
`
  const at = 300_000 * TICK
  assert.deepEqual(parseProcessors(text, TICK, at), {
    machine: { busy: 237_978 * TICK, steal: 141 * TICK },
    processors: [
      { busy: 119_025 * TICK, steal: 63 * TICK },
      { busy: 118_953 * TICK, steal: 78 * TICK },
    ],
  })
})

test('kernel memory is unreclaimable slab and the buffers of TCP and UDP', () => {
  const meminfo = 'Slab:  172284 kB\nSReclaimable:  141900 kB\nSUnreclaim:  30384 kB\n'
  const sockstat = `sockets: used 19
TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 260
UDP: inuse 3 mem 7
UDPLITE: inuse 0
FRAG: inuse 0 memory 4
`
  assert.equal(parseKernelMemory(meminfo, sockstat, 4096), 30_384 * 1024 + 267 * 4096)
})

const sample = (threads: Record<number, [number, number]>, more: Partial<ProcessSample> = {}) => ({
  started: 1,
  total: 0,
  resident: 1000,
  threads: new Map(
    Object.entries(threads).map(([tid, [run, wait]]) => [Number(tid), { run, wait }]),
  ),
  ...more,
})

const usage = (at: number, processes: Record<number, ProcessSample>): Usage => ({
  at,
  processes: new Map(Object.entries(processes).map(([pid, value]) => [Number(pid), value])),
  machine: { busy: at, steal: at / 10 },
  processors: [{ busy: at / 2, steal: 0 }],
  kernelMemory: 5 * at,
})

test('a difference is the sum over threads, new ones from zero; the main thread is the one that waits', () => {
  const a = usage(100, { 7: sample({ 7: [1000, 10] }) })
  const b = usage(300, {
    7: sample({ 7: [1500, 30], 8: [200, 5] }, { resident: 5000 }),
    9: sample({ 9: [11, 1] }),
  })
  const { elapsed, processes, cpu, residentGrowth, machine, processors, kernelMemoryGrowth } =
    usageBetween(a, b)
  assert.deepEqual(processes.get(7), { cpu: 700, wait: 20, resident: 5000, residentGrowth: 4000 })
  assert.deepEqual([elapsed, cpu, residentGrowth], [200, 711, 5000])
  assert.deepEqual(machine, { busy: 200, steal: 20 })
  assert.deepEqual(processors, [{ busy: 100, steal: 0 }])
  assert.equal(kernelMemoryGrowth, 1000)
})

test('a thread or process number that was given again counts from zero', () => {
  const again = usageBetween(
    usage(0, { 7: sample({ 7: [1000, 10] }) }),
    usage(1, { 7: sample({ 7: [30, 2] }) }),
  )
  assert.deepEqual([again.cpu, again.processes.get(7)?.wait], [30, 2])
  const reborn = usageBetween(
    usage(0, { 7: sample({ 7: [1000, 10] }) }),
    usage(1, { 7: sample({ 7: [5000, 20] }, { started: 2 }) }),
  )
  assert.deepEqual([reborn.cpu, reborn.processes.get(7)?.wait], [5000, 20])
})

test('what a thread used that ended between the samples is in the total of its process', () => {
  const a = usage(0, { 7: sample({ 7: [1e6, 0], 8: [9e9, 0] }, { total: 9e9 }) })
  const b = usage(1, { 7: sample({ 7: [2e6, 0] }, { total: 11e9 }) })
  assert.equal(usageBetween(a, b).cpu, 2e9 - 2 * TICK)
})

/** A process that burns 200 ms of CPU when told to, and says how much it really was. */
const BURNER = `
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) * 1000 }
  const pause = new Int32Array(new SharedArrayBuffer(4))
  process.on('message', (order) => {
    const from = used()
    let start = process.hrtime.bigint()
    while (used() - from < 200e6)
      if (order === 'in bursts' && process.hrtime.bigint() - start > 50_000n) {
        Atomics.wait(pause, 0, 0, 0.1)
        start = process.hrtime.bigint()
      }
    process.send(used() - from)
  })
  process.send('ready')`

const burner = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, ['-e', BURNER], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return child
}

test('a load that sleeps every 50 us keeps the machine as busy as it is itself', async (t) => {
  const child = await burner()
  t.after(() => child.kill('SIGKILL'))
  const pid = child.pid as number
  const a = sampleUsage([pid])
  child.send('in bursts')
  const [burnt] = (await once(child, 'message')) as [number]
  const { machine } = usageBetween(a, sampleUsage([pid], a))
  // Idle time of two processors is known to a tick each; sampling at the tick would see two thirds.
  assert.ok(machine.busy > 0.9 * burnt, `${machine.busy} of ${burnt} ns`)
})

test('200 ms of CPU in a child process are seen within 10 %, and kept when it is gone', async (t) => {
  const child = await burner()
  t.after(() => child.kill('SIGKILL'))
  const pid = child.pid as number
  const a = sampleUsage([pid])
  child.send('burn')
  const [burnt] = (await once(child, 'message')) as [number]
  const b = sampleUsage([pid], a)
  const { cpu, machine, processes } = usageBetween(a, b)
  assert.ok(burnt >= 200e6)
  assert.ok(Math.abs(cpu / burnt - 1) < 0.1, `${cpu} of ${burnt} ns`)
  assert.ok(machine.busy > 150e6, `${machine.busy} ns of the machine`)
  assert.ok((processes.get(pid)?.resident ?? 0) > 10e6)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const c = sampleUsage([pid, 999_999_999], b)
  assert.ok(usageBetween(a, c).cpu >= cpu)
  assert.equal(sampleUsage([pid]).processes.size, 0)
})
