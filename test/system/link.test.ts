/**
 * The link on real TUN devices (needs root). This process opens its sockets inside the link's namespaces and is both ends:
 * one clock, and no scheduling between a child's and ours.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { MILLISECOND, SECOND, monotonic, type Nanoseconds } from '../../simulator/core/clock.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
} from '../../simulator/core/link-profile.ts'
import { PLAIN_TCP } from '../../simulator/core/tcp.ts'
import { enterNamespace } from '../../simulator/native/control.ts'
import { NativeMemory, libc, systemCall } from '../../simulator/native/libc.ts'
import * as linux from '../../simulator/native/linux.ts'
import { LINK_PROCESS, probeTun } from '../../simulator/network/host.ts'
import { preempt } from '../../simulator/network/priority.ts'
import {
  SERVER_ADDRESS,
  deviceAddress,
  type LinkAccount,
  type LinkConfig,
  type LinkEvent,
  type LinkOrder,
} from '../../simulator/network/link-protocol.ts'

const tun = await probeTun()
const skip = tun.ok ? false : tun.reason
// What else runs on this machine is not to be measured: this process waits for it no more than the link does.
preempt()

const shape = (changes: Partial<DirectionProfile>): DirectionProfile => ({
  ...CLEAR_DIRECTION,
  ...changes,
})

const config = (up: DirectionProfile, down = up, devices = 10): LinkConfig => ({
  devices,
  probes: 1,
  profile: { ...CLEAR_LINK, up, down },
  timeline: [],
  tcp: PLAIN_TCP,
  seed: 42,
  canary: 'canary',
  cpu: null,
})

type Ready = Extract<LinkEvent, { event: 'ready' }>

/** The link process with its two ends. */
class Link implements AsyncDisposable {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  ready!: Ready
  readonly #lines: AsyncIterator<string>
  readonly #devices: number

