/**
 * What emulation costs: processor time per packet of the link process beside a bare forwarder (the same loop between the
 * same TUN devices, nothing in between), interleaved, the most packets per second that each carries, and how far one-way
 * delays are off. Needs root. On two processors or more, the link has one of its own.
 *
 *     node bench/link.bench.ts
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { MILLISECOND, SECOND, monotonic } from '../simulator/core/clock.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
} from '../simulator/core/link-profile.ts'
import { PLAIN_TCP } from '../simulator/core/tcp.ts'
import { becomeChild, enterNamespace } from '../simulator/native/control.ts'
import { NativeMemory, libc, systemCall } from '../simulator/native/libc.ts'
import * as linux from '../simulator/native/linux.ts'
import { LINK_PROCESS } from '../simulator/network/host.ts'
import {
  SERVER_ADDRESS,
  deviceAddress,
  type LinkConfig,
} from '../simulator/network/link-protocol.ts'
import { makeEnds } from '../simulator/network/namespaces.ts'
import { preempt } from '../simulator/network/priority.ts'
import { quantileOf } from '../simulator/measure/order-statistics.ts'
import type { Load, TrafficConfig, TrafficEvent, TrafficOrder } from '../simulator/run/calibration/traffic-protocol.ts' // prettier-ignore
import { allowedProcessors, assignProcessors } from '../simulator/run/processors.ts'
import { RoleProcess } from '../simulator/run/role-process.ts'

const ROUNDS = 3
const DEVICES = 200
const PAYLOAD = 200
const PORT = 9
const PACED = 20_000
const WARM = 2
const SECONDS = 2
const PATIENCE_MS = 30_000
const BURST = 64
/** Packets per second, one by one, at which delays are looked at. */
const DELAY_RATES = [1000, PACED] as const
/** The quietest counts: in the others, another program had the processor. */
const WINDOWS = 5

const processors = assignProcessors(allowedProcessors())

/** Reads up to 64 packets from one device, writes each to the other at once. */
const forward = (): never => {
  becomeChild({ cpu: processors.link, timerSlack: 1 })
  preempt()
  const { devices, server } = makeEnds(1500, PLAIN_TCP)
  const path = (fd: number): string => `/proc/${process.pid}/fd/${fd}`
  const [devicesNamespace, serverNamespace] = [path(devices.namespace), path(server.namespace)]
  process.stdout.write(`${JSON.stringify({ devicesNamespace, serverNamespace })}\n`)
  const fds = new NativeMemory(2 * linux.POLLFD_SIZE)
  const packet = new NativeMemory(1536)
  const pairs = [
    [devices.tun, server.tun],
    [server.tun, devices.tun],
  ] as const
  for (const [i, [from]] of pairs.entries()) {
    fds.view.setInt32(i * linux.POLLFD_SIZE, from, true)
    fds.view.setInt32(i * linux.POLLFD_SIZE + 4, linux.POLLIN, true)
  }
  const c = libc()
  for (;;) {
    c.ppoll(fds.address, 2, 0, 0)
    for (const [from, to] of pairs) {
      for (let i = 0; i < BURST; i++) {
        const length = c.read(from, packet.address, 1536)
        if (length < 0) break
        c.write(to, packet.address, length)
      }
    }
  }
}

const direction = (changes: Partial<DirectionProfile>): DirectionProfile => ({
  ...CLEAR_DIRECTION,
  ...changes,
})

const link = (up: DirectionProfile): LinkConfig => ({
  devices: DEVICES,
  probes: 0,
  profile: { ...CLEAR_LINK, up, down: up },
  timeline: [],
  tcp: PLAIN_TCP,
  seed: 1,
  canary: 'canary',
  cpu: processors.link,
})

const ENGINES: Readonly<Record<string, LinkConfig | null>> = {
  bare: null,
  'no impairment': link(direction({})),
  'delay 20 ms': link(direction({ delay: 20 * MILLISECOND })),
  'delay 20 ms, jitter 2 ms, loss 1 % in bursts, 10 Mbit/s': link(
    direction({
      delay: 20 * MILLISECOND,
      jitter: 2 * MILLISECOND,
      loss: { kind: 'time', ratio: 0.01, burst: 50 * MILLISECOND },
      rate: 10e6,
      queue: { limit: 1000, unit: 'packets' },
    }),
  ),
}

