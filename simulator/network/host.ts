/** What the rest of thingbench needs to know about namespaces on this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ThingbenchError } from '../core/errors.ts'
import { CLEAR_LINK } from '../core/link-profile.ts'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { LinkConfig, LinkEvent } from './link-protocol.ts'

/** What to do about each way in which a link cannot be made. */
export const REMEDIES = {
  TB_LINK_PRIVILEGE: 'Run it as root, or in a privileged container (--privileged).',
  TB_LINK_TUN:
    'Load the module (modprobe tun); create the node, or open it to all users (mkdir -p /dev/net; mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun); or give it to the container (--device /dev/net/tun --cap-add NET_ADMIN --cap-add SYS_ADMIN).',
  TB_LINK_SETUP: 'Install iproute2 (apt-get install iproute2).',
} as const

export const LINK_PROCESS = new URL('link-process.ts', import.meta.url).pathname

/** What to put before a command so that it runs in a network namespace, such as the two that the link's ready event names. */
export const enterCommand = (namespacePath: string): string[] => [
  'nsenter',
  `--net=${namespacePath}`,
  '--',
]

export type TunProbe =
  | { readonly ok: true; readonly sysctls: Readonly<Record<string, string>> }
  | {
      readonly ok: false
      /** Code of the error table; null when the link process said nothing. */
      readonly code: string | null
      readonly reason: string
      readonly remedy: string
    }

const SMALLEST: LinkConfig = {
  devices: 1,
  probes: 0,
  profile: CLEAR_LINK,
  timeline: [],
  tcp: PLAIN_TCP,
  seed: 0,
  canary: '',
  cpu: null,
}
const PATIENCE_MS = 10_000

/**
 * Whether a link can be made here, found out by making one: a link process is started and stopped again.
 * @param before what to put before its command, such as one that enters a user namespace
 */
export const probeTun = async (before: readonly string[] = []): Promise<TunProbe> => {
  const [program, ...args] = [...before, process.execPath, LINK_PROCESS]
  const link = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(link, 'close')
  const timer = setTimeout(() => link.kill('SIGKILL'), PATIENCE_MS)
  let said = ''
  link.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  // A link that failed may be gone before it is told what to do.
  link.stdin.on('error', () => {})
  link.stdin.write(`${JSON.stringify(SMALLEST)}\n${JSON.stringify({ order: 'stop' })}\n`)
  let answer: LinkEvent | undefined
  for await (const line of createInterface(link.stdout)) answer ??= JSON.parse(line) as LinkEvent
  await ended
  clearTimeout(timer)
  if (answer?.event === 'ready') return { ok: true, sysctls: answer.sysctls }
  if (answer?.event !== 'failed') {
    const reason = said.trim().split('\n').at(-1) || 'The link process ended without a word.'
    return { ok: false, code: null, reason, remedy: '' }
  }
  const { code, message } = answer
  const remedy = Object.entries(REMEDIES).find(([known]) => known === code)?.[1] ?? ''
  return { ok: false, code, reason: message.replace(remedy, '').trim(), remedy }
}

/**
 * Without a link no cell can run: better said once, before there is a folder, than by every cell. Returns its sysctls.
 * @throws TB_LINK_UNAVAILABLE
 */
export const requireLink = async (): Promise<Readonly<Record<string, string>>> => {
  const tun = await probeTun([])
  if (tun.ok) return tun.sysctls
  const { reason, remedy } = tun
  throw new ThingbenchError('TB_LINK_UNAVAILABLE', { reason, remedy })
}
