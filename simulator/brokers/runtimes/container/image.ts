/**
 * Images of servers: built from docker-compose.yml when there is none, or when it is not what its folder says; those of the servers' makers
 * are fetched when they are not here.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ThingbenchError } from '../../../core/errors.ts'
import { LogRing } from '../log-ring.ts'
import { isNotFound, reasonOf, type Engine } from './engine.ts'
import type { Service } from './services.ts'
import { entriesOf, ROOT_OWNER, tar, type Owner } from './tar.ts'

export interface Image {
  readonly name: string
  /** Its digest: sha256 and 64 hexadecimal digits. */
  readonly id: string
  /** Whom its server runs as. */
  readonly owner: Owner
}

/** SHA-256 of the folder that the image was built from. */
const SOURCE = 'thingbench.source'
/** Build arguments that are taken from our environment; the last are known to every Dockerfile. */
const ARGUMENTS = ['EXTRA_CA', 'http_proxy', 'https_proxy', 'no_proxy']
const LAST_LINES = 10
/** Characters: a command goes on for lines, and its beginning tells enough. */
const LONGEST_STEP = 100

/** A line of the engine's answer. */
export interface EngineLine {
  readonly stream?: string
  readonly status?: string
  /** What the status is of: a layer. */
  readonly id?: string
  readonly error?: string
}

/** What to do about a build that failed, by its last words. */
export const buildRemedy = (said: string): string => {
  if (/pull access denied|manifest unknown|registry|lookup|dial tcp|TLS handshake/i.test(said))
    return 'The base image could not be fetched: pull it where there is a network (docker pull debian:bookworm-slim), and bring it here (docker save, docker load).'
  if (/certificate/i.test(said))
    return 'A mirror showed a certificate of an authority that is not known: put that into the variable EXTRA_CA (PEM).'
  if (/no space left/i.test(said))
    return 'The disk of the engine is full: docker system prune frees what is not used.'
  return 'The network of the engine must reach a Debian mirror; proxies are taken from http_proxy and https_proxy.'
}

/** Null: the engine has none of that name. */
const existing = async (
  engine: Engine,
  { image: name, owner }: Service,
): Promise<(Image & { source: string }) | null> => {
  try {
    const { Id: id, Config } = await engine.getImage(name).inspect()
    return { name, id, owner, source: Config.Labels?.[SOURCE] ?? '' }
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

async function* linesOf(answer: AsyncIterable<Uint8Array>): AsyncGenerator<EngineLine> {
  let open = ''
  const decoder = new TextDecoder()
  for await (const bytes of answer) {
    const lines = (open + decoder.decode(bytes, { stream: true })).split('\n')
    open = lines.pop() ?? ''
    for (const text of lines) if (text.trim() !== '') yield JSON.parse(text) as EngineLine
  }
}

/** Reads the answer to the end, and tells of each step. Returns why it failed; null when it did not. */
export const followBuild = async (
  answer: AsyncIterable<Uint8Array>,
  log: LogRing,
  step: (words: string) => void,
): Promise<string | null> => {
  let failure: string | null = null
  for await (const line of linesOf(answer)) {
    failure ??= line.error ?? null
    log.append(line.stream ?? `${line.error ?? line.status ?? ''}\n`)
    const [words = ''] = line.stream?.trim().split('  ') ?? []
    if (words.startsWith('Step ')) step(words.slice(0, LONGEST_STEP))
  }
  return failure
}

/** The same of an image that is fetched, layer by layer. */
export const followPull = async (
  answer: AsyncIterable<Uint8Array>,
  step: (words: string) => void,
): Promise<string | null> => {
  let failure: string | null = null
  for await (const { status = '', id, error } of linesOf(answer)) {
    failure ??= error ?? null
    // In between it says hundreds of times how far it is.
    if (id !== undefined && /^(Pulling from|Pull complete)/.test(status)) step(`${status} ${id}`)
  }
  return failure
}

/**
 * The image of a service, which is built or fetched if need be.
 * @param say tells the user a line
 * @throws ThingbenchError TB_IMAGE_BUILD, TB_IMAGE_PULL
 */
export const ensureImage = async (
  engine: Engine,
  service: Service,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Image> =>
  service.context === null
    ? fetched(engine, service, say, signal)
    : built(engine, service, service.context, say, signal)

const fetched = async (
  engine: Engine,
  service: Service,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Image> => {
  const { image: name, variable } = service
  const found = await existing(engine, service)
  if (found !== null) return found
  say(`fetching the image ${name}`)
  const failure = await engine
    .pull(name, { abortSignal: signal })
    .then((answer) => followPull(answer as Readable, (words) => say(`${name}: ${words}`)))
    .catch(reasonOf)
  signal.throwIfAborted()
  const image = failure === null ? await existing(engine, service) : null
  if (image !== null) return image
  throw new ThingbenchError('TB_IMAGE_PULL', {
    image: name,
    reason: failure ?? 'the engine knows no such image afterwards',
    otherwise: variable === null ? '' : `, or name one that is here in the variable ${variable}`,
  })
}

const built = async (
  engine: Engine,
  service: Service,
  context: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Image> => {
  const { image: name } = service
  const archive = tar(await entriesOf(context), ROOT_OWNER)
  const source = createHash('sha256').update(archive).digest('hex')
  const found = await existing(engine, service)
  if (found?.source === source) return found
  say(`building the image ${name} from ${context}`)
  const buildargs = Object.fromEntries(
    ARGUMENTS.flatMap((key) => (process.env[key] ? [[key, process.env[key]]] : [])),
  )
  const log = new LogRing()
  const failure = await engine
    // The host's network, where a mirror or a proxy may be that only listens there.
    .buildImage(Readable.from([archive]), {
      t: name,
      networkmode: 'host',
      labels: { [SOURCE]: source },
      buildargs,
      abortSignal: signal,
    })
    .then((answer) => followBuild(answer as Readable, log, (words) => say(`${name}: ${words}`)))
    .catch(reasonOf)
  signal.throwIfAborted()
  const image = failure === null ? await existing(engine, service) : null
  if (image !== null) return image
  const reason = failure ?? 'the engine knows no such image after the build'
  throw new ThingbenchError('TB_IMAGE_BUILD', {
    image: name,
    folder: context,
    reason,
    remedy: buildRemedy(`${reason}\n${log.last(LAST_LINES)}`),
    log: log.last(LAST_LINES),
  })
}
