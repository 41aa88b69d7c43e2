/**
 * What processes and the machine used, from /proc (proc(5)). CPU of a process = sum of its threads' run time in
 * task/TID/schedstat, in nanoseconds; a thread that ended is covered by the process's own total, which counts in ticks.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Nanoseconds } from '../core/clock.ts'
import { monotonic, SECOND } from '../core/clock.ts'

/** What a thread used since it started. */
export interface ThreadTime {
  readonly run: Nanoseconds
  /** Ready to run, but waiting for a processor. */
  readonly wait: Nanoseconds
}

/** One process at one instant. */
export interface ProcessSample {
  /** Ticks after boot: together with the process id it names one process only. */
  readonly started: number
  /** CPU time of all its threads, ended ones too, rounded down to ticks. */
  readonly total: Nanoseconds
  readonly threads: ReadonlyMap<number, ThreadTime>
  /** Resident set, bytes. */
  readonly resident: number
}

/** Since an unknown instant: only differences mean something. */
export interface ProcessorTime {
  /** Neither idle, nor waiting for a disk, nor stolen. */
  readonly busy: Nanoseconds
  /** Taken by other machines on the same host. */
  readonly steal: Nanoseconds
}

/** Processes and machine at one instant. */
export interface Usage {
  readonly at: Nanoseconds
  readonly processes: ReadonlyMap<number, ProcessSample>
  /** All processors together, then each. */
  readonly machine: ProcessorTime
  readonly processors: readonly ProcessorTime[]
  /** Memory of the kernel that no process's resident set shows: unreclaimable slab, and TCP and UDP buffers; bytes. */
  readonly kernelMemory: number
}

export interface ProcessUse {
  readonly cpu: Nanoseconds
  /** Of its main thread, which sends and receives: nothing is late because a thread that compiles or collects waits. */
  readonly wait: Nanoseconds
  /** Bytes, at the second instant. */
  readonly resident: number
  /** Bytes. */
  readonly residentGrowth: number
}

/** The difference of two instants. */
export interface UsageDifference {
  readonly elapsed: Nanoseconds
  readonly processes: ReadonlyMap<number, ProcessUse>
  /** Of all processes together. */
  readonly cpu: Nanoseconds
  readonly residentGrowth: number
  readonly machine: ProcessorTime
  readonly processors: readonly ProcessorTime[]
  readonly kernelMemoryGrowth: number
}

/** Units of this kernel, from its auxiliary vector (getauxval(3)): 64-bit pairs of type and value. */
export const parseAuxiliaryVector = (
  bytes: Buffer,
): { readonly tick: Nanoseconds; readonly page: number } => {
  const AT_PAGESZ = 6
  const AT_CLKTCK = 17
  const values = new Map<number, number>()
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    values.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)))
  return { tick: SECOND / (values.get(AT_CLKTCK) ?? 100), page: values.get(AT_PAGESZ) ?? 4096 }
}

/** /proc/PID/task/TID/schedstat: "run wait timeslices", nanoseconds. */
export const parseSchedstat = (text: string): ThreadTime => {
  const [run = 0, wait = 0] = text.split(' ').map(Number)
  return { run, wait }
}

/** /proc/PID/stat. The name of the program, in parentheses, may hold anything; fields are counted from behind it. */
export const parseProcessStat = (
  text: string,
  tick: Nanoseconds,
): { readonly started: number; readonly total: Nanoseconds } => {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return { started: field(22), total: (field(14) + field(15)) * tick }
}

/** VmRSS of /proc/PID/status, bytes; a process without memory of its own (a zombie) has none. */
export const parseResident = (text: string): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024

/**
 * The "cpuN" lines of /proc/stat: user nice system idle iowait irq softirq steal guest guest_nice, in ticks. Busy is what
 * is left of the time: user and system are sampled at the tick, which misses a third of a load that sleeps between
 * packets, while a tickless kernel measures idle time (Linux, kernel/time/tick-sched.c).
 *
 * @param at when the text was read
 */
export const parseProcessors = (
  text: string,
  tick: Nanoseconds,
  at: Nanoseconds,
): { readonly machine: ProcessorTime; readonly processors: readonly ProcessorTime[] } => {
  const processors = [...text.matchAll(/^cpu\d+ +(.+)$/gm)].map(([, line = '']) => {
    const [, , , idle = 0, waiting = 0, , , steal = 0] = line.split(' ').map(Number)
    return { busy: at - (idle + waiting + steal) * tick, steal: steal * tick }
  })
  const sum = (key: keyof ProcessorTime): Nanoseconds =>
    processors.reduce((total, time) => total + time[key], 0)
  return { machine: { busy: sum('busy'), steal: sum('steal') }, processors }
}

