/**
 * The two ends of a real link (needs root): one process opens its sockets inside the link's namespaces and is both ends, so
 * there is one clock, and no scheduling between a child's and ours.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
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
/** Why this machine cannot make a link; false when it can. */
export const skip = tun.ok ? false : tun.reason
// What else runs on this machine is not to be measured: this process waits for it no more than the link does.
preempt()

export const shape = (changes: Partial<DirectionProfile>): DirectionProfile => ({
  ...CLEAR_DIRECTION,
  ...changes,
})

export const config = (up: DirectionProfile, down = up, devices = 10): LinkConfig => ({
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
export class Link implements AsyncDisposable {
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

  async account(ready: Nanoseconds = 0): Promise<LinkAccount> {
    const times = new Float64Array(this.#devices).fill(ready)
    this.order({ order: 'account', ready: Buffer.from(times.buffer).toString('base64') })
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
export const memory = new NativeMemory(4096)
const ADDRESS = 2048
const LENGTH = 2100
const POLL = 2112
const home = `/proc/self/fd/${openSync('/proc/self/ns/net', 'r')}`

/** Does something in a namespace: sockets that it opens stay there. */
export const inside = (namespace: string, action: () => void): void => {
  enterNamespace(namespace)
  action()
  enterNamespace(home)
}

/** A sockaddr_in in `memory`. */
const putAddress = (host: string, port: number): void => {
  memory.view.setUint16(ADDRESS, linux.AF_INET, true)
  memory.view.setUint16(ADDRESS + 2, port)
  memory.bytes.set(host.split('.').map(Number), ADDRESS + 4)
}

/** A socket without waiting. It belongs to the namespace in which it was opened, wherever this thread is afterwards. */
export class Socket implements Disposable {
  readonly fd: number
  constructor(fd: number) {
    this.fd = fd
  }
  static open(namespace: string, type: number, host: string, port = 0): Socket {
    let fd = -1
    inside(namespace, () => {
      fd = c.socket(linux.AF_INET, type | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC, 0)
      systemCall('socket', fd)
    })
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

export const PORT = 5683
export const server = (link: Link, type = linux.SOCK_DGRAM): Socket => {
  const socket = Socket.open(link.ready.serverNamespace, type, SERVER_ADDRESS, PORT)
  if (type === linux.SOCK_STREAM) systemCall('listen', c.listen(socket.fd, 4096))
  return socket
}
export const device = (link: Link, index: number, type = linux.SOCK_DGRAM): Socket => {
  const socket = Socket.open(link.ready.devicesNamespace, type, deviceAddress(index))
  socket.connect(SERVER_ADDRESS, PORT)
  return socket
}

export const closes = (account: LinkAccount): void => {
  const { arrived, duplicated, delivered, lost, overflowed, unreachable, queued } = account
  assert.equal(arrived + duplicated, delivered + lost + overflowed + unreachable + queued)
  assert.equal(account.unplannedDrops, 0)
}
