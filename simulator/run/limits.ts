/**
 * Whether a run fits this machine, known before its first cell: open files, memory, addresses, listen backlog and disk. What each
 * session takes was measured with 600 devices, QUIC with 2 000 (memory.*_kib_per_session: servers, fleet and kernel together), and rounded up.
 */
import { SECOND } from '../core/clock.ts'
import type { Cell, Phases, Scenario } from '../core/types.ts'
import { messageInterval } from '../core/workload.ts'
import { bulkPlanOf } from '../fleet/schedule-bulk.ts'
import { ADDRESSES, DEVICE_NETWORK } from '../network/link-protocol.ts'
import { expand } from '../scenario/expand.ts'
import { CONNECTS_IN_FLIGHT, probesFor } from './parties.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** What this machine has. */
export interface Machine {
  /** Files that a process may have open. */
  readonly openFiles: number
  /** Bytes that can still be used. */
  readonly memory: number
  /** Whose memory it is. */
  readonly memoryOf: 'the machine' | 'the control group'
  /** Bytes that are free on the disk of the results. */
  readonly disk: number
  /** Connections that the kernel keeps for a server until it accepts them, in the server's namespace; null: not known. */
  readonly backlog: number | null
}

/** One thing that a run needs, where it needs most of it. */
export interface Need {
  readonly needed: number
  readonly available: number
  /** A sentence without its full stop. */
  readonly text: string
  /** What to do for more of it; a command where there is one. */
  readonly remedy: string
}

/** Descriptors of a process beside those of its connections. */
const OWN_FILES = 64
/** Runner, link, fleet, consumer and server without any device: 320 MiB were measured. */
const BASE_MEMORY = 400 * MIB
/** KiB for each device, by protocol and security. */
const SESSION_KIB: Readonly<Record<string, number>> = {
  'mqtt none': 40,
  'mqtt tls': 80,
  'mqtt quic': 200,
  'coap none': 45,
  'coap dtls-psk': 180,
  'xmpp none': 90,
  'xmpp tls': 145,
}
/** What WebSocket adds, at both ends: 10 without TLS and 15 with it were measured. */
const WEBSOCKET_KIB = 16
/** What the QUIC of OpenSSL takes more than quiche, on the devices' side: 79 was measured. */
const OPENSSL_QUIC_KIB = 80
const LARGEST_SESSION_KIB = Math.max(...Object.values(SESSION_KIB))
/** A message is logged by the link in about five packets of 21 bytes, and stands in two ledgers and their reports. */
const MESSAGE_BYTES = 125
/** A large message is put together by the server, and by a front end before it in a buffer that doubles; the devices share theirs. */
const LARGE_COPIES = 4
/** That of mosquitto, which is built in, is the shortest of all servers. */
const SHORTEST_BACKLOG = 100
/** Charts, page and summary; 2.5 MiB were measured. */
const REPORT_DISK = 6 * MIB
/** Of one attempt at a cell, rows included; 80 KiB were measured. A cell may take two. */
const ATTEMPT_DISK = 128 * KIB
/** A line of intervals.csv. */
const SECOND_DISK = 64

/** From this share of a limit on it is called close. */
const CLOSE = 0.8

export interface Fit {
  /** What is missing most; null: the run fits. */
  readonly binding: Need | null
  /** What would soon be missing. */
  readonly close: readonly Need[]
}

/** Compares what the scenario needs with what the machine has. */
export const fitOf = (scenario: Scenario, machine: Machine): Fit => {
  const cells = expand(scenario)
  const { phases } = scenario
  const needs = [
    most(cells, (cell) => filesOf(cell, machine)),
    most(cells, (cell) => memoryOf(cell, phases, machine)),
    most(cells, addressesOf),
    ...backlogOf(machine),
    diskOf(cells, phases, machine),
  ]
  const share = ({ needed, available }: Need): number => needed / available
  const [first] = needs.toSorted((a, b) => share(b) - share(a))
  return {
    binding: first !== undefined && share(first) > 1 ? first : null,
    close: needs.filter((need) => share(need) > CLOSE && share(need) <= 1),
  }
}

/** How many files must be open in one process for the largest cell. */
export const openFilesFor = (scenario: Scenario): number =>
  Math.max(...expand(scenario).map(openFilesOf))

const openFilesOf = (cell: Cell): number =>
  cell.devices * connectionsOf(cell) + probesFor(cell.devices) + OWN_FILES

