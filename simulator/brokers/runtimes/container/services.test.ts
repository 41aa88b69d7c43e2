/** docker-compose.yml and the catalogue of brokers say the same. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { BROKERS } from '../../catalogue.ts'
import type { BrokerProduct, Ports } from '../../broker.ts'
import { readServices } from './services.ts'

const services = readServices()
const programs = BROKERS.filter(({ program }) => program !== null)

test('every server that is a program has a service of its name, and no other has', () => {
  const names = (of: readonly { readonly name: string }[]) => of.map(({ name }) => name).sort()
  assert.deepEqual(names(services), names(programs))
  assert.deepEqual(
    services.map(({ image }) => image),
    services.map(({ name }) => `thingbench-${name}`),
  )
})

/** The labels that a product should have. */
const labelsOf = ({ serves, ports, websocket = {} }: BrokerProduct): Record<string, string> => {
  const labels: Record<string, string> = {}
  const tell = (key: string, { plain, secure }: Ports): void =>
    void (labels[key] = `${plain} ${secure}`)
  for (const [protocol, securities] of Object.entries(serves))
    labels[`thingbench.${protocol}`] = securities.join(' ')
  for (const [protocol, of] of Object.entries(ports)) tell(`thingbench.${protocol}.ports`, of)
  for (const [protocol, of] of Object.entries(websocket))
    tell(`thingbench.${protocol}.websocket`, of)
  return labels
}

for (const product of programs) {
  test(`the service of ${product.name} tells what it serves, and at which ports`, () => {
    const service = services.find(({ name }) => name === product.name)
    assert.deepEqual(service?.labels, labelsOf(product))
  })

  test(`the image of ${product.name} is Debian with the package that the catalogue names`, () => {
    const { context = '' } = services.find(({ name }) => name === product.name) ?? {}
    const text = readFileSync(join(context, 'Dockerfile'), 'utf8')
    assert.match(text, /^FROM debian:bookworm-slim\n/)
    assert.match(text, /^ARG EXTRA_CA=""$/m)
    const [, installed] = /apt-get install -y --no-install-recommends (.+) \\$/m.exec(text) ?? []
    assert.equal(installed, product.debianPackage)
  })
}

test('the image of bench has every server, and what else thingbench needs', () => {
  const text = readFileSync(join(services[0]?.context ?? '', '..', 'bench', 'Dockerfile'), 'utf8')
  const [, installed = ''] = /--no-install-recommends \\\n +(.+) \\\n/.exec(text) ?? []
  const wanted = programs.map(({ debianPackage }) => debianPackage ?? '')
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
    assert.equal(build === undefined, profile === 'upstream', name)
    // A name alone means whatever is newest on the day.
    if (profile === 'upstream') assert.match(image, /^[a-z/-]+:\d+(\.\d+)+$/)
    else assert.equal(image, `thingbench-${name}`)
    if (profile !== 'bench') assert.ok(Object.keys(labels ?? {}).length > 0, name)
  }
})

test('every folder of docker/ is the source of one service, without secrets', () => {
  const folders = readdirSync(join(services[0]?.context ?? '', '..')).sort()
  const built = Object.entries(everything).filter(([, { build }]) => build !== undefined)
  assert.deepEqual(built.map(([name]) => name).sort(), folders)
  for (const [name, { build }] of built) {
    const { context, args } = build as { context: string; args: object }
    assert.equal(context, `docker/${name}`)
    assert.deepEqual(args, { EXTRA_CA: '${EXTRA_CA-}' })
    const text = readFileSync(join(services[0]?.context ?? '', '..', name, 'Dockerfile'), 'utf8')
    assert.match(text, /^FROM debian:bookworm-slim\n/)
    assert.match(text, /^ARG EXTRA_CA=""$/m)
  }
})