type Child = ChildProcessByStdio<Writable, Readable, null>
interface Namespaces {
  readonly devicesNamespace: string
  readonly serverNamespace: string
}

const start = async (config: LinkConfig | null): Promise<{ child: Child } & Namespaces> => {
  const args = config === null ? [import.meta.filename, 'forward'] : [LINK_PROCESS]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write(`${JSON.stringify(config)}\n`)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ...(JSON.parse(line) as Namespaces) }
}

const home = `/proc/self/fd/${openSync('/proc/self/ns/net', 'r')}`
const inside = <T>(namespace: string, work: () => T): T => {
  enterNamespace(namespace)
  try {
    return work()
  } finally {
    enterNamespace(home)
  }
}

/** Packets that came out of the link at the server's end. */
const arrivals = (namespace: string): number =>
  inside(namespace, () => {
    const line = /link0:(.*)/.exec(readFileSync('/proc/thread-self/net/dev', 'latin1'))
    return Number(line?.[1]?.trim().split(/\s+/)[1])
  })

/** Nanoseconds on a processor, of all threads. */
const cpu = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1'))
    .reduce((sum, text) => sum + Number(text.split(' ')[0]), 0)

const c = libc()
const memory = new NativeMemory(4096)
const socketIn = (namespace: string, host: string, port: number): number => {
  const fd = inside(namespace, () => c.socket(linux.AF_INET, linux.SOCK_DGRAM, 0))
  address(host, port)
  systemCall('bind', c.bind(fd, memory.address + 2048, linux.SOCKADDR_IN_SIZE))
  return fd
}
const address = (host: string, port: number): void => {
  memory.view.setUint16(2048, linux.AF_INET, true)
  memory.view.setUint16(2050, port)
  memory.bytes.set(host.split('.').map(Number), 2052)
}

interface Sample {
  readonly microseconds: number
  readonly packetsPerSecond: number
}

/**
 * Sends for a while from all devices: at `rate` packets/s, one by one or in groups of one millisecond as the fleet does, or,
 * with null, as fast as it goes.
 */
const load = async (
  config: LinkConfig | null,
  rate: number | null,
  grouped = true,
): Promise<Sample> => {
  const { child, devicesNamespace, serverNamespace } = await start(config)
  // Nobody reads: the kernel drops what does not fit, which costs the link the same in every engine.
  const sink = socketIn(serverNamespace, SERVER_ADDRESS, PORT)
  const senders = Array.from({ length: DEVICES }, (_, i) => {
    const fd = socketIn(devicesNamespace, deviceAddress(i), 0)
    address(SERVER_ADDRESS, PORT)
    systemCall('connect', c.connect(fd, memory.address + 2048, linux.SOCKADDR_IN_SIZE))
    return fd
  })
  const pid = child.pid as number
  let sent = 0
  const sendUntil = (end: number): void => {
    const began = monotonic()
    for (let count = 0, now = began; now < end; now = monotonic()) {
      const due = rate === null ? count + BURST : ((now - began) * rate) / SECOND
      for (; count < due; count++)
        c.send(senders[sent++ % DEVICES] as number, memory.address, PAYLOAD, 0)
      if (rate !== null && grouped) c.poll(0, 0, 1)
    }
  }
  // The link's code is compiled while it runs: not part of the measurement.
  sendUntil(monotonic() + WARM * SECOND)
  const before = { cpu: cpu(pid), arrived: arrivals(serverNamespace), time: monotonic() }
  sendUntil(before.time + SECONDS * SECOND)
  const arrived = arrivals(serverNamespace) - before.arrived
  const microseconds = (cpu(pid) - before.cpu) / 1000 / arrived
  const packetsPerSecond = (arrived / (monotonic() - before.time)) * SECOND
  for (const fd of [sink, ...senders]) c.close(fd)
  child.kill('SIGKILL')
  await once(child, 'exit')
  return { microseconds, packetsPerSecond }
}

interface Delay {
  readonly p50: number
  readonly p99: number
}

