/** One connection of a device through TLS to a real server, with what went over the wire, for tests. */
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { MILLISECOND, NEVER } from '../../simulator/core/clock.ts'
import type { Cause, Layer, Lower, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { DeviceEvents, DeviceSession } from '../../simulator/protocols/session.ts'
import type { TlsContext, TlsIdentity } from '../../simulator/transports/tls.ts'
import { TlsClient } from '../../simulator/transports/tls.ts'

export interface Visit {
  /** `ready`: CONNACK came (without a session: the time was over); otherwise the cause. */
  readonly end: string
  readonly negotiated: Readonly<Record<string, string>>
  /** How often the device waited for an answer, and bytes, all above TCP and until it was ready. */
  readonly roundTrips: number
  readonly sent: number
  readonly received: number
}

/** Between TLS and TCP: counts bytes, and turns of who speaks. */
class Tap implements Layer {
  below!: Lower
  above!: Upper
  openedAt: Nanoseconds = NaN
  sent = 0
  received = 0
  answers = 0
  #asked = false
  readonly traffic = new Traffic()
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.above.open(now)
  }
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (!this.below.fromAbove(bytes, now)) return false
    this.sent += bytes.length
    this.#asked = true
    return true
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.received += bytes.length
    if (this.#asked) this.answers++
    this.#asked = false
    this.above.fromBelow(bytes, now)
  }
  ready(now: Nanoseconds): void {
    this.above.ready(now)
  }
  close(now: Nanoseconds): void {
    this.below.close(now)
  }
  closed(cause: Cause, now: Nanoseconds): void {
    this.above.closed(cause, now)
  }
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

/** A top of the pile that says nothing. */
class Silent implements Upper {
  below!: Lower
  openedAt: Nanoseconds = NaN
  readonly #ended: (cause: Cause) => void
  constructor(ended: (cause: Cause) => void) {
    this.#ended = ended
  }
  open(now: Nanoseconds): void {
    this.openedAt = now
  }
  fromBelow(): void {}
  ready(): void {}
  closed(cause: Cause): void {
    this.#ended(cause)
  }
}

const mqttSession = (events: DeviceEvents): DeviceSession =>
  mqtt.device(
    {
      device: 0,
      options: {},
      reliability: 'acknowledged',
      serverName: 'server.test',
      password: '',
      random: new Random(1),
      registration: 'resource-directory',
    },
    events,
  )

/** @param how what to speak above TLS, and how long to wait at most */
export const visit = (
  remote: { readonly host: string; readonly port: number },
  context: TlsContext,
  identity: TlsIdentity | undefined,
  how: { readonly session: 'mqtt' | 'none'; readonly limit: Nanoseconds },
): Visit => {
  using reactor = new EpollReactor()
  const tap = new Tap()
  const tls = new TlsClient(context, new Traffic(), 'server.test', identity)
  let result: Visit | null = null
  let stopAt = reactor.now() + how.limit
  const end = (words: string): void => {
    const { sent, received, answers } = tap
    result ??= { end: words, negotiated: tls.negotiated(), roundTrips: answers, sent, received }
    // What close hands down leaves in the next turns, and what the server still says comes in.
    stopAt = reactor.now() + 20 * MILLISECOND
  }
  const ended = ({ code, detail }: Cause): void => end(`${code}: ${detail}`)
  const events: DeviceEvents = {
    sessionReady: () => end('ready'),
    transmitted() {},
    acknowledged() {},
    gaveUp() {},
    unblocked() {},
    ended,
  }
  const session = how.session === 'mqtt' ? mqttSession(events) : new Silent(ended)
  tls.above = session
  session.below = tls
  tls.below = tap
  tap.above = tls
  const owner: Timer = {
    timerSlot: -1,
    deadline: () => Math.min(stopAt, tls.deadline()),
    expire(now) {
      if (now < stopAt) return tls.expire(now)
      if (result === null) end(how.session === 'none' ? 'ready' : 'timeout: nothing happened')
      tls.close(now)
      reactor.stop()
    },
  }
  reactor.connectStream({ remote, owner, traffic: new Traffic() }, tap)
  reactor.arm(owner)
  reactor.run()
  return result ?? { end: 'nothing', negotiated: {}, roundTrips: 0, sent: 0, received: 0 }
}
