import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerProduct } from '../brokers/broker.ts'
import { aedes } from '../brokers/aedes.ts'
import { mosquitto } from '../brokers/mosquitto.ts'
import { prosody } from '../brokers/prosody.ts'
import { FakeEngine } from '../brokers/runtimes/container/fake-engine.cases.ts'
import { containersFor, type Runtime, type Server } from './containers-for.ts'

const { signal } = new AbortController()
const server = (product: BrokerProduct, limited = false): Server => ({ product, limited })
const here: BrokerProduct = { ...mosquitto, version: () => Promise.resolve('2.0.11') }
const notHere: BrokerProduct = { ...prosody, version: () => Promise.resolve(null) }
const SERVERS = [server(here), server(notHere), server(aedes)]

const inContainers = async (
  runtime: Runtime,
  servers: readonly Server[],
): Promise<string[] | null> => {
  const containers = await containersFor(runtime, servers, () => {}, signal)
  const names = servers.filter(({ product }) => containers?.has(product))
  return containers && names.map(({ product }) => product.name)
}

test('each runtime starts in containers what it should', async () => {
  await using engine = await FakeEngine.start()
  assert.equal(await inContainers('process', SERVERS), null)
  assert.equal(await inContainers('auto', [server(here), server(aedes)]), null)
  assert.equal(engine.builds, 0)
  assert.deepEqual(await inContainers('auto', SERVERS), ['prosody'])
  assert.deepEqual(await inContainers('auto', [server(here, true)]), ['mosquitto'])
  assert.deepEqual(await inContainers('container', SERVERS), ['mosquitto', 'prosody'])
})

test('an engine elsewhere is as good as none, unless containers are asked for', async () => {
  await using engine = await FakeEngine.start()
  engine.info = { KernelVersion: '6.10.14-linuxkit' }
  assert.equal(await inContainers('auto', SERVERS), null)
  await assert.rejects(inContainers('container', SERVERS), { code: 'TB_ENGINE_ELSEWHERE' })
})

test('where no engine answers, only who asks for containers is refused', async () => {
  const before = process.env.DOCKER_HOST
  process.env.DOCKER_HOST = 'unix:///nowhere/engine.sock'
  try {
    assert.equal(await inContainers('auto', SERVERS), null)
    await assert.rejects(inContainers('container', SERVERS), { code: 'TB_ENGINE_SILENT' })
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = before
  }
})
