/**
 * How somebody who is not root comes to network namespaces and TUN devices: in a user namespace, where he is root
 * (user_namespaces(7)). Machines forbid that in different ways; which of them it is, is told from facts.
 */

/** What to put before a command so that it runs as root of new user and network namespaces. `unshare` is util-linux's program. */
export const userNamespaceCommand = (unshare: string): readonly string[] => [
  unshare,
  '--user',
  '--map-root-user',
  // The link leaves its thread in the namespace in which it began; it may return only to one that it owns.
  '--net',
  '--',
]

/** capabilities(7). */
const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n

/** Whether a process may make network namespaces and TUN devices, from its /proc/PID/status. */
export const mayMakeLinks = (status: string): boolean => {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  return [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((bit) => ((effective >> bit) & 1n) === 1n)
}

/** Settings that forbid namespaces to ordinary users, by their path below /proc/sys. */
export const NAMESPACE_SETTINGS = [
  'user/max_user_namespaces',
  'user/max_net_namespaces',
  'kernel/unprivileged_userns_clone',
  'kernel/apparmor_restrict_unprivileged_userns',
] as const

export interface NamespaceFacts {
  /** The program unshare of util-linux is installed. */
  readonly unshare: boolean
  /** What the attempt to make a link in a user namespace said; empty when none could be made. */
  readonly said: string
  /** The attempt came so far that it had its namespaces. */
  readonly entered: boolean
  readonly settings: Readonly<Record<(typeof NAMESPACE_SETTINGS)[number], string | null>>
  /** /dev/net/tun, as this user meets it. */
  readonly tun: 'open' | 'missing' | 'forbidden'
}

export interface Obstacle {
  readonly what: string
  /** What to type, as root; or else what to do. */
  readonly remedy: string
}

/** [setting, values that forbid, what it means, what to type] */
const FORBIDDING: readonly (readonly [keyof NamespaceFacts['settings'], string, string, string])[] =
  [
    [
      'user/max_user_namespaces',
      '0',
      'this machine allows no user namespaces',
      'sudo sysctl -w user.max_user_namespaces=10000',
    ],
    [
      'user/max_net_namespaces',
      '0',
      'this machine allows no network namespaces',
      'sudo sysctl -w user.max_net_namespaces=10000',
    ],
    [
      'kernel/unprivileged_userns_clone',
      '0',
      'only root may make user namespaces',
      'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    ],
    [
      'kernel/apparmor_restrict_unprivileged_userns',
      '1',
      'AppArmor leaves no rights in user namespaces',
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
  ]

const UNSHARE: Obstacle = {
  what: 'the program unshare, which makes user namespaces, is missing',
  remedy: 'sudo apt-get install -y --no-install-recommends util-linux',
}

const TUN: Readonly<Record<'missing' | 'forbidden', Obstacle>> = {
  missing: {
    what: '/dev/net/tun is missing',
    remedy:
      'sudo modprobe tun, and where that is not enough: sudo mkdir -p /dev/net && sudo mknod -m 666 /dev/net/tun c 10 200; a container is given it with --device /dev/net/tun',
  },
  forbidden: {
    what: 'this user may not open /dev/net/tun',
    remedy: 'sudo chmod 666 /dev/net/tun',
  },
}

/** What keeps a user namespace with a TUN device from this user, each with its remedy. Call it after an attempt that failed. */
export const obstacles = (facts: NamespaceFacts): readonly Obstacle[] => {
  const { entered, tun, said } = facts
  const found = entered ? [] : namespaceObstacles(facts)
  if (tun !== 'open') found.push(TUN[tun])
  if (found.length > 0) return found
  // A node without the module behind it.
  return [entered ? { what: said, remedy: TUN.missing.remedy } : unknown(said)]
}

const namespaceObstacles = ({ unshare, settings }: NamespaceFacts): Obstacle[] => {
  const found = FORBIDDING.filter(([setting, value]) => settings[setting] === value).map(
    ([setting, value, what, remedy]) => ({
      what: `${what} (${setting.replaceAll('/', '.')} = ${value})`,
      remedy,
    }),
  )
  if (!unshare) found.unshift(UNSHARE)
  return found
}

const unknown = (said: string): Obstacle => ({
  what: said,
  remedy:
    'sudo ./thingbench ...; a container, whose filter of system calls may forbid it, is started with --privileged',
})
