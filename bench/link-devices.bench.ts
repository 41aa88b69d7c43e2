/**
 * What many links cost: the time until 5 000 devices with links of their own are set up, and the memory that each takes once a
 * packet has crossed it both ways. Needs root.
 *
 *     node bench/link-devices.bench.ts
 */
import { MILLISECOND, SECOND, monotonic } from '../simulator/core/clock.ts'
import { CLEAR_DIRECTION, CLEAR_LINK, type LinkProfile } from '../simulator/core/link-profile.ts'
import { PLAIN_TCP } from '../simulator/core/tcp.ts'
import { sampleUsage } from '../simulator/measure/usage.ts'
import { raiseOpenFiles } from '../simulator/native/libc.ts'
import type { LinkConfig, LinkEvent, LinkOrder } from '../simulator/network/link-protocol.ts'
import type { Load, TrafficConfig, TrafficEvent, TrafficOrder } from '../simulator/run/calibration/traffic-protocol.ts' // prettier-ignore
import { allowedProcessors, assignProcessors } from '../simulator/run/processors.ts'
import { RoleProcess } from '../simulator/run/role-process.ts'

const ROUNDS = 3
const DEVICES = 5000
const PATIENCE_MS = 60_000
const RATE = 2000

const direction = {
  ...CLEAR_DIRECTION,
  delay: 20 * MILLISECOND,
  jitter: 2 * MILLISECOND,
  loss: { kind: 'time', ratio: 0.01, burst: 50 * MILLISECOND },
  rate: 1e6,
  queue: { limit: 100, unit: 'packets' },
} as const
const profile: LinkProfile = { ...CLEAR_LINK, name: 'full', up: direction, down: direction }
const processors = assignProcessors(allowedProcessors())
const never = new AbortController().signal

interface Sample {
  readonly seconds: number
  /** Resident bytes of the link process, with the same traffic whatever the number of devices. */
  readonly resident: number
}

const sample = async (devices: number): Promise<Sample> => {
  const began = monotonic()
  const config: LinkConfig = { devices, probes: 1, profile, timeline: [], tcp: PLAIN_TCP, seed: 1, canary: 'canary', cpu: processors.link } // prettier-ignore
  await using link = new RoleProcess<LinkOrder, LinkEvent>('link', '../network/link-process.ts', config) // prettier-ignore
  const { devicesNamespace, serverNamespace } = await link.expect('ready', PATIENCE_MS, never)
  const seconds = (monotonic() - began) / SECOND
  const ends: TrafficConfig = { devicesNamespace, serverNamespace, devices, cpu: processors.server, spins: false } // prettier-ignore
  await using traffic = new RoleProcess<TrafficOrder, TrafficEvent>('traffic', './roles/traffic-process.ts', ends) // prettier-ignore
  await traffic.expect('ready', PATIENCE_MS, never)
  const load: Load = { direction: 'both', count: 4 * DEVICES, rate: RATE, size: 100, devices, settle: SECOND } // prettier-ignore
  traffic.order({ order: 'load', load })
  await traffic.expect('loaded', PATIENCE_MS, never)
  const resident = sampleUsage([link.pid]).processes.get(link.pid)?.resident ?? NaN
  return { seconds, resident }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number

raiseOpenFiles(DEVICES + 100)
const many: Sample[] = []
const one: Sample[] = []
for (let round = 0; round < ROUNDS; round++) {
  many.push(await sample(DEVICES))
  one.push(await sample(1))
}
const bytes = median(many.map(({ resident }, i) => resident - (one[i]?.resident ?? NaN))) / (DEVICES - 1) // prettier-ignore
console.log(`${DEVICES} devices, full profile. Median of ${ROUNDS}.`)
console.log(`${median(many.map(({ seconds }) => seconds)).toFixed(2)} s until the link is set up`)
console.log(`${(bytes / 1024).toFixed(2)} KiB per link`)
