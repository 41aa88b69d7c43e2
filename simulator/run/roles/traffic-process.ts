/**
 * Entry point of calibrate's traffic: one thread that is both ends of the link, so that a one-way time is the difference of two
 * readings of one clock with no scheduling in between. It sends UDP at planned instants and stamps what comes.
 */
import { setPriority } from 'node:os'
import { constants } from 'node:os'
import { MILLISECOND, SECOND, monotonic, type Nanoseconds } from '../../core/clock.ts'
import { ThingbenchError } from '../../core/errors.ts'
import { ControlChannel, becomeChild, enterNamespace } from '../../native/control.ts'
import { NativeMemory, libc, systemCall, writeTimespec } from '../../native/libc.ts'
import * as linux from '../../native/linux.ts'
import { SERVER_ADDRESS, deviceAddress } from '../../network/link-protocol.ts'
import {
  LEAST_SIZE,
  type Load,
  type TrafficConfig,
  type TrafficEvent,
  type TrafficOrder,
} from '../calibration/traffic-protocol.ts'

const SERVER_PORT = 7
const DEVICE_PORT = 9
/** A burst that a rate limiter lets through at once must fit. */
const RECEIVE_BUFFER = 8 * 1024 * 1024
/** Packets sent, or received at one end, before the other ends are looked at. */
const AT_ONCE = 16
const HEADERS = 28
const LONGEST = 65_536
const OPTION = LONGEST
const POLLFDS = LONGEST + 8
const TIMEOUT = LONGEST + 32
const FLAGS = linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL

class Ends {
  readonly #libc = libc()
  readonly #memory = new NativeMemory(LONGEST + 64)
  /** One sockaddr_in per device. */
  readonly #peers: NativeMemory
  /** Sockets that send, one per device; those that receive at the server and at the devices. */
  readonly #senders: Int32Array
  readonly #server: number
  readonly #devices: number
  readonly #spins: boolean
  #load = 0

  constructor({ devices, devicesNamespace, serverNamespace, spins }: TrafficConfig) {
    this.#spins = spins
    this.#peers = new NativeMemory(devices * linux.SOCKADDR_IN_SIZE)
    for (let i = 0; i < devices; i++)
      this.#writeAddress(this.#peers, i, deviceAddress(i), DEVICE_PORT)
    const server = new NativeMemory(linux.SOCKADDR_IN_SIZE)
    this.#writeAddress(server, 0, SERVER_ADDRESS, SERVER_PORT)
    enterNamespace(serverNamespace)
    this.#server = this.#socket(SERVER_ADDRESS, SERVER_PORT)
    enterNamespace(devicesNamespace)
    this.#devices = this.#socket('0.0.0.0', DEVICE_PORT)
    this.#senders = Int32Array.from({ length: devices }, (_, i) => {
      const fd = this.#socket(deviceAddress(i), 0)
      systemCall('connect', this.#libc.connect(fd, server.address, linux.SOCKADDR_IN_SIZE))
      return fd
    })
    for (const [i, fd] of [this.#server, this.#devices].entries()) {
      this.#memory.view.setInt32(POLLFDS + i * linux.POLLFD_SIZE, fd, true)
      this.#memory.view.setInt16(POLLFDS + i * linux.POLLFD_SIZE + 4, linux.POLLIN, true)
    }
  }

