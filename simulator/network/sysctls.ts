import { readFileSync, writeFileSync } from 'node:fs'
import { ThingbenchError } from '../core/errors.ts'
import type { TcpOptions } from '../core/types.ts'

/** What is set in both namespaces, so that a machine's own defaults (a small backlog) do not enter a comparison. */
const PINNED: Readonly<Record<string, string>> = {
  // Nothing but the experiment's own packets may cross the link: no router solicitations, no duplicate address detection.
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/tcp_no_metrics_save': '1',
  'net/ipv4/tcp_max_syn_backlog': '4096',
  'net/core/somaxconn': '4096',
  // From 10 000 on: below are the ports that servers listen on.
  'net/ipv4/ip_local_port_range': '10000 65535',
}

const AVAILABLE = 'net/ipv4/tcp_available_congestion_control'

/** What is recorded, as far as this kernel has it. */
const RECORDED = [
  'net/ipv4/tcp_congestion_control',
  'net/ipv4/tcp_no_metrics_save',
  'net/ipv4/tcp_max_syn_backlog',
  'net/core/somaxconn',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/tcp_slow_start_after_idle',
  'net/ipv4/tcp_timestamps',
  'net/ipv4/tcp_sack',
  'net/ipv4/tcp_window_scaling',
  'net/ipv4/tcp_ecn',
  'net/ipv4/tcp_syncookies',
  'net/ipv4/tcp_fastopen',
  'net/ipv4/tcp_autocorking',
  'net/ipv4/tcp_retries2',
  'net/ipv4/tcp_rto_min_us',
  'net/ipv4/tcp_rmem',
  'net/ipv4/tcp_wmem',
]

const read = (name: string): string | null => {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim().replaceAll('\t', ' ')
  } catch {
    return null
  }
}

const set = (name: string, value: string): boolean => {
  try {
    writeFileSync(`/proc/sys/${name}`, value)
  } catch {
    // A read-only /proc/sys, or a namespace that may not: fine where the value is already the one that is wanted.
  }
  return read(name) === value
}

/**
 * Pins the settings of the network namespace that the calling thread is in. Returns the names (with dots, as sysctl
 * prints them) of those that this kernel has and refused to change: they are recorded with what they are, because a run
 * that says so is worth more than none.
 */
export const pinSysctls = ({ timestamps }: TcpOptions): string[] =>
  Object.entries({ ...PINNED, 'net/ipv4/tcp_timestamps': timestamps ? '1' : '0' })
    .filter(([name, value]) => read(name) !== null && !set(name, value))
    .map(([name]) => name.replaceAll('/', '.'))

/**
 * Makes an algorithm the namespace's default. False where the kernel refuses: outside the first namespace it allows only
 * algorithms that are open to every user (tcp_allowed_congestion_control), and that is not always cubic. Routes can
 * name the algorithm instead. Throws TB_TCP_CONGESTION when the kernel has no such algorithm.
 */
export const pinCongestion = (algorithm: TcpOptions['congestion']): boolean => {
  // Asked for first, because a module is loaded by asking.
  if (set('net/ipv4/tcp_congestion_control', algorithm)) return true
  const available = read(AVAILABLE)
  if (available === null || available.split(' ').includes(algorithm)) return false
  throw new ThingbenchError('TB_TCP_CONGESTION', {
    algorithm,
    available: available.replaceAll(' ', ', '),
  })
}

/** What the namespace's TCP works with, for the record. */
export const recordSysctls = (): Record<string, string> => {
  const found: Record<string, string> = {}
  for (const name of RECORDED) {
    const value = read(name)
    if (value !== null) found[name.replaceAll('/', '.')] = value
  }
  return found
}
