import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Framing, Security, Via } from '../core/types.ts'
import { PROTOCOLS } from '../protocols/index.ts'
import { brokerPlan } from './broker-plan.cases.ts'
import { BROKERS, brokerNamed } from './catalogue.ts'
import { devicePort } from './serves.ts'

test('names are unique, in kebab case, and found', () => {
  for (const broker of BROKERS) {
    assert.match(broker.name, /^[a-z]+(-[a-z]+)*$/)
    assert.equal(brokerNamed(broker.name), broker)
  }
  assert.throws(() => brokerNamed('rabbit'), /no broker is called rabbit/)
})

test('a broker has ports for what it serves, and they are those of the protocol', () => {
  for (const broker of BROKERS)
    for (const protocol of Object.keys(broker.serves)) {
      const adapter = PROTOCOLS.find(({ adapter }) => adapter.name === protocol)?.adapter
      assert.deepEqual(broker.ports[protocol], adapter?.ports, `${broker.name}: ${protocol}`)
    }
})

test('devices find a port of their own for WebSocket, and none where it is not served', () => {
  const ports = (name: string, protocol: string, security: Security) =>
    (['none', 'websocket'] as const).map((framing) =>
      devicePort(brokerNamed(name), { protocol, framing, security }),
    )
  assert.deepEqual(ports('mosquitto', 'mqtt', 'none'), [1883, 8083])
  assert.deepEqual(ports('mosquitto', 'mqtt', 'tls'), [8883, 8084])
  assert.deepEqual(ports('mosquitto', 'mqtt', 'dtls-psk'), [null, null])
  assert.deepEqual(ports('prosody', 'xmpp', 'none'), [5222, null])
  assert.deepEqual(ports('prosody', 'mqtt', 'none'), [null, null])
})

test('devices find the front end before a broker for QUIC, and for TLS where it is asked for', () => {
  const port = (name: string, protocol: string, security: Security, via: Via) =>
    devicePort(brokerNamed(name), { protocol, framing: 'none', security, via })
  for (const name of ['mosquitto', 'aedes']) {
    assert.equal(port(name, 'mqtt', 'quic', 'front-end'), 14_567)
    assert.equal(port(name, 'mqtt', 'tls', 'front-end'), 8883)
    assert.equal(port(name, 'mqtt', 'none', 'front-end'), null)
  }
  assert.equal(port('mosquitto', 'mqtt', 'quic', 'direct'), null)
  assert.equal(port('prosody', 'xmpp', 'tls', 'front-end'), null)
  assert.equal(port('prosody', 'mqtt', 'quic', 'front-end'), null)
})

test('devices find a broker that speaks QUIC itself where the front end would be', () => {
  for (const name of ['aedes', 'emqx']) {
    const at = (framing: Framing) =>
      devicePort(brokerNamed(name), { protocol: 'mqtt', framing, security: 'quic' })
    assert.deepEqual([at('none'), at('websocket')], [14_567, null])
  }
  for (const { name, serves, quic = {} } of BROKERS)
    for (const [protocol, securities] of Object.entries(serves))
      assert.equal(protocol in quic, securities.includes('quic'), `${name}: ${protocol}`)
})

test('a consumer can stand behind the default broker of every protocol', () => {
  for (const { adapter } of PROTOCOLS) {
    const broker = BROKERS.find((b) => adapter.name in b.serves)
    const kind = adapter.consumer.kind === 'serve' ? 'is-server' : 'subscribes'
    assert.equal(broker?.consumer, kind, adapter.name)
  }
})

test('what is no npm package and no part of thingbench names its program, and its Debian package if it has more than an image', async () => {
  for (const broker of BROKERS) {
    if (broker.debianPackage !== null) assert.notEqual(broker.program, null)
    assert.equal(broker.hops, broker.consumer === 'subscribes' ? 2 : 1)
    if (broker.program !== null) continue
    if (broker.consumer === 'is-server')
      assert.equal(await broker.prepare(brokerPlan({ protocol: 'coap' })), null)
    assert.match((await broker.version()) ?? '', /^\d+\.\d+\.\d+/)
  }
})