/** How far one-way delays are off what was asked in the quietest window, nanoseconds, at each of DELAY_RATES. */
const delays = async (config: LinkConfig | null): Promise<Delay[]> => {
  const { child, devicesNamespace, serverNamespace } = await start(config)
  const traffic: TrafficConfig = {
    devicesNamespace,
    serverNamespace,
    devices: DEVICES,
    cpu: processors.server,
    spins: processors.server !== null,
  }
  const found: Delay[] = []
  {
    await using ends = new RoleProcess<TrafficOrder, TrafficEvent>(
      'traffic',
      './roles/traffic-process.ts',
      traffic,
    )
    const never = new AbortController().signal
    await ends.expect('ready', PATIENCE_MS, never)
    const asked = config?.profile.up.delay ?? 0
    const carry = async (rate: number, seconds: number): Promise<Float64Array> => {
      const settle = asked + 100 * MILLISECOND
      const load: Load = { direction: 'both', count: rate * seconds, rate, size: PAYLOAD + 28, devices: DEVICES, settle } // prettier-ignore
      ends.order({ order: 'load', load })
      const { sent, received } = await ends.expect('loaded', PATIENCE_MS, never)
      const from = doubles(sent)
      return doubles(received).map((at, i) => at - (from[i] as number) - asked).filter((time) => !Number.isNaN(time)).sort() // prettier-ignore
    }
    await carry(PACED / 4, WARM)
    for (const rate of DELAY_RATES) {
      const windows: Delay[] = []
      for (let i = 0; i < WINDOWS; i++) {
        const errors = await carry(rate, SECONDS / WINDOWS)
        windows.push({ p50: quantileOf(errors, 0.5), p99: quantileOf(errors, 0.99) })
      }
      found.push(windows.reduce((a, b) => (b.p99 < a.p99 ? b : a)))
    }
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  return found
}

const doubles = (base64: string): Float64Array =>
  new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)

const DELAYED = Object.entries(ENGINES).filter(
  ([, config]) => (config?.profile.up.jitter ?? 0) === 0,
)

const printDelays = (rounds: ReadonlyMap<string, readonly Delay[][]>): void => {
  console.log(
    '\nHow far one-way delays are off in the quietest window, us; p99 beside that of the bare forwarder.',
  )
  for (const [i, rate] of DELAY_RATES.entries()) {
    const of = (name: string, key: keyof Delay): number =>
      Math.min(...(rounds.get(name) ?? []).map((round) => Math.abs(round[i]?.[key] ?? NaN))) / 1000
    for (const [name] of DELAYED) {
      const [p50, p99] = [of(name, 'p50'), of(name, 'p99')]
      const beside = p99 - of('bare', 'p99')
      console.log(
        `${String(rate).padStart(6)}/s  p50 ${p50.toFixed(0).padStart(5)}  p99 ${p99.toFixed(0).padStart(5)} (${beside >= 0 ? '+' : ''}${beside.toFixed(0)})  ${name}`,
      )
    }
  }
}

const push = <T>(map: Map<string, T[]>, name: string, value: T): void =>
  void map.set(name, [...(map.get(name) ?? []), value])

const main = async (): Promise<void> => {
  const paced = new Map<string, number[]>()
  const even = new Map<string, number[]>()
  const most = new Map<string, number[]>()
  const off = new Map<string, Delay[][]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, config] of Object.entries(ENGINES)) {
      push(paced, name, (await load(config, PACED)).microseconds)
      push(even, name, (await load(config, PACED, false)).microseconds)
      push(most, name, (await load(config, null)).packetsPerSecond)
    }
    for (const [name, config] of DELAYED) push(off, name, await delays(config))
  }
  // What another program takes can only add to a cost: the best round is the nearest to the engine's own.
  const best = (of: ReadonlyMap<string, readonly number[]>, name: string): string => {
    const least = (name: string): number => Math.min(...(of.get(name) ?? []))
    const ratio = (least(name) / least('bare')).toFixed(2)
    return `${least(name).toFixed(2).padStart(6)} us x ${ratio}`
  }
  console.log(
    `CPU per packet at ${PACED} packets/s of ${PAYLOAD + 28} B; most packets/s. Best of ${ROUNDS}.`,
  )
  for (const name of Object.keys(ENGINES)) {
    const rate = Math.max(...(most.get(name) ?? []))
    console.log(
      `${best(paced, name)} grouped  ${best(even, name)} one by one  ${rate.toFixed(0).padStart(7)}/s  ${name}`,
    )
  }
  printDelays(off)
}

if (process.argv[2] === 'forward') forward()
else await main()
