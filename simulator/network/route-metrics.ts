/**
 * What routes say of TCP (ip-route(8)): the same for every connection over them, the server's own sockets too, whatever
 * program opened them.
 */
import { MILLISECOND } from '../core/clock.ts'
import type { TcpOptions } from '../core/types.ts'

/** What to append to a route so that connections over it take the algorithm. */
export const congestionMetric = ({ congestion }: TcpOptions): string => ` congctl ${congestion}`

/** What to append to a route over the link: initial window and floor of the retransmission timeout, where asked for. */
export const linkMetrics = ({ initialWindow, rtoMin }: TcpOptions): string => {
  const window = initialWindow === null ? '' : ` initcwnd ${initialWindow}`
  // Routes hold whole milliseconds; 0 would mean none.
  const floor = rtoMin === null ? '' : ` rto_min ${Math.max(1, Math.round(rtoMin / MILLISECOND))}ms`
  return window + floor
}

const KEPT = ['congctl', 'initcwnd', 'rto_min']

/** The metrics of the first route in what `ip route show` says, as `route.NAME`. */
export const metricsOf = (shown: string): Record<string, string> => {
  const words = (shown.split('\n')[0] ?? '').split(' ').filter((word) => word !== 'lock')
  const found: Record<string, string> = {}
  for (const name of KEPT) {
    const at = words.indexOf(name)
    if (at >= 0) found[`route.${name}`] = words[at + 1] ?? ''
  }
  return found
}
