/** docker-compose.yml and the catalogue of brokers say the same. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { BROKERS } from '../../catalogue.ts'
import type { BrokerProduct, Ports } from '../../broker.ts'
import { interpolated, readServices } from './services.ts'

const services = readServices({})
const programs = BROKERS.filter(({ program }) => program !== null)
/** Those whose image is built here. */
const packaged = programs.filter(({ debianPackage }) => debianPackage !== null)
const DOCKER = join(import.meta.dirname, '../../../../docker')

test('every server that is a program has a service of its name, and no other has', () => {
  const names = (of: readonly { readonly name: string }[]) => of.map(({ name }) => name).sort()
  assert.deepEqual(names(services), names(programs))
  for (const { name, image, context, owner, variable } of services) {
    if (context === null) continue
    assert.deepEqual([image, owner, variable], [`thingbench-${name}`, { uid: 0, gid: 0 }, null])
  }
  const fetched = services.filter(({ context }) => context === null)
  assert.deepEqual(
    [...names(fetched), ...names(packaged)].sort(),
    names(programs),
    'what has no Debian package is fetched',
  )
})

test('EMQX has the image and the user of its makers, and the environment can name another image', () => {
  const emqx = (environment: Record<string, string>) =>
    readServices(environment).find(({ name }) => name === 'emqx')
  const { image, owner, variable, context } = emqx({}) ?? {}
  assert.deepEqual([image, context], ['emqx/emqx:5.8.8', null])
  assert.deepEqual([owner, variable], [{ uid: 1000, gid: 1000 }, 'EMQX_IMAGE'])
  assert.equal(emqx({ EMQX_IMAGE: 'localhost:5000/mine:5.8' })?.image, 'localhost:5000/mine:5.8')
})

test('variables stand for their values as in compose', () => {
  const environment = { FULL: 'value', EMPTY: '' }
  for (const [text, expected] of [
    ['plain:1.2', 'plain:1.2'],
    ['${FULL}/${FULL-other}', 'value/value'],
    ['${EMPTY:-other}', 'other'],
    ['${EMPTY-other}', ''],
    ['${NONE-a/b:1.2}', 'a/b:1.2'],
    ['${NONE:-a/b:1.2}-x', 'a/b:1.2-x'],
    ['${NONE}', ''],
  ] as const)
    assert.equal(interpolated(text, environment), expected, text)
})

/** The labels that a product should have. */
const labelsOf = ({
  serves,
  ports,
  websocket = {},
  quic = {},
}: BrokerProduct): Record<string, string> => {
  const labels: Record<string, string> = {}
  const tell = (key: string, { plain, secure }: Ports): void =>
    void (labels[key] = `${plain} ${secure}`)
  for (const [protocol, securities] of Object.entries(serves))
    labels[`thingbench.${protocol}`] = securities.join(' ')
  for (const [protocol, of] of Object.entries(ports)) tell(`thingbench.${protocol}.ports`, of)
  for (const [protocol, of] of Object.entries(websocket))
    tell(`thingbench.${protocol}.websocket`, of)
  for (const [protocol, { port }] of Object.entries(quic))
    labels[`thingbench.${protocol}.quic`] = String(port)
  return labels
}

for (const product of programs)
  test(`the service of ${product.name} tells what it serves, and at which ports`, () => {
    const service = services.find(({ name }) => name === product.name)
    assert.deepEqual(service?.labels, labelsOf(product))
  })

for (const product of packaged)
  test(`the image of ${product.name} is Debian with the package that the catalogue names`, () => {
    const text = readFileSync(join(DOCKER, product.name, 'Dockerfile'), 'utf8')
    assert.match(text, /^FROM debian:bookworm-slim\n/)
    assert.match(text, /^ARG EXTRA_CA=""$/m)
    const [, installed] = /apt-get install -y --no-install-recommends (.+) \\$/m.exec(text) ?? []
    assert.equal(installed, product.debianPackage)
  })

test('the image of bench has every server, and what else thingbench needs', () => {
  const text = readFileSync(join(DOCKER, 'bench', 'Dockerfile'), 'utf8')
  const [, installed = ''] = /--no-install-recommends \\\n +(.+) \\\n/.exec(text) ?? []
  const wanted = packaged.map(({ debianPackage }) => debianPackage ?? '')
  const others = ['ca-certificates', 'iproute2', 'libatomic1', 'nodejs', 'npm']
  assert.deepEqual(installed.split(' '), [...wanted, ...others].sort())
})

/** What docker-compose.yml says, all of it. */
const everything = (
  parse(readFileSync(join(import.meta.dirname, '../../../../docker-compose.yml'), 'utf8')) as {
    services: Record<string, Record<string, unknown> & { image: string; profiles: string[] }>
  }
).services

test('no service starts by itself, and each has a profile that says whose image it is', () => {
  for (const [name, { image, build, profiles, labels }] of Object.entries(everything)) {
    const [profile = ''] = profiles
    assert.deepEqual(profiles, [profile], name)
    assert.ok(['servers', 'upstream', 'bench'].includes(profile), name)
    if (profile !== 'servers') assert.equal(build === undefined, profile === 'upstream', name)
    // A name alone means whatever is newest on the day.
    if (build === undefined) assert.match(interpolated(image, {}), /^[a-z/-]+:\d+(\.\d+)+$/)
    else assert.equal(image, `thingbench-${name}`)
    if (profile !== 'bench') assert.ok(Object.keys(labels ?? {}).length > 0, name)
  }
})

test('every folder of docker/ is the source of one service, without secrets', () => {
  const folders = readdirSync(DOCKER).sort()
  const built = Object.entries(everything).filter(([, { build }]) => build !== undefined)
  assert.deepEqual(built.map(([name]) => name).sort(), folders)
  for (const [name, { build }] of built) {
    const { context, args } = build as { context: string; args: object }
    assert.equal(context, `docker/${name}`)
    assert.deepEqual(args, { EXTRA_CA: '${EXTRA_CA-}' })
    const text = readFileSync(join(DOCKER, name, 'Dockerfile'), 'utf8')
    assert.match(text, /^FROM debian:bookworm-slim\n/)
    assert.match(text, /^ARG EXTRA_CA=""$/m)
  }
})
