/**
 * Entry point of calibrate's traffic: one thread that is both ends of the link, so that a one-way time is the difference of two
 * readings of one clock with no scheduling in between. It sends UDP at planned instants and stamps what comes.
 */
import { MILLISECOND, SECOND, monotonic, type Nanoseconds } from '../../core/clock.ts'
import { encodeDoubles } from '../../core/doubles.ts'
import { peerKey, type PeerKey } from '../../core/endpoint.ts'
import { ThingbenchError } from '../../core/errors.ts'
import { Sockets } from '../../io/sockets.ts'
import { ControlChannel, becomeChild, enterNamespace } from '../../native/control.ts'
import { NativeMemory, libc, systemError, writeTimespec } from '../../native/libc.ts'
import { POLLFD_SIZE, POLLIN } from '../../native/linux.ts'
import { SERVER_ADDRESS, deviceAddress } from '../../network/link-protocol.ts'
import { beNice } from '../../network/priority.ts'
import {
  LEAST_SIZE,
  type Load,
  type TrafficConfig,
  type TrafficEvent,
  type TrafficOrder,
} from '../calibration/traffic-protocol.ts'

const SERVER_PORT = 7
const DEVICE_PORT = 9
/** Packets sent, or received at one end, before the other ends are looked at. */
const AT_ONCE = 16
const HEADERS = 28
const LONGEST = 65_536
const TIMEOUT = 2 * POLLFD_SIZE

/** Does what it is called, or throws TB_SYSTEM_CALL. */
const done = (what: string, result: number): number => {
  if (result < 0) throw systemError(what, -result)
  return result
}

class Ends {
  readonly #libc = libc()
  readonly #sockets = new Sockets()
  readonly #packet = new DataView(new ArrayBuffer(LONGEST))
  /** What is polled, and for how long. */
  readonly #waiting = new NativeMemory(TIMEOUT + 16)
  /** Where devices receive. */
  readonly #peers: readonly PeerKey[]
  /** Sockets that send, one per device; those that receive at the server and at the devices. */
  readonly #senders: Int32Array
  readonly #server: number
  readonly #devices: number
  readonly #spins: boolean
  #load = 0

  constructor({ devices, devicesNamespace, serverNamespace, spins }: TrafficConfig) {
    this.#spins = spins
    this.#peers = Array.from({ length: devices }, (_, i) =>
      peerKey({ host: deviceAddress(i), port: DEVICE_PORT }),
    )
    enterNamespace(serverNamespace)
    this.#server = this.#socket(SERVER_ADDRESS, SERVER_PORT)
    enterNamespace(devicesNamespace)
    this.#devices = this.#socket('0.0.0.0', DEVICE_PORT)
    this.#senders = Int32Array.from({ length: devices }, (_, i) => {
      const fd = this.#socket(deviceAddress(i), 0)
      const server = { host: SERVER_ADDRESS, port: SERVER_PORT }
      done('connect', this.#sockets.connect(fd, server))
      return fd
    })
    for (const [i, fd] of [this.#server, this.#devices].entries()) {
      this.#waiting.view.setInt32(i * POLLFD_SIZE, fd, true)
      this.#waiting.view.setInt16(i * POLLFD_SIZE + 4, POLLIN, true)
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
    return {
      event: 'loaded',
      sent: encodeDoubles(sent),
      received: encodeDoubles(received),
      duplicates,
    }
  }

  #send({ direction, size, devices }: Load, number: number): boolean {
    const turns = direction === 'both' ? 2 : 1
    const device = Math.floor(number / turns) % devices
    this.#packet.setUint32(0, number)
    this.#packet.setUint32(4, this.#load)
    const bytes = new Uint8Array(this.#packet.buffer, 0, Math.max(LEAST_SIZE, size) - HEADERS)
    const goesUp = direction === 'up' || (direction === 'both' && number % 2 === 0)
    const sent = goesUp
      ? this.#sockets.send(this.#senders[device] as number, bytes, 0)
      : this.#sockets.sendTo(this.#server, bytes, this.#peers[device] as PeerKey)
    return sent === bytes.length
  }

  /** The number of the packet, or -1 when there is none of this load. */
  #receive(fd: number): number {
    for (;;) {
      const length = this.#sockets.receive(fd)
      if (length < 0) return -1
      if (length < 8) continue
      const { buffer, byteOffset } = this.#sockets.received(length)
      const packet = new DataView(buffer, byteOffset, 8)
      // What an earlier load still had under way counts as lost there.
      if (packet.getUint32(4) === this.#load) return packet.getUint32(0)
    }
  }

  #sleep(until: Nanoseconds): void {
    const { address } = this.#waiting
    writeTimespec(this.#waiting, TIMEOUT, Math.max(0, until - monotonic()))
    this.#libc.ppoll(address, 2, address + TIMEOUT, 0)
  }

  /** A UDP socket in the namespace of the calling thread. What a rate limiter lets through at once fits into its buffer. */
  #socket(host: string, port: number): number {
    return done(`bind to ${host}`, this.#sockets.openServer({ host, port }))
  }
}

const main = (): void => {
  const control = new ControlChannel()
  try {
    const [config, ...early] = control.awaitOrders() as [TrafficConfig, ...TrafficOrder[]]
    if (config === undefined) return
    becomeChild({ cpu: config.cpu, timerSlack: 1 })
    beNice()
    const ends = new Ends(config)
    control.send({ event: 'ready' } satisfies TrafficEvent)
    for (let orders = early; !control.closed; orders = control.awaitOrders() as TrafficOrder[])
      for (const { load } of orders) control.send(ends.run(load))
  } catch (error) {
    const code = error instanceof ThingbenchError ? error.code : 'TB_ROLE_FAILED'
    const message = error instanceof Error ? error.message : String(error)
    control.send({ event: 'failed', code, message } satisfies TrafficEvent)
    process.exitCode = 1
  }
}

main()
