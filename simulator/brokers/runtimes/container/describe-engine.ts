/** Which engine answers, of whom, and where its containers run. */
import type Docker from 'dockerode'
import { release } from 'node:os'

export interface EngineDescription {
  readonly name: 'Docker' | 'Docker Desktop' | 'Podman'
  readonly version: string
  /** It belongs to a user who is not root, and so do the namespaces of its containers. */
  readonly rootless: boolean
  /** The kernel of its containers, when it is not the one of this machine: they are in a virtual machine, or far away. */
  readonly otherKernel: string | null
}

/** What is needed of the answer to GET /info of Docker's API; Podman's has the same names. */
interface EngineInfo {
  readonly OperatingSystem?: string
  readonly KernelVersion?: string
  readonly SecurityOptions?: readonly string[] | null
}

/** @throws Error of the engine's client */
export const describeEngine = async (engine: Docker): Promise<EngineDescription> => {
  const [{ Version: version, Components }, info] = await Promise.all([
    engine.version(),
    engine.info() as Promise<EngineInfo>,
  ])
  const { OperatingSystem: system, KernelVersion: kernel, SecurityOptions: options } = info
  const podman = (Components ?? []).some(({ Name }) => Name === 'Podman Engine')
  return {
    name: podman ? 'Podman' : system === 'Docker Desktop' ? system : 'Docker',
    version,
    rootless: (options ?? []).includes('name=rootless'),
    otherKernel: kernel === undefined || kernel === release() ? null : kernel,
  }
}

/** Name and version, for people. */
export const engineWords = ({ name, version, rootless }: EngineDescription): string =>
  `${name} ${version}${rootless ? ', rootless' : ''}`