/** Of a device. */
const connectionsOf = ({ workload, stack }: Cell): number =>
  bulkPlanOf(workload, stack)?.second ? 2 : 1

/** How many devices may have a descriptor in one process, their probes too. */
export const devicesInFiles = (openFiles: number): number =>
  Math.max(0, Math.floor((openFiles - OWN_FILES - 1) / 1.01))

/** How many devices have room in so many bytes, with the stack that takes most when it is asked for no more than its name, before they send. */
export const devicesInMemory = (memory: number): number =>
  Math.max(0, Math.floor((memory - BASE_MEMORY) / (LARGEST_SESSION_KIB * KIB)))

/** The need of the cell that needs most. */
const most = (cells: readonly Cell[], needOf: (cell: Cell) => Need): Need =>
  cells.map(needOf).reduce((a, b) => (b.needed > a.needed ? b : a))

const number = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/gu, ' ')
const mib = (bytes: number): string => `${number(Math.ceil(bytes / MIB))} MiB`
const upTo = (devices: number): string => `; up to ${number(Math.max(0, devices))} devices fit`

const filesOf = (cell: Cell, { openFiles }: Machine): Need => {
  const { id } = cell
  const needed = openFilesOf(cell)
  return {
    needed,
    available: openFiles,
    text: `${id} needs ${number(needed)} open files in one process, and ${number(openFiles)} are allowed${upTo(Math.floor(devicesInFiles(openFiles) / connectionsOf(cell)))}`,
    remedy: `To allow more in this shell, type: sudo prlimit --pid $$ --nofile=${needed}:${needed} (in a container: docker run --ulimit nofile=${needed}:${needed})`,
  }
}

const memoryOf = (cell: Cell, phases: Phases, { memory, memoryOf: whose }: Machine): Need => {
  const { id, devices, stack, workload } = cell
  const plain = SESSION_KIB[`${stack.protocol} ${stack.security}`] ?? LARGEST_SESSION_KIB
  const framing = stack.framing === 'websocket' ? WEBSOCKET_KIB : 0
  const engine = stack.quic?.engine === 'openssl' ? OPENSSL_QUIC_KIB : 0
  const session = (plain + framing + engine) * KIB
  const sending = phases.warmup + phases.measure + phases.drain
  const large = (bulkPlanOf(workload, stack)?.partSize ?? 0) * LARGE_COPIES
  const messages = (sending / messageInterval(workload)) * MESSAGE_BYTES
  const device = session * connectionsOf(cell) + messages + large
  const needed = BASE_MEMORY + devices * device
  return {
    needed,
    available: memory,
    text: `${id} needs about ${mib(needed)} of memory, and ${whose} has ${mib(memory)} left${upTo(Math.floor((memory - BASE_MEMORY) / device))}`,
    remedy:
      whose === 'the machine'
        ? 'End other programs (ps aux --sort=-rss | head shows the largest), or take fewer devices or a longer interval'
        : 'Give it more (docker run --memory, systemctl set-property SLICE MemoryMax=), or take fewer devices or a longer interval',
  }
}

const addressesOf = ({ id, devices }: Cell): Need => {
  const needed = devices + probesFor(devices)
  return {
    needed,
    available: ADDRESSES,
    text: `${id} needs ${number(needed)} addresses, and ${DEVICE_NETWORK} has ${number(ADDRESSES)}`,
    remedy: 'Take fewer devices',
  }
}

const backlogOf = ({ backlog }: Machine): Need[] => {
  if (backlog === null) return []
  const available = Math.min(backlog, SHORTEST_BACKLOG)
  return [
    {
      needed: CONNECTS_IN_FLIGHT,
      available,
      text: `${CONNECTS_IN_FLIGHT} devices connect at a time, and a server keeps ${available} of them until it accepts them`,
      remedy: 'For more, type: sudo sysctl -w net.core.somaxconn=4096',
    },
  ]
}

const diskOf = (cells: readonly Cell[], phases: Phases, { disk }: Machine): Need => {
  const seconds = (phases.warmup + phases.measure + phases.drain) / SECOND
  const needed = REPORT_DISK + cells.length * (2 * ATTEMPT_DISK + seconds * SECOND_DISK)
  return {
    needed,
    available: disk,
    text: `the results take about ${mib(needed)}, and their disk has ${mib(disk)} left`,
    remedy: 'Delete results that are not needed, or name a folder on another disk with --out',
  }
}
