/** A run by somebody who is not root: the command becomes one that is root of a user namespace, and stays the same process. */
import { constants, accessSync, existsSync, readFileSync } from 'node:fs'
import { asRoot } from '../brokers/runtimes/container/engine.ts'
import { findProgram } from '../brokers/runtimes/find-program.ts'
import { ThingbenchError } from '../core/errors.ts'
import { probeTun, type TunProbe } from '../network/host.ts'
import type { NamespaceFacts, Obstacle } from '../network/user-namespace.ts'
import {
  mayMakeLinks,
  NAMESPACE_SETTINGS,
  obstacles,
  userNamespaceCommand,
} from '../network/user-namespace.ts'

/** Whether this process can make links as it is, or needs a user namespace for it. */
export const isPrivileged = (): boolean => mayMakeLinks(readFileSync('/proc/self/status', 'utf8'))

/**
 * The network namespaces of containers belong to root of the first user namespace, and to be root of another does not help there.
 * @param words the command as typed
 * @throws TB_CONTAINER_ROOT
 */
export const requireRoot = (words: readonly string[]): void => {
  if (isPrivileged()) return
  const user = process.geteuid?.() ?? 'unknown'
  const command = asRoot(`./thingbench ${words.join(' ')}`)
  throw new ThingbenchError('TB_CONTAINER_ROOT', { user, command })
}

export interface Attempt {
  /** What a link in a user namespace said; null when none could be tried. */
  readonly link: TunProbe | null
  /** What keeps this user from it; nothing: it works. */
  readonly obstacles: readonly Obstacle[]
}

/** Makes a user namespace, a network namespace in it and a TUN device in that, and gives them back. */
export const tryUserNamespace = async (): Promise<Attempt> => {
  const unshare = await findProgram('unshare')
  const link = unshare === null ? null : await probeTun(userNamespaceCommand(unshare))
  if (link?.ok) return { link, obstacles: [] }
  const settings = NAMESPACE_SETTINGS.map((name) => [name, readSetting(name)] as const)
  const facts: NamespaceFacts = {
    unshare: unshare !== null,
    said: link?.reason ?? '',
    entered: link?.code === 'TB_LINK_TUN',
    settings: Object.fromEntries(settings) as NamespaceFacts['settings'],
    tun: tunState(),
  }
  return { link, obstacles: obstacles(facts) }
}

/**
 * Returns when this process may make links. Otherwise it starts anew, with the same arguments, as root of a user namespace: by
 * execve, so that process id, descriptors, signals and exit code stay what they are for whoever started it.
 * @throws TB_LINK_UNAVAILABLE when this machine forbids it
 */
export const becomePrivileged = async (): Promise<void> => {
  if (isPrivileged()) return
  const { obstacles: found } = await tryUserNamespace()
  const unshare = await findProgram('unshare')
  if (found.length > 0 || unshare === null)
    throw new ThingbenchError('TB_LINK_UNAVAILABLE', {
      reason: `Without root it needs a user namespace with a TUN device: ${found.map((o) => o.what).join('; ')}.`,
      remedy: `Type: ${found.map((o) => o.remedy).join('; then ')}.`,
    })
  const command = [...userNamespaceCommand(unshare), process.execPath, ...process.execArgv]
  process.execve?.(unshare, [...command, ...process.argv.slice(1)], process.env)
}

const readSetting = (name: string): string | null => {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim()
  } catch {
    return null
  }
}

const tunState = (): NamespaceFacts['tun'] => {
  const device = '/dev/net/tun'
  if (!existsSync(device)) return 'missing'
  try {
    accessSync(device, constants.R_OK | constants.W_OK)
    return 'open'
  } catch {
    return 'forbidden'
  }
}
