import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync } from 'node:fs'
import { ThingbenchError } from '../core/errors.ts'
import type { TcpOptions } from '../core/types.ts'
import { NativeMemory, errno, errnoName, libc, systemCall } from '../native/libc.ts'
import { CLONE_NEWNET, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR } from '../native/linux.ts'
import { REMEDIES } from './host.ts'
import { DEVICE_NETWORK, EXTERNAL_NETWORK, SERVER_ADDRESS } from './link-protocol.ts'
import { pinCongestion, pinSysctls, recordSysctls } from './sysctls.ts'
import { congestionMetric, linkMetrics, metricsOf } from './route-metrics.ts'

const TUN = '/dev/net/tun'
/** The name of the TUN device in both namespaces. */
const DEVICE = 'link0'
/** linux/if_tun.h. struct ifreq is 40 bytes: the name in 16, then the flags. */
const TUNSETIFF = 0x400454ca
const IFF_TUN = 0x0001
const IFF_NO_PI = 0x1000
const IFREQ_SIZE = 40
const IFREQ_FLAGS = 16
/** Packets that may wait in the kernel for the link process to read them. */
const TX_QUEUE = 10_000

/** One end of the link: a network namespace without a name, which lives as long as its descriptor or someone inside. */
export interface LinkEnd {
  /** Descriptor of the namespace: others enter it through /proc/PID/fd. */
  readonly namespace: number
  readonly tun: number
  readonly sysctls: Readonly<Record<string, string>>
  /** Packets that the TUN device dropped, either way, since it was made. */
  drops(): number
}

/** The devices' end: every address of the device network is local (AnyIP), without one entry per device. */
const DEVICES_ROUTES = [
  `route add local ${DEVICE_NETWORK} dev lo`,
  `route add ${SERVER_ADDRESS} dev ${DEVICE}`,
]
/** The last is for the consumer, which speaks with the server inside the namespace. */
const SERVER_ROUTES = [
  `addr add ${SERVER_ADDRESS}/32 dev ${DEVICE}`,
  `route add ${DEVICE_NETWORK} dev ${DEVICE}`,
  `route add ${EXTERNAL_NETWORK} dev ${DEVICE}`,
  `route replace local ${SERVER_ADDRESS} dev lo table local`,
]

/**
 * Makes both ends, and leaves the calling thread in the namespace where it was. Throws TB_LINK_PRIVILEGE, TB_LINK_TUN,
 * TB_LINK_SETUP or TB_TCP_CONGESTION; the thread is then wherever it came to.
 * @param serverNamespace file of a network namespace that is to become the server's; null: a new one
 */
export const makeEnds = (
  mtu: number,
  tcp: TcpOptions,
  serverNamespace: string | null = null,
): { devices: LinkEnd; server: LinkEnd } => {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  const ends = {
    devices: makeEnd(mtu, tcp, DEVICES_ROUTES, null),
    server: makeEnd(mtu, tcp, SERVER_ROUTES, serverNamespace),
  }
  systemCall('setns back to the first network namespace', libc().setns(home, CLONE_NEWNET))
  closeSync(home)
  return ends
}

/** Moves the calling thread into a namespace, a new one for null, and sets that up. */
const makeEnd = (
  mtu: number,
  tcp: TcpOptions,
  routes: readonly string[],
  existing: string | null,
): LinkEnd => {
  if (existing !== null) enter(existing)
  else if (libc().unshare(CLONE_NEWNET) < 0)
    throw failure('TB_LINK_PRIVILEGE', 'make a network namespace', errno())
  const namespace = openSync('/proc/thread-self/ns/net', 'r')
  const unpinned = pinSysctls(tcp)
  const byRoute = pinCongestion(tcp.congestion) ? '' : congestionMetric(tcp)
  // Only what crosses the link: the consumer's connection inside the server's namespace keeps the kernel's defaults.
  const metrics = (line: string): string =>
    line.endsWith(`dev ${DEVICE}`) ? byRoute + linkMetrics(tcp) : byRoute
  const tun = openTun()
  const shown = configure([
    'link set lo up',
    // Brought up with a queue length of 0, a device has no queueing discipline: one place less to drop packets unseen.
    `link set ${DEVICE} mtu ${mtu} txqueuelen 0 multicast off up`,
    `link set ${DEVICE} txqueuelen ${TX_QUEUE}`,
    ...routes.map((line) => (line.startsWith('route') ? line + metrics(line) : line)),
    `route show dev ${DEVICE}`,
  ])
  // Opened inside, it shows this namespace's devices wherever the thread is later.
  const counters = openSync('/proc/thread-self/net/dev', 'r')
  const sysctls = { ...recordSysctls(), ...metricsOf(shown) }
  if (unpinned.length > 0) sysctls.unpinned = unpinned.join(', ')
  return { namespace, tun, sysctls, drops: () => readDrops(counters) }
}

/** The namespace of a container is not younger than the container: it is there before the link is. */
const enter = (namespace: string): void => {
  const fd = libc().open(namespace, O_RDONLY | O_CLOEXEC, 0)
  const entered = fd >= 0 && libc().setns(fd, CLONE_NEWNET) === 0
  const code = errno()
  if (fd >= 0) closeSync(fd)
  if (!entered) throw failure('TB_LINK_PRIVILEGE', `enter the network namespace ${namespace}`, code)
}

const openTun = (): number => {
  const fd = libc().open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0)
  if (fd < 0) throw failure('TB_LINK_TUN', `open ${TUN}`, errno())
  const request = new NativeMemory(IFREQ_SIZE)
  new TextEncoder().encodeInto(DEVICE, request.bytes)
  request.view.setUint16(IFREQ_FLAGS, IFF_TUN | IFF_NO_PI, true)
  if (libc().ioctl(fd, TUNSETIFF, request.address) < 0) {
    throw failure('TB_LINK_PRIVILEGE', 'make a TUN device', errno())
  }
  return fd
}

const failure = (
  which: 'TB_LINK_PRIVILEGE' | 'TB_LINK_TUN',
  call: string,
  code: number,
): ThingbenchError =>
  new ThingbenchError(which, { call, errno: errnoName(code), remedy: REMEDIES[which] })

const setupFailed = (command: string, said: string): ThingbenchError =>
  new ThingbenchError('TB_LINK_SETUP', { command, said, remedy: REMEDIES.TB_LINK_SETUP })

/** Runs the lines in the namespace of the calling thread, which a child process starts in. Returns what they show. */
const configure = (lines: readonly string[]): string => {
  const input = `${lines.join('\n')}\n`
  const ip = spawnSync('ip', ['-batch', '-'], { input, encoding: 'utf8' })
  if (ip.status === 0) return ip.stdout
  throw setupFailed('ip -batch -', ip.error?.message ?? ip.stderr.trim())
}

/** Columns of /proc/net/dev behind the name: receive bytes, packets, errs, drop (3), ... and transmit's from the ninth on. */
const RX_DROPPED = 3
const TX_DROPPED = 11

const readDrops = (fd: number): number => {
  const buffer = Buffer.alloc(4096)
  const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))
  const line = text.split('\n').find((line) => line.trimStart().startsWith(`${DEVICE}:`)) ?? ''
  const columns = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
  return Number(columns[RX_DROPPED]) + Number(columns[TX_DROPPED])
}
