import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { Stack } from '../core/types.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES } from './load.ts'

const stackOf = (stack: string): Stack => {
  const text = `thingbench: 1
stacks: [${stack}]
links: [lan]
devices: 10
workload: { interval: 1 s }
`
  const bytes = new TextEncoder().encode(text)
  const { stacks } = parseScenario(bytes, 'question.yaml', CATALOGUE, folderProfiles(PROFILES))
  return stacks[0] as Stack
}

test('TCP without keys is plain TCP, and each key sets its own value', () => {
  assert.deepEqual(stackOf('mqtt-tcp').tcp, PLAIN_TCP)
  assert.deepEqual(stackOf('{ stack: mqtt-tcp, tcp: { congestion: bbr } }').tcp, {
    ...PLAIN_TCP,
    congestion: 'bbr',
  })
  const all = `nodelay: false, congestion: reno, initial_window: 4, keepalive: 30 s, rto_min: 25 ms,
    user_timeout: 45 s, notsent_lowat: 16 KiB, timestamps: false`
  assert.deepEqual(stackOf(`{ stack: mqtt-tls, tcp: { ${all} } }`).tcp, {
    nodelay: false,
    congestion: 'reno',
    initialWindow: 4,
    keepalive: 30e9,
    rtoMin: 25e6,
    userTimeout: 45e9,
    notsentLowat: 16_384,
    timestamps: false,
  })
})

test('a server has the limits that the scenario gives it, and otherwise none', () => {
  assert.equal('server' in stackOf('mqtt-tcp'), false)
  assert.deepEqual(stackOf('{ stack: mqtt-tcp, server: { memory: 64 MiB, cpu: 50 % } }').server, {
    memory: 64 * 2 ** 20,
    cpu: 0.5,
  })
  assert.deepEqual(stackOf('{ stack: mqtt-tcp, server: { memory: 64 MiB } }').server?.cpu, null)
  for (const [limits, place] of [
    ['memory: 1 MiB', 'server.memory'],
    ['cpu: 200 %', 'server.cpu'],
    ['cpu: 1', 'server.cpu'],
    ['cpus: 50 %', 'server.cpus'],
  ] as const)
    assert.throws(
      () => stackOf(`{ stack: mqtt-tcp, server: { ${limits} } }`),
      (error: Error) => error.message.includes(place),
    )
})

test('a device with DTLS shakes hands anew only where the scenario says after how many retransmissions', () => {
  assert.equal(stackOf('coap-dtls-psk').dtls?.rehandshakeAfter, null)
  const eager = stackOf('{ stack: coap-dtls-psk, dtls: { rehandshake_after: 3 } }')
  assert.equal(eager.dtls?.rehandshakeAfter, 3)
  assert.equal(stackOf('coap-udp').dtls, null)
})

test('MQTT over QUIC goes through the front end, with bbr and full handshakes unless it is asked for otherwise', () => {
  const { carrier, security, via, quic, tls } = stackOf('mqtt-quic')
  assert.deepEqual({ carrier, security, via, tls }, { carrier: 'datagram', security: 'quic', via: 'front-end', tls: null }) // prettier-ignore
  const plain = { engine: 'quiche', congestion: 'bbr', streams: 'single', resumption: false, earlyData: false, group: 'X25519' } // prettier-ignore
  assert.deepEqual(quic, plain)
  const early = stackOf('{ stack: mqtt-quic, quic: { congestion: reno, resumption: true, early_data: true } }') // prettier-ignore
  assert.deepEqual(early.quic, { ...plain, congestion: 'reno', resumption: true, earlyData: true })
  const openssl = stackOf('{ stack: mqtt-quic, quic: { engine: openssl, resumption: true } }')
  assert.deepEqual(openssl.quic, { ...plain, engine: 'openssl', congestion: 'reno', resumption: true }) // prettier-ignore
  assert.equal(stackOf('mqtt-tls').via, 'direct')
  assert.equal(stackOf('{ stack: mqtt-tls, via: front-end }').via, 'front-end')
  assert.equal(stackOf('mqtt-tls').quic, null)
})

test('devices reach a broker directly where it speaks for itself, whatever others need', () => {
  const viaOf = (more: string): string => stackOf(`{ stack: mqtt-quic, ${more} }`).via
  assert.equal(viaOf('broker: mosquitto'), 'front-end')
  assert.equal(viaOf('broker: emqx'), 'direct')
  assert.equal(viaOf('broker: emqx, via: front-end'), 'front-end')
  assert.throws(
    () => viaOf('via: direct'),
    /"direct" for mqtt-quic with mosquitto.*; allowed: front-end\. These speak it themselves: broker: emqx\./,
  )
})

test('what a device says over QUIC may be larger than a datagram, what CoAP says may not', () => {
  const asked = (stack: string): string => `thingbench: 1
stacks: [${stack}]
links: [lan]
devices: 10
workload: { interval: 1 s, payload: 2 KiB }
`
  const read = (stack: string) =>
    parseScenario(Buffer.from(asked(stack)), 'x.yaml', CATALOGUE, folderProfiles(PROFILES))
  assert.equal(read('mqtt-quic').stacks.length, 1)
  assert.throws(() => read('coap-udp'), /workload\.payload/)
})