  constructor(settings: LinkConfig) {
    this.process = spawn(process.execPath, [LINK_PROCESS], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface(this.process.stdout)[Symbol.asyncIterator]()
    this.#devices = settings.devices
    this.process.stdin.write(`${JSON.stringify(settings)}\n`)
  }

  static async start(settings: LinkConfig): Promise<Link> {
    const link = new Link(settings)
    const event = await link.event()
    assert.ok(event.event === 'ready', JSON.stringify(event))
    link.ready = event
    return link
  }

  async event(): Promise<LinkEvent> {
    const line = await this.#lines.next()
    assert.ok(line.done !== true, 'the link process ended')
    return JSON.parse(line.value) as LinkEvent
  }

  order(order: LinkOrder): void {
    this.process.stdin.write(`${JSON.stringify(order)}\n`)
  }

  async account(ready: Nanoseconds = 0, closing: Nanoseconds = 1e18): Promise<LinkAccount> {
    const times = new Float64Array(this.#devices).fill(ready)
    this.order({ order: 'account', ready: Buffer.from(times.buffer).toString('base64'), closing })
    const event = await this.event()
    assert.ok(event.event === 'account', JSON.stringify(event))
    return event.account
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.order({ order: 'stop' })
    const [code] = await once(this.process, 'exit')
    assert.equal(code, 0)
  }
}

const c = libc()
const memory = new NativeMemory(4096)
const ADDRESS = 2048
const LENGTH = 2100
const POLL = 2112
const home = `/proc/self/fd/${openSync('/proc/self/ns/net', 'r')}`

/** A sockaddr_in in `memory`. */
const putAddress = (host: string, port: number): void => {
  memory.view.setUint16(ADDRESS, linux.AF_INET, true)
  memory.view.setUint16(ADDRESS + 2, port)
  memory.bytes.set(host.split('.').map(Number), ADDRESS + 4)
}

/** A socket without waiting. It belongs to the namespace in which it was opened, wherever this thread is afterwards. */
class Socket implements Disposable {
  readonly fd: number
  constructor(fd: number) {
    this.fd = fd
  }
  static open(namespace: string, type: number, host: string, port = 0): Socket {
    enterNamespace(namespace)
    const fd = c.socket(linux.AF_INET, type | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC, 0)
    systemCall('socket', fd)
    enterNamespace(home)
    putAddress(host, port)
    systemCall('bind', c.bind(fd, memory.address + ADDRESS, linux.SOCKADDR_IN_SIZE))
    return new Socket(fd)
  }
  connect(host: string, port: number): void {
    putAddress(host, port)
    c.connect(this.fd, memory.address + ADDRESS, linux.SOCKADDR_IN_SIZE)
  }
  /** Waits until the socket can be read (or written); false after `milliseconds`. */
  wait(milliseconds: number, events = linux.POLLIN): boolean {
    memory.view.setInt32(POLL, this.fd, true)
    memory.view.setInt32(POLL + 4, events, true)
    return systemCall('poll', c.poll(memory.address + POLL, 1, milliseconds)) > 0
  }
  accept(): Socket {
    return new Socket(systemCall('accept', c.accept4(this.fd, 0, 0, linux.SOCK_NONBLOCK)))
  }
  /** Sends `length` bytes of `memory`; returns how many were taken, or -1. */
  send(length: number): number {
    return c.send(this.fd, memory.address, length, linux.MSG_NOSIGNAL)
  }
  /** Receives to the start of `memory`; -1 when there is nothing. */
  receive(): number {
    return c.recv(this.fd, memory.address, ADDRESS, 0)
  }
  /** Returns a datagram to its sender. */
  echo(): boolean {
    memory.view.setUint32(LENGTH, linux.SOCKADDR_IN_SIZE, true)
    const peer = memory.address + ADDRESS
    const length = c.recvfrom(this.fd, memory.address, ADDRESS, 0, peer, memory.address + LENGTH)
    if (length < 0) return false
    c.sendto(this.fd, memory.address, length, 0, peer, linux.SOCKADDR_IN_SIZE)
    return true
  }
  /** Reads an option to the start of `memory`. */
  option(level: number, name: number, length: number): void {
    memory.view.setUint32(LENGTH, length, true)
    const at = memory.address
    systemCall('getsockopt', c.getsockopt(this.fd, level, name, at, at + LENGTH))
  }
  [Symbol.dispose](): void {
    c.close(this.fd)
  }
}

const PORT = 5683
const server = (link: Link, type = linux.SOCK_DGRAM): Socket => {
  const socket = Socket.open(link.ready.serverNamespace, type, SERVER_ADDRESS, PORT)
  if (type === linux.SOCK_STREAM) systemCall('listen', c.listen(socket.fd, 4096))
  return socket
}
const device = (link: Link, index: number, type = linux.SOCK_DGRAM): Socket => {
  const socket = Socket.open(link.ready.devicesNamespace, type, deviceAddress(index))
  socket.connect(SERVER_ADDRESS, PORT)
  return socket
}

const closes = (account: LinkAccount): void => {
  const { arrived, delivered, lost, overflowed, queued } = account
  assert.equal(arrived, delivered + lost + overflowed + queued)
  assert.equal(account.unplannedDrops, 0)
}

const quantile = (values: number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1] as number

test(
  "one-way delay is the profile's, in both directions, within 1 ms (median) and 5 ms (90 %)",
  { skip },
  async (t) => {
    await using link = await Link.start(config(shape({ delay: 20 * MILLISECOND })))
    using below = server(link)
    using above = device(link, 3)
    const errors: { up: number[]; down: number[] } = { up: [], down: [] }
    for (let i = 0; i < 100; i++) {
      const sent = monotonic()
      above.send(50)
      assert.ok(below.wait(1000))
      const turned = monotonic()
      assert.ok(below.echo())
      assert.ok(above.wait(1000))
      const received = monotonic()
      assert.equal(above.receive(), 50)
      errors.up.push(turned - sent - 20 * MILLISECOND)
      errors.down.push(received - turned - 20 * MILLISECOND)
    }
    for (const [direction, all] of Object.entries(errors)) {
      t.diagnostic(
        `${direction}: p50 ${quantile(all, 0.5) / 1e3} us, p99 ${quantile(all, 0.99) / 1e3} us`,
      )
      assert.ok(Math.min(...all) >= -50e3, 'no packet is early by more than the grain of 50 us')
      // 0.16 ms and 0.5 ms on a quiet machine, with the receiver's own wake-up; the rest is room for a noisy one.
      assert.ok(quantile(all, 0.5) < MILLISECOND, `${direction} p50 ${quantile(all, 0.5)} ns`)
      assert.ok(quantile(all, 0.9) < 5 * MILLISECOND, `${direction} p90 ${quantile(all, 0.9)} ns`)
    }
    const account = await link.account()
    closes(account)
    assert.equal(account.arrived, 200)
    assert.equal(account.delivered, 200)
  },
)

test('a TCP connect takes one round trip, with cubic at both ends', { skip }, async () => {
  await using link = await Link.start(config(shape({ delay: 30 * MILLISECOND })))
  assert.equal(
    link.ready.sysctls['route.congctl'] ?? link.ready.sysctls['net.ipv4.tcp_congestion_control'],
    'cubic',
  )
  assert.equal(link.ready.sysctls['net.ipv4.tcp_no_metrics_save'], '1')
  using listener = server(link, linux.SOCK_STREAM)
  const began = monotonic()
  using above = device(link, 0, linux.SOCK_STREAM)
  assert.ok(above.wait(2000, linux.POLLOUT))
  const took = monotonic() - began
  assert.ok(Math.abs(took - 60 * MILLISECOND) < 5 * MILLISECOND, `${took} ns`)
  assert.ok(listener.wait(2000))
  using below = listener.accept()
  const TCP_CONGESTION = 13
  for (const end of [above, below]) {
    end.option(linux.IPPROTO_TCP, TCP_CONGESTION, 16)
    assert.equal(Buffer.from(memory.bytes.subarray(0, 5)).toString(), 'cubic')
  }
})

test(
  'one packet in ten is lost, every lost packet is known, and both directions are apart',
  { skip },
  async () => {
    const lossy = shape({ loss: { kind: 'time', ratio: 0.1, burst: 0 } })
    await using link = await Link.start(config(lossy, shape({})))
    using below = server(link)
    using above = device(link, 0)
    const count = 5000
    let received = 0
    for (let i = 0; i < count; i++) {
      assert.equal(above.send(20), 20)
      if (i % 50 < 49) continue
      while (below.wait(5)) while (below.echo()) received++
    }
    const account = await link.account()
    closes(account)
    assert.equal(account.arrived, count + received)
    assert.equal(account.lost, count - received)
    assert.ok(Math.abs(account.lost / count - 0.1) < 4 * Math.sqrt(0.09 / count), `${account.lost}`)
  },
)

test(
  'packets of 1 250 bytes cross a link of 1 Mbit/s at 100 per second, within 1 %; the queue drops its tail',
  { skip },
  async () => {
    await using link = await Link.start(
      config(shape({ rate: 1e6, queue: { limit: 60, unit: 'packets' } }), shape({})),
    )
    using below = server(link)
    using above = device(link, 0)
    for (let i = 0; i < 70; i++) assert.equal(above.send(1250 - 28), 1250 - 28)
    const times: number[] = []
    while (below.wait(200)) {
      times.push(monotonic())
      below.receive()
    }
    assert.equal(times.length, 60)
    const perPacket = ((times.at(-1) as number) - (times[0] as number)) / 59
    assert.ok(Math.abs(perPacket / (10 * MILLISECOND) - 1) < 0.01, `${perPacket} ns`)
    const account = await link.account()
    closes(account)
    assert.equal(account.overflowed, 10)
  },
)

/** struct tcp_info, tcpi_total_retrans. */
const retransmissions = (socket: Socket): number => {
  const TCP_INFO = 11
  socket.option(linux.IPPROTO_TCP, TCP_INFO, 200)
  return memory.view.getUint32(100, true)
}

test(
  'the link counts as many retransmitted segments as the kernel says it sent',
  { skip },
  async () => {
    const lossy = shape({ delay: 2 * MILLISECOND, loss: { kind: 'time', ratio: 0.05, burst: 0 } })
    await using link = await Link.start(config(lossy, shape({ delay: 2 * MILLISECOND })))
    using listener = server(link, linux.SOCK_STREAM)
    using above = device(link, 0, linux.SOCK_STREAM)
    assert.ok(listener.wait(10_000))
    using below = listener.accept()
    const total = 500_000
    let sent = 0
    let received = 0
    const deadline = monotonic() + 60 * SECOND
    while (received < total) {
      assert.ok(monotonic() < deadline, `${received} of ${total} bytes after 60 s`)
      while (sent < total) {
        const taken = above.send(Math.min(2000, total - sent))
        if (taken < 0) break
        sent += taken
      }
      if (!below.wait(100)) continue
      for (let length = below.receive(); length > 0; length = below.receive()) received += length
    }
    // The last acknowledgement and what it may still cause.
    below.wait(300)
    const kernel = retransmissions(above)
    const account = await link.account(NaN)
    closes(account)
    const { up, down } = account.wire.connect
    assert.ok(kernel > 5)
    assert.equal(up.retransmittedPackets, kernel)
    assert.equal(down.retransmittedPackets, retransmissions(below))
    // Every byte crosses once as a first transmission; first transmissions that the channel loses are among them.
    assert.equal(up.transportPayload, total)
    assert.equal(
      up.bytes,
      up.ipHeader + up.transportHeader + up.transportPayload + up.retransmittedBytes,
    )
  },
)

test('2 000 device addresses are reachable, and the canary is seen on each', { skip }, async () => {
  await using link = await Link.start(config(shape({ delay: MILLISECOND }), undefined, 2000))
  using below = server(link)
  const sockets = Array.from({ length: 2000 }, (_, i) => device(link, i))
  memory.bytes.set(new TextEncoder().encode('my canary is plain'))
  let answered = 0
  for (let i = 0; i < 2000; i += 100) {
    const batch = sockets.slice(i, i + 100)
    for (const above of batch) assert.equal(above.send(18), 18)
    while (below.wait(20)) while (below.echo());
    for (const above of batch) if (above.wait(1000) && above.receive() === 18) answered++
  }
  for (const socket of sockets) socket[Symbol.dispose]()
  assert.equal(answered, 2000)
  const account = await link.account(NaN)
  closes(account)
  assert.equal(account.plaintextDevices, 2000)
  assert.equal(account.wire.connect.up.packets, 2000)
})

test('phases follow the plan, and probes are not on the wire', { skip }, async () => {
  await using link = await Link.start(config(shape({ delay: 5 * MILLISECOND })))
  using below = server(link)
  using above = device(link, 0)
  using probe = device(link, 10)
  const exchange = (socket: Socket): void => {
    socket.send(20)
    assert.ok(below.wait(1000) && below.echo() && socket.wait(1000))
    socket.receive()
  }
  link.order({ order: 'connect', at: monotonic() })
  exchange(above)
  const ready = monotonic()
  // The order is taken before the packets behind it come: the link reads it within this pause.
  await new Promise((resolve) => setTimeout(resolve, 50))
  const t0 = monotonic()
  link.order({ order: 'phases', warmup: t0, t0, t1: t0 + 1e12 })
  exchange(above)
  exchange(above)
  exchange(probe)
  const closing = monotonic()
  exchange(above)
  const { wire, arrived, channelDigest } = await link.account(ready, closing)
  const packets = (['connect', 'steady', 'close', 'other'] as const).map((phase) => [
    wire[phase].up.packets,
    wire[phase].down.packets,
  ])
  assert.deepEqual(packets, [
    [1, 1],
    [2, 2],
    [1, 1],
    [0, 0],
  ])
  assert.equal(arrived, 10)
  assert.match(channelDigest, /^[0-9a-f]{64}$/)
})

/** The inode of a namespace, and whether any process, descriptor or mount holds it. */
const inode = (path: string): string => readlinkSync(path)
const isHeld = (namespace: string): boolean => {
  const holds = (path: string): boolean => {
    try {
      return readlinkSync(path) === namespace
    } catch {
      return false
    }
  }
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return processes.some((pid) => {
    try {
      const descriptors = readdirSync(`/proc/${pid}/fd`)
      const threads = readdirSync(`/proc/${pid}/task`)
      return (
        descriptors.some((fd) => holds(`/proc/${pid}/fd/${fd}`)) ||
        threads.some((thread) => holds(`/proc/${pid}/task/${thread}/ns/net`)) ||
        readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(namespace)
      )
    } catch {
      return false
    }
  })
}

const ENDINGS: Readonly<Record<string, (link: Link) => void>> = {
  'the stop order': (link) => link.order({ order: 'stop' }),
  'the end of its input': (link) => link.process.stdin.end(),
  SIGKILL: (link) => link.process.kill('SIGKILL'),
}

for (const [name, end] of Object.entries(ENDINGS)) {
  test(`after ${name}, nothing is left of the link`, { skip }, async () => {
    const link = await Link.start(config(shape({})))
    const namespaces = [link.ready.devicesNamespace, link.ready.serverNamespace].map(inode)
    assert.notEqual(namespaces[0], namespaces[1])
    assert.deepEqual(namespaces.map(isHeld), [true, true])
    const exited = once(link.process, 'exit')
    end(link)
    const [code, signal] = (await exited) as [number | null, string | null]
    assert.deepEqual([code, signal], name === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null])
    assert.deepEqual(namespaces.map(isHeld), [false, false])
    assert.equal(existsSync('/sys/class/net/link0'), false)
  })
}
