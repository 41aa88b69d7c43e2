/** What this machine can run, what is missing, and the exact command that adds it. */
import { constants, accessSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { BrokerProduct } from '../brokers/broker.ts'
import { BROKERS } from '../brokers/catalogue.ts'
import { readServices } from '../brokers/runtimes/container/services.ts'
import { inRange } from '../brokers/versions.ts'
import { quiche, QUICHE_VERSION } from '../native/quiche.ts'
import { probeTun } from '../network/host.ts'
import { calibrationFile, machineIdentity, readCalibration } from './calibration/store.ts'
import { wrongNode } from './environment.ts'
import { containerEngine } from './engine-finding.ts'
import { devicesInFiles, devicesInMemory } from './limits.ts'
import { describeMachine } from './machine.ts'
import { allowedProcessors } from './processors.ts'
import { isPrivileged, tryUserNamespace } from './rootless.ts'

export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'missing' | 'note'
  readonly detail: string
  /** The command or step that mends it; null when there is nothing to mend. */
  readonly remedy: string | null
}

const NEEDED: readonly (readonly [string, string])[] = [
  ['ip', 'iproute2'],
  ['nsenter', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['taskset', 'util-linux'],
  ['prlimit', 'util-linux'],
]
/** So many devices are nothing unusual. */
const COMMON_SIZE = 2000
/** Server, fleet, link and consumer. */
const PROCESSORS_OF_A_CELL = 4

const onPath = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some(
    (folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    },
  )

const install = (debianPackage: string): string =>
  `apt-get install -y --no-install-recommends ${debianPackage}`

const node = (): Finding => {
  const wrong = wrongNode()
  const what = 'Node'
  if (wrong === null)
    return {
      what,
      state: 'ok',
      detail: `${process.versions.node}, OpenSSL ${process.versions.openssl}`,
      remedy: null,
    }
  return {
    what,
    state: 'missing',
    detail: `${wrong.found} instead of ${wrong.pinned}`,
    remedy: 'start through ./thingbench',
  }
}

const tools = (): Finding[] =>
  NEEDED.map(([program, debianPackage]) =>
    onPath(program)
      ? { what: program, state: 'ok', detail: 'found', remedy: null }
      : { what: program, state: 'missing', detail: 'not on PATH', remedy: install(debianPackage) },
  )

const LINK = 'link (network namespaces and TUN)'

const link = async (): Promise<Finding[]> => {
  if (!isPrivileged()) return linkInUserNamespace()
  const tun = await probeTun()
  return tun.ok
    ? [linkWorks('a TUN device in a network namespace works')]
    : [{ what: LINK, state: 'missing', detail: tun.reason, remedy: tun.remedy }]
}

const linkInUserNamespace = async (): Promise<Finding[]> => {
  const { link: tun, obstacles } = await tryUserNamespace()
  if (tun?.ok)
    return [linkWorks('a TUN device in a user namespace works'), ...priority(tun.sysctls)]
  return obstacles.map(({ what, remedy }) => ({
    what: LINK,
    state: 'missing',
    detail: `without root: ${what}`,
    remedy,
  }))
}

const linkWorks = (detail: string): Finding => ({ what: LINK, state: 'ok', detail, remedy: null })

/** A link that shares its processor waits for it, unless it goes before the others; root may let it. */
const priority = (sysctls: Readonly<Record<string, string>>): Finding[] => {
  const scheduling = sysctls['link.scheduling'] ?? ''
  const processors = allowedProcessors().length
  if (scheduling.startsWith('SCHED_FIFO') || processors >= PROCESSORS_OF_A_CELL) return []
  return [
    {
      what: 'priority of the link',
      state: 'note',
      detail: `ordinary (${scheduling}), and it shares a processor with the devices: more cells will be censored`,
      remedy:
        'echo "$USER - rtprio 1" | sudo tee /etc/security/limits.d/thingbench.conf, and log in again',
    },
  ]
}

const brokers = (): Promise<Finding[]> => Promise.all(BROKERS.map(broker))

const broker = async (product: BrokerProduct): Promise<Finding> => {
  const { name: what, program, debianPackage } = product
  const remedy = debianPackage === null ? null : install(debianPackage)
  const version = await product.version()
  if (program === null)
    return { what, state: 'ok', detail: `${version}, part of thingbench`, remedy: null }
  if (version === null && debianPackage === null) return imageOnly(what)
  if (version === null)
    return { what, state: 'missing', detail: `${program} is not installed`, remedy }
  const { versions } = product
  if (versions === null || inRange(version, versions))
    return { what, state: 'ok', detail: version, remedy: null }
  const known = `from ${versions.from} on and below ${versions.below}`
  return {
    what,
    state: 'missing',
    detail: `${version}, but only versions ${known} are known`,
    remedy,
  }
}

/** Whether the image is here, the run sees. */
const imageOnly = (what: string): Finding => {
  const service = readServices().find(({ name }) => name === what)
  const other = service?.variable ? `; ${service.variable} names another one` : ''
  return {
    what,
    state: 'note',
    detail: `in a container alone, from ${service?.image}, which a run fetches${other}`,
    remedy: null,
  }
}

/** Only stacks on QUIC need it. */
const quicLibrary = (): Finding => {
  const what = 'QUIC'
  try {
    quiche()
    return { what, state: 'ok', detail: QUICHE_VERSION, remedy: null }
  } catch (error) {
    return { what, state: 'note', detail: (error as Error).message, remedy: 'npm ci' }
  }
}

const limits = async (): Promise<Finding[]> => {
  const { openFiles, memory } = await describeMachine(COMMON_SIZE, process.cwd(), undefined)
  const enough = openFiles >= COMMON_SIZE
  const processors = allowedProcessors().length
  return [
    {
      what: 'open files',
      state: enough ? 'ok' : 'note',
      detail: `${openFiles} in a process: enough for ${devicesInFiles(openFiles)} devices`,
      remedy: enough ? null : `sudo prlimit --pid $$ --nofile=${COMMON_SIZE}:${COMMON_SIZE}`,
    },
    {
      what: 'memory',
      state: devicesInMemory(memory) >= COMMON_SIZE ? 'ok' : 'note',
      detail: `${Math.floor(memory / 2 ** 20)} MiB left: enough for about ${devicesInMemory(memory)} devices of the largest stack`,
      remedy: null,
    },
    processors >= 2
      ? { what: 'processors', state: 'ok', detail: String(processors), remedy: null }
      : {
          what: 'processors',
          state: 'note',
          detail:
            'one: the server shares it with the devices, so CPU and latency disturb each other',
          remedy: null,
        },
  ]
}

const calibration = (): Finding => {
  const what = 'calibration'
  const stored = readCalibration(calibrationFile(), machineIdentity())
  return stored === null
    ? {
        what,
        state: 'note',
        detail: 'none of this machine, kernel and release',
        remedy: 'thingbench calibrate',
      }
    : {
        what,
        state: 'ok',
        detail: `the link is trusted up to ${stored.trusted} packets/s (${stored.made})`,
        remedy: null,
      }
}

/** Everything that matters, in the order in which a run would miss it. */
export const examine = async (): Promise<Finding[]> => [
  node(),
  ...tools(),
  ...(await link()),
  ...(await brokers()),
  quicLibrary(),
  await containerEngine(isPrivileged()),
  ...(await limits()),
  calibration(),
]
