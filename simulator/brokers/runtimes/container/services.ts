/** docker-compose.yml, which says for each server what its image is called, from what it is built, and who it runs as. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { ROOT_OWNER, type Owner } from './tar.ts'

export interface Service {
  /** The name of the catalogue of brokers. */
  readonly name: string
  readonly image: string
  /** The variable of our environment that names another image; null: there is none. */
  readonly variable: string | null
  /** The folder with the Dockerfile; null: the image is fetched as it is. */
  readonly context: string | null
  /** Whom the server runs as. */
  readonly owner: Owner
  readonly labels: Readonly<Record<string, string>>
}

interface ComposeFile {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string
        readonly build?: { readonly context: string }
        readonly user?: string
        readonly profiles: readonly string[]
        readonly labels?: Readonly<Record<string, string>>
      }
    >
  >
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

const ownerOf = (user: string): Owner => {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(user) ?? []
  if (uid === undefined) throw new Error(`${user} is no user and group by number`)
  return { uid: Number(uid), gid: Number(gid) }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Compose's interpolation: ${NAME}, ${NAME-default}, and ${NAME:-default}, for which an empty value is none. */
export const interpolated = (text: string, environment: Environment): string =>
  text.replaceAll(
    /\$\{(\w+)(?:(:?)-([^}]*))?\}/g,
    (_, name: string, colon: string | undefined, otherwise = '') => {
      const value = environment[name]
      return value === undefined || (value === '' && colon === ':') ? String(otherwise) : value
    },
  )

/** Those of servers. */
export const readServices = (environment: Environment = process.env): readonly Service[] => {
  const file = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as ComposeFile
  return Object.entries(file.services)
    .filter(([, { profiles }]) => profiles.includes('servers'))
    .map(([name, { image, build, user, labels = {} }]) => ({
      name,
      image: interpolated(image, environment),
      variable: /\$\{(\w+)/.exec(image)?.[1] ?? null,
      context: build === undefined ? null : join(ROOT, build.context),
      owner: user === undefined ? ROOT_OWNER : ownerOf(user),
      labels,
    }))
}