/** SUnreclaim of /proc/meminfo, and the pages of TCP and UDP in /proc/net/sockstat, which count for the whole machine; bytes. */
export const parseKernelMemory = (meminfo: string, sockstat: string, page: number): number => {
  const slab = Number(/^SUnreclaim:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024
  const buffers = [...sockstat.matchAll(/^(?:TCP|UDP): .*\bmem (\d+)/gm)]
  return buffers.reduce((sum, [, pages]) => sum + Number(pages) * page, slab)
}

/** A file in /proc, or null when its process or thread has gone. */
const readBytes = (path: string): Buffer | null => {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}
const read = (path: string): string | null => readBytes(path)?.toString('latin1') ?? null

const { tick, page } = parseAuxiliaryVector(readBytes('/proc/self/auxv') ?? Buffer.alloc(0))

const sampleThreads = (pid: number, threads: Map<number, ThreadTime>): void => {
  let tids: string[] = []
  try {
    tids = readdirSync(`/proc/${pid}/task`)
  } catch {
    return
  }
  for (const tid of tids) {
    const text = read(`/proc/${pid}/task/${tid}/schedstat`)
    if (text !== null) threads.set(Number(tid), parseSchedstat(text))
  }
}

const sampleProcess = (
  pid: number,
  before: ProcessSample | undefined,
): ProcessSample | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  const status = read(`/proc/${pid}/status`)
  if (stat === null || status === null) return before
  const { started, total } = parseProcessStat(stat, tick)
  const threads = new Map(before?.started === started ? before.threads : [])
  sampleThreads(pid, threads)
  return { started, total, threads, resident: parseResident(status) }
}

/**
 * Reads /proc for the processes and the machine. Given the sample before, threads and processes that have ended since keep
 * their last reading, so that nothing that was counted is lost.
 */
export const sampleUsage = (pids: readonly number[], before?: Usage): Usage => {
  const processes = new Map(before?.processes)
  for (const pid of pids) {
    const sample = sampleProcess(pid, before?.processes.get(pid))
    if (sample !== undefined) processes.set(pid, sample)
  }
  const at = monotonic()
  return {
    at,
    processes,
    ...parseProcessors(read('/proc/stat') ?? '', tick, at),
    kernelMemory: parseKernelMemory(
      read('/proc/meminfo') ?? '',
      read('/proc/net/sockstat') ?? '',
      page,
    ),
  }
}

/** What one process used: the sum over threads, or, when threads ended unseen, the process's own total less its rounding. */
const processUse = (pid: number, a: ProcessSample | undefined, b: ProcessSample): ProcessUse => {
  const first = a?.started === b.started ? a : undefined
  let cpu = 0
  let wait = 0
  for (const [tid, now] of b.threads) {
    const then = first?.threads.get(tid)
    // Less than before: another thread has taken the number.
    const since = then !== undefined && then.run <= now.run ? then : { run: 0, wait: 0 }
    cpu += now.run - since.run
    if (tid === pid) wait = now.wait - since.wait
  }
  // User and system time are rounded down apart.
  const whole = b.total - (first?.total ?? 0) - 2 * tick
  return {
    cpu: Math.max(cpu, whole),
    wait,
    resident: b.resident,
    residentGrowth: b.resident - (first?.resident ?? 0),
  }
}

const timeBetween = (a: ProcessorTime | undefined, b: ProcessorTime): ProcessorTime => ({
  busy: b.busy - (a?.busy ?? 0),
  steal: b.steal - (a?.steal ?? 0),
})

/** What was used between two samples of the same machine, `a` before `b`. A process that is only in `b` started in between. */
export const usageBetween = (a: Usage, b: Usage): UsageDifference => {
  const processes = new Map<number, ProcessUse>()
  for (const [pid, sample] of b.processes)
    processes.set(pid, processUse(pid, a.processes.get(pid), sample))
  const sum = (of: (use: ProcessUse) => number): number =>
    [...processes.values()].reduce((total, use) => total + of(use), 0)
  return {
    elapsed: b.at - a.at,
    processes,
    cpu: sum((use) => use.cpu),
    residentGrowth: sum((use) => use.residentGrowth),
    machine: timeBetween(a.machine, b.machine),
    processors: b.processors.map((time, i) => timeBetween(a.processors[i], time)),
    kernelMemoryGrowth: b.kernelMemory - a.kernelMemory,
  }
}
