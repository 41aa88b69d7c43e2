/** docker-compose.yml, which says for each server what its image is called and from what it is built. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface Service {
  /** The name of the catalogue of brokers. */
  readonly name: string
  readonly image: string
  /** The folder with the Dockerfile. */
  readonly context: string
  readonly labels: Readonly<Record<string, string>>
}

interface ComposeFile {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string
        readonly build: { readonly context: string }
        readonly profiles: readonly string[]
        readonly labels?: Readonly<Record<string, string>>
      }
    >
  >
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** Those of servers. */
export const readServices = (): readonly Service[] => {
  const file = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as ComposeFile
  return Object.entries(file.services)
    .filter(([, { profiles }]) => profiles.includes('servers'))
    .map(([name, { image, build, labels = {} }]) => ({
      name,
      image,
      context: join(ROOT, build.context),
      labels,
    }))
}
