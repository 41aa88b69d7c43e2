/** Which engine answers, of whom, and where its containers run. */
import type Docker from 'dockerode'
import { release } from 'node:os'

export interface EngineDescription {
  readonly name: 'Docker' | 'Docker Desktop' | 'Podman'
  readonly version: string
  /** It belongs to a user who is not root, and so do the namespaces of its containers. */
  readonly rootless: boolean
  /** What it can limit of a container: a user's engine has control groups only where he was given some. */
  readonly limits: { readonly memory: boolean; readonly cpu: boolean }
  /** The kernel of its containers, when they are not on this machine but in a virtual one, or far away. */
  readonly elsewhere: string | null
}

/** What is needed of the answer to GET /info of Docker's API; Podman's has the same names, and one more. */
interface EngineInfo {
  readonly OperatingSystem?: string
  readonly KernelVersion?: string
  readonly SecurityOptions?: readonly string[] | null
  readonly Rootless?: boolean
  readonly CgroupVersion?: string
  readonly MemoryLimit?: boolean
  readonly CpuCfsQuota?: boolean
}

/** @throws Error of the engine's client */
export const describeEngine = async (engine: Docker): Promise<EngineDescription> => {
  const [{ Version: version, Components }, info] = await Promise.all([
    engine.version(),
    engine.info() as Promise<EngineInfo>,
  ])
  const { OperatingSystem: system, KernelVersion: kernel, SecurityOptions: options } = info
  const rootless = info.Rootless === true || (options ?? []).includes('name=rootless')
  // Those of the first version belong to root; Podman tells of them all the same.
  const groups = !(rootless && info.CgroupVersion === '1')
  const desktop = system === 'Docker Desktop'
  const podman = (Components ?? []).some(({ Name }) => Name === 'Podman Engine')
  return {
    name: podman ? 'Podman' : desktop ? system : 'Docker',
    version,
    rootless,
    limits: {
      memory: groups && info.MemoryLimit !== false,
      cpu: groups && info.CpuCfsQuota !== false,
    },
    // On Windows, Docker Desktop's containers share the kernel of the other Linux systems (WSL 2), but none sees the processes of another.
    elsewhere: kernel !== undefined && (desktop || kernel !== release()) ? kernel : null,
  }
}

/** Name and version, for people. */
export const engineWords = ({ name, version, rootless }: EngineDescription): string =>
  `${name} ${version}${rootless ? ', rootless' : ''}`
