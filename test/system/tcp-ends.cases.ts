/** A link whose ends speak TCP as a stack asks for it, and connections over it as a fleet makes them. */
import { NEVER, type Nanoseconds } from '../../simulator/core/clock.ts'
import { Traffic, type Cause, type Lower, type Upper } from '../../simulator/core/layer.ts'
import type { DirectionProfile } from '../../simulator/core/link-profile.ts'
import { PLAIN_TCP, type TcpRecord } from '../../simulator/core/tcp.ts'
import type { TcpOptions } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { StreamOptions, Timer } from '../../simulator/io/reactor.ts'
import { SERVER_ADDRESS, deviceAddress } from '../../simulator/network/link-protocol.ts'
import { Link, PORT, config, inside, shape } from './link-ends.cases.ts'

export const linkWith = (
  tcp: Partial<TcpOptions>,
  up: Partial<DirectionProfile>,
  down = up,
): Promise<Link> => Link.start({ ...config(shape(up), shape(down)), tcp: { ...PLAIN_TCP, ...tcp } })

/** One end that does as a test says. */
export class End implements Upper, Timer {
  timerSlot = -1
  openedAt: Nanoseconds = NaN
  declare below: Lower
  cause: Cause | null = null
  at: Nanoseconds = NEVER
  onOpen: (now: Nanoseconds) => void = () => {}
  onBytes: (length: number, now: Nanoseconds) => void = () => {}
  onTime: (now: Nanoseconds) => void = () => {}
  onClosed: (now: Nanoseconds) => void = () => {}
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.onOpen(now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.onBytes(bytes.length, now)
  }
  ready(): void {}
  closed(cause: Cause, now: Nanoseconds): void {
    this.cause = cause
    this.onClosed(now)
  }
  deadline(): Nanoseconds {
    return this.at
  }
  expire(now: Nanoseconds): void {
    this.at = NEVER
    this.onTime(now)
  }
}

/** Connects over the link as a fleet does, and runs until a test stops the reactor. */
export const connectAndRun = (
  link: Link,
  tcp: Partial<StreamOptions>,
  prepare: (device: End, server: End, reactor: EpollReactor) => void,
): TcpRecord => {
  using reactor = new EpollReactor()
  const [above, below] = [new End(), new End()]
  const remote = { host: SERVER_ADDRESS, port: PORT }
  const record: TcpRecord = { found: null }
  inside(link.ready.serverNamespace, () =>
    reactor.listenStream(remote, new Traffic(), () => ({ above: below, owner: below })),
  )
  prepare(above, below, reactor)
  const local = { host: deviceAddress(0), port: 0 }
  const options = { ...tcp, local, remote, owner: above, traffic: new Traffic(), record }
  inside(link.ready.devicesNamespace, () => reactor.connectStream(options, above))
  reactor.run()
  return record
}
