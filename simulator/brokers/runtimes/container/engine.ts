/** The container engine: whatever answers Docker's API at DOCKER_HOST, or at Docker's socket. */
import type Docker from 'dockerode'
import { release } from 'node:os'
import { ThingbenchError } from '../../../core/errors.ts'
import { describeEngine, engineWords, type EngineDescription } from './describe-engine.ts'

export type Engine = Docker

/** What is needed of an error of the engine's client (Node's, or an answer of the engine's). */
interface EngineError {
  readonly code?: string
  readonly statusCode?: number
  readonly json?: { readonly message?: string }
  readonly message?: string
}

const SOCKET = '/var/run/docker.sock'
/** Milliseconds in which an engine that is there says so. */
const PATIENCE = 5000

const socketName = (): string => process.env.DOCKER_HOST || SOCKET

/** A command that asks the same engine as root: sudo hands no variables on. */
export const asRoot = (command: string): string => {
  const { DOCKER_HOST } = process.env
  return `sudo ${DOCKER_HOST ? `DOCKER_HOST=${DOCKER_HOST} ` : ''}${command}`
}

/** What to do about an engine that does not answer, by the code of Node's error. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT:
    'Install an engine (sudo apt-get install --no-install-recommends docker.io), or name the socket of yours in DOCKER_HOST.',
  ECONNREFUSED: 'Start the engine: sudo systemctl start docker.',
  EACCES:
    'You may not use its socket: start thingbench with sudo, which takes DOCKER_HOST only as sudo DOCKER_HOST=... ./thingbench.',
}
const OTHERWISE = 'See whether "docker version" tells of a server.'

/** Where the answer was to be a stream, the client has put the engine's words behind these. */
const CLIENTS_WORDS = /^\(HTTP code \d+\) [a-z ]+ - /

/** The engine's own words, or Node's. */
export const reasonOf = (error: unknown): string => {
  const { json, message } = error as EngineError
  return (json?.message ?? message?.replace(CLIENTS_WORDS, '') ?? String(error)).trim()
}

/** True for an answer that there is no such image or container. */
export const isNotFound = (error: unknown): boolean => (error as EngineError).statusCode === 404

export type EngineProbe =
  | { readonly ok: true; readonly engine: Engine; readonly about: EngineDescription }
  | { readonly ok: false; readonly reason: string; readonly remedy: string }

/** @param error of Node's, from a request to the engine */
export const notAnswering = (error: unknown): EngineProbe & { readonly ok: false } => ({
  ok: false,
  reason: `${socketName()}: ${reasonOf(error)}`,
  remedy: REMEDIES[(error as EngineError).code ?? ''] ?? OTHERWISE,
})

/** Whether an engine answers. */
export const probeEngine = async (): Promise<EngineProbe> => {
  // A tenth of a second to load, which only those pay who want it.
  const { default: Client } = await import('dockerode')
  try {
    const about = await describeEngine(new Client({ timeout: PATIENCE }))
    return { ok: true, engine: new Client(), about }
  } catch (error) {
    return notAnswering(error)
  }
}

/**
 * The engine, which has answered, and whose containers run on this machine.
 * @throws ThingbenchError TB_ENGINE_SILENT, TB_ENGINE_ELSEWHERE
 */
export const openEngine = async (): Promise<EngineProbe & { readonly ok: true }> => {
  const probe = await probeEngine()
  if (!probe.ok) {
    const { reason, remedy } = probe
    throw new ThingbenchError('TB_ENGINE_SILENT', { reason, remedy })
  }
  const { elsewhere } = probe.about
  if (elsewhere === null) return probe
  throw new ThingbenchError('TB_ENGINE_ELSEWHERE', {
    engine: engineWords(probe.about),
    socket: socketName(),
    kernel: elsewhere,
    here: release(),
  })
}
