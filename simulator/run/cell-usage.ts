/** What the processes of a cell used, read at four instants: before the ramp, when all are connected, at t0 and at t1. */
import type { Usage, UsageDifference } from '../measure/usage.ts'
import { sampleUsage, usageBetween } from '../measure/usage.ts'
import type { Idle } from './cell.ts'
import type { Parties } from './parties.ts'
import type { Costs } from './cell-reports.ts'

export interface Samples {
  readonly before: Usage
  readonly connected: Usage
  readonly start: Usage
  readonly end: Usage
}

/** Takes a sample of all parties and of this process, which is the runner. */
export const sampleParties = (parties: Parties, before?: Usage): Usage => {
  const { link, broker, consumer, fleet } = parties
  const servers = [...(broker?.pids() ?? []), ...frontEndPids(parties)]
  return sampleUsage([link.pid, consumer.pid, fleet.pid, ...servers, process.pid], before)
}

type Use = 'cpu' | 'wait' | 'residentGrowth'

/** The sum over processes; null where there are none. */
export const useOf = (
  difference: UsageDifference,
  pids: readonly number[],
  use: Use,
): number | null =>
  pids.length === 0
    ? null
    : pids.reduce((sum, pid) => sum + (difference.processes.get(pid)?.[use] ?? 0), 0)

/** The server: the broker, or the consumer where it is the server. */
export const serverPids = ({ broker, consumer, product }: Parties): readonly number[] =>
  product.consumer === 'is-server' ? [consumer.pid] : (broker?.pids() ?? [])

export const frontEndPids = ({ frontEnd }: Parties): readonly number[] => frontEnd?.pids() ?? []

export const costsOf = (samples: Samples, parties: Parties, idle: Idle): Costs => {
  const window = usageBetween(samples.start, samples.end)
  const ramp = usageBetween(samples.before, samples.connected)
  const memory = usageBetween(samples.before, samples.start)
  const server = serverPids(parties)
  const front = frontEndPids(parties)
  const consumer = parties.product.consumer === 'subscribes' ? [parties.consumer.pid] : []
  const fleet = [parties.fleet.pid]
  return {
    cpu: {
      broker: useOf(window, server, 'cpu'),
      front_end: useOf(window, front, 'cpu'),
      consumer: useOf(window, consumer, 'cpu'),
      fleet: useOf(window, fleet, 'cpu'),
      link: useOf(window, [parties.link.pid], 'cpu'),
      total: Math.max(0, window.machine.busy - idle.busy * window.elapsed),
    },
    connectCpu: {
      broker: useOf(ramp, server, 'cpu'),
      front_end: useOf(ramp, front, 'cpu'),
      fleet: useOf(ramp, fleet, 'cpu'),
    },
    memory: {
      broker: useOf(memory, server, 'residentGrowth'),
      front_end: useOf(memory, front, 'residentGrowth'),
      fleet: useOf(memory, fleet, 'residentGrowth'),
      kernel: memory.kernelMemoryGrowth,
    },
  }
}

/** Share of each processor that was busy in the measured window. */
export const busyShares = ({ start, end }: Samples): number[] => {
  const { processors, elapsed } = usageBetween(start, end)
  return processors.map(({ busy }) => busy / elapsed)
}

/** Busy time of the whole machine so far, and when it was read. */
export const machineBusy = (): { readonly busy: number; readonly at: number } => {
  const { machine, at } = sampleUsage([])
  return { busy: machine.busy, at }
}