  run(load: Load): TrafficEvent {
    const { count, rate, settle } = load
    this.#load++
    const sent = new Float64Array(count).fill(NaN)
    const received = new Float64Array(count).fill(NaN)
    const gap = rate === null ? 0 : SECOND / rate
    const start = monotonic() + MILLISECOND
    let duplicates = 0
    let missing = count
    let next = 0
    let end = Infinity
    for (let now = start; now < end && missing > 0; now = monotonic()) {
      for (let i = 0; i < AT_ONCE && next < count && start + next * gap <= now; i++) {
        sent[next] = monotonic()
        if (!this.#send(load, next)) {
          sent[next] = NaN
          missing--
        }
        if (++next === count) end = monotonic() + settle
      }
      for (const fd of [this.#server, this.#devices])
        for (let i = 0; i < AT_ONCE; i++) {
          const number = this.#receive(fd)
          if (number < 0) break
          if (Number.isNaN(received[number])) missing--
          else duplicates++
          received[number] = monotonic()
        }
      if (!this.#spins) this.#sleep(next < count ? start + next * gap : end)
    }
    return { event: 'loaded', sent: encoded(sent), received: encoded(received), duplicates }
  }

  #send({ direction, size, devices }: Load, number: number): boolean {
    const turns = direction === 'both' ? 2 : 1
    const device = Math.floor(number / turns) % devices
    const { address, view } = this.#memory
    view.setUint32(0, number, true)
    view.setUint32(4, this.#load, true)
    const length = Math.max(LEAST_SIZE, size) - HEADERS
    if (direction === 'up' || (direction === 'both' && number % 2 === 0))
      return this.#libc.send(this.#senders[device] as number, address, length, FLAGS) === length
    const peer = this.#peers.address + device * linux.SOCKADDR_IN_SIZE
    return this.#libc.sendto(this.#server, address, length, FLAGS, peer, linux.SOCKADDR_IN_SIZE) === length // prettier-ignore
  }

  /** The number of the packet, or -1 when there is none of this load. */
  #receive(fd: number): number {
    const { address, view } = this.#memory
    for (;;) {
      const length = this.#libc.recv(fd, address, LONGEST, FLAGS)
      if (length < 0) return -1
      // What an earlier load still had under way counts as lost there.
      if (length >= 8 && view.getUint32(4, true) === this.#load) return view.getUint32(0, true)
    }
  }

  #sleep(until: Nanoseconds): void {
    const { address } = this.#memory
    writeTimespec(this.#memory, TIMEOUT, Math.max(0, until - monotonic()))
    this.#libc.ppoll(address + POLLFDS, 2, address + TIMEOUT, 0)
  }

  /** A UDP socket in the namespace of the calling thread. */
  #socket(host: string, port: number): number {
    const type = linux.SOCK_DGRAM | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC
    const fd = systemCall('socket', this.#libc.socket(linux.AF_INET, type, 0))
    const address = new NativeMemory(linux.SOCKADDR_IN_SIZE)
    this.#writeAddress(address, 0, host, port)
    systemCall(`bind to ${host}`, this.#libc.bind(fd, address.address, linux.SOCKADDR_IN_SIZE))
    this.#memory.view.setInt32(OPTION, RECEIVE_BUFFER, true)
    const option = this.#memory.address + OPTION
    for (const name of [linux.SO_RCVBUFFORCE, linux.SO_SNDBUFFORCE])
      this.#libc.setsockopt(fd, linux.SOL_SOCKET, name, option, 4)
    return fd
  }

  #writeAddress(memory: NativeMemory, index: number, host: string, port: number): void {
    const at = index * linux.SOCKADDR_IN_SIZE
    memory.view.setUint16(at, linux.AF_INET, true)
    memory.view.setUint16(at + 2, port)
    memory.bytes.set(host.split('.').map(Number), at + 4)
  }
}

const encoded = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')

/** Waits for orders; false when the runner is gone. */
const awaitOrders = (control: ControlChannel, pollfd: NativeMemory): unknown[] => {
  while (!control.closed) {
    const orders = control.orders()
    if (orders.length > 0) return orders
    libc().poll(pollfd.address, 1, -1)
  }
  return []
}

/** As good as an ordinary process may be; without the privilege it stays as it is. */
const beNice = (): void => {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    // The calibration then says what this machine gives to everybody.
  }
}

const main = (): void => {
  const control = new ControlChannel()
  const pollfd = new NativeMemory(linux.POLLFD_SIZE)
  pollfd.view.setInt32(0, control.input, true)
  pollfd.view.setInt16(4, linux.POLLIN, true)
  try {
    const [config, ...early] = awaitOrders(control, pollfd) as [TrafficConfig, ...TrafficOrder[]]
    if (config === undefined) return
    becomeChild({ cpu: config.cpu, timerSlack: 1 })
    beNice()
    const ends = new Ends(config)
    control.send({ event: 'ready' } satisfies TrafficEvent)
    for (
      let orders = early;
      !control.closed;
      orders = awaitOrders(control, pollfd) as TrafficOrder[]
    )
      // prettier-ignore
      for (const { load } of orders) control.send(ends.run(load))
  } catch (error) {
    const code = error instanceof ThingbenchError ? error.code : 'TB_ROLE_FAILED'
    const message = error instanceof Error ? error.message : String(error)
    control.send({ event: 'failed', code, message } satisfies TrafficEvent)
    process.exitCode = 1
  }
}

main()
