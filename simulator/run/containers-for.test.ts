import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerProduct } from '../brokers/broker.ts'
import { aedes } from '../brokers/aedes.ts'
import { mosquitto } from '../brokers/mosquitto.ts'
import { prosody } from '../brokers/prosody.ts'
import { FakeEngine } from '../brokers/runtimes/container/fake-engine.cases.ts'
import { containersFor, type Runtime } from './containers-for.ts'

const { signal } = new AbortController()
const here: BrokerProduct = { ...mosquitto, version: () => Promise.resolve('2.0.11') }
const notHere: BrokerProduct = { ...prosody, version: () => Promise.resolve(null) }
const PRODUCTS = [here, notHere, aedes]

const inContainers = async (
  runtime: Runtime,
  products: readonly BrokerProduct[],
): Promise<string[] | null> => {
  const containers = await containersFor(runtime, products, () => {}, signal)
  return containers && products.filter((of) => containers.has(of)).map(({ name }) => name)
}

test('each runtime starts in containers what it should', async () => {
  await using engine = await FakeEngine.start()
  assert.equal(await inContainers('process', PRODUCTS), null)
  assert.equal(await inContainers('auto', [here, aedes]), null)
  assert.equal(engine.builds, 0)
  assert.deepEqual(await inContainers('auto', PRODUCTS), ['prosody'])
  assert.deepEqual(await inContainers('container', PRODUCTS), ['mosquitto', 'prosody'])
})

test('where no engine answers, only who asks for containers is refused', async () => {
  const before = process.env.DOCKER_HOST
  process.env.DOCKER_HOST = 'unix:///nowhere/engine.sock'
  try {
    assert.equal(await inContainers('auto', PRODUCTS), null)
    await assert.rejects(inContainers('container', PRODUCTS), { code: 'TB_ENGINE_SILENT' })
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = before
  }
})
