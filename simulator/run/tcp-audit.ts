/** TCP of a stack in the fairness audit: what the kernel said it was, and beside it what was asked for where that differs. */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { TcpFound } from '../core/tcp.ts'
import type { TcpOptions } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'

const onOff = (on: boolean): string => (on ? 'on' : 'off')
const segments = (count: number): string => (count === 1 ? '1 segment' : `${count} segments`)
const time = (ns: Nanoseconds): string => formatQuantity(ns, 'duration')
const orOff = (ns: Nanoseconds | null): string => (ns === null ? 'off' : time(ns))
const orOffBytes = (bytes: number | null): string =>
  bytes === null ? 'no limit' : formatQuantity(bytes, 'size')

/** @param asked null: nothing, the kernel's default is taken */
const words = (asked: string | null, found: string | null): string => {
  if (found === null)
    return asked === null
      ? "the kernel's default, not read back"
      : `${asked} asked for, not read back`
  if (asked === null) return `${found} (the kernel's default)`
  return asked === found ? found : `${found} (${asked} was asked for)`
}

/** As ip-route(8) writes it, `25ms` or `1.5s`; or the namespace's own, in microseconds. */
const retransmissionFloor = (settings: Readonly<Record<string, string>>): string | null => {
  const route = /^([\d.]+)(ms|s)$/.exec(settings['route.rto_min'] ?? '')
  if (route !== null) return time(Number(route[1]) * (route[2] === 's' ? SECOND : MILLISECOND))
  const own = settings['net.ipv4.tcp_rto_min_us']
  return own === undefined ? null : time(Number(own) * 1000)
}

/**
 * Property -> what it was.
 * @param found of the first device that connected; null when none did
 * @param settings of the namespaces, as they were read back
 */
export const tcpProperties = (
  asked: TcpOptions,
  found: TcpFound | null,
  settings: Readonly<Record<string, string>>,
): Record<string, string> => {
  const { initialWindow, rtoMin } = asked
  const read = <T>(value: (found: TcpFound) => T, say: (value: T) => string): string | null =>
    found === null ? null : say(value(found))
  return {
    TCP_NODELAY: words(
      onOff(asked.nodelay),
      read((f) => f.nodelay, onOff),
    ),
    'TCP congestion control': words(
      asked.congestion,
      read((f) => f.congestion, String),
    ),
    'TCP initial window': words(
      initialWindow === null ? null : segments(initialWindow),
      read((f) => f.initialWindow, segments),
    ),
    'TCP least retransmission timeout': words(
      rtoMin === null ? null : time(rtoMin),
      retransmissionFloor(settings),
    ),
    'TCP keep-alive': words(
      orOff(asked.keepalive),
      read((f) => f.keepalive, orOff),
    ),
    'TCP user timeout': words(
      orOff(asked.userTimeout),
      read((f) => f.userTimeout, orOff),
    ),
    'TCP unsent bytes at most': words(
      orOffBytes(asked.notsentLowat),
      read((f) => f.notsentLowat, orOffBytes),
    ),
    'TCP timestamps': words(
      onOff(asked.timestamps),
      read((f) => f.timestamps, onOff),
    ),
  }
}
