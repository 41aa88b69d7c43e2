import { PLAIN_TCP } from '../core/tcp.ts'
import { CLEAR_DIRECTION } from '../core/link-profile.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ThingbenchError } from '../core/errors.ts'
import type { Scenario } from '../core/types.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES } from './load.ts'
import type { Problem } from './problem.ts'

const profiles = folderProfiles(PROFILES)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const resolve = (text: string, file = 'a-question.yaml'): Scenario =>
  parseScenario(bytes(text), file, CATALOGUE, profiles)

const SMALL = `thingbench: 1
stacks: [mqtt-tcp, mqtt-tls]
links: [lan]
devices: 10
workload: { interval: 1 s }
`

const refused = (text: string): readonly Problem[] => {
  try {
    resolve(text)
  } catch (error) {
    assert.ok(error instanceof ThingbenchError)
    return error.cause as readonly Problem[]
  }
  return assert.fail('the scenario is accepted')
}

test('fills in every default', () => {
  const scenario = resolve(SMALL)
  assert.equal(scenario.name, 'a-question')
  assert.equal(scenario.title, 'a-question')
  assert.deepEqual(scenario.phases, {
    ramp: 5e9,
    warmup: 2e9,
    measure: 20e9,
    drain: 5e9,
    connectDeadline: 60e9,
  })
  assert.equal(scenario.repetitions, 6)
  assert.equal(scenario.seed, 42)
  assert.deepEqual(scenario.devices, [10])
  assert.deepEqual(scenario.workloads, [
    { name: 'telemetry', kind: 'telemetry', interval: 1e9, arrivals: 'constant', payload: 100 },
  ])
  assert.deepEqual(scenario.stacks[1], {
    name: 'mqtt-tls',
    kind: 'mqtt-tls',
    protocol: 'mqtt',
    carrier: 'stream',
    framing: 'none',
    security: 'tls',
    broker: 'mosquitto',
    client: 'lean',
    reliability: 'acknowledged',
    tls: {
      version: '1.3',
      group: 'X25519',
      cipher: 'TLS_AES_128_GCM_SHA256',
      auth: 'server',
      resumption: false,
      earlyData: false,
    },
    via: 'direct',
    quic: null,
    dtls: null,
    tcp: PLAIN_TCP,
    options: { version: '3.1.1', keepalive: 60e9, clean_start: true, topic_alias: false },
  })
  assert.equal(scenario.stacks[0]?.tls, null)
})

test('a mapping among the options is flat in the stack, with its defaults, and absent without the key', () => {
  const mapping = '{ username: me, will: { qos: 2 } }'
  const [stack, plain] = resolve(
    SMALL.replace('[mqtt-tcp, mqtt-tls]', `[{ stack: mqtt-tcp, mqtt: ${mapping} }, mqtt-tls]`),
  ).stacks
  const { username, ...rest } = stack?.options ?? {}
  assert.equal(username, 'me')
  assert.equal(rest['will.topic'], 'w')
  assert.equal(rest['will.payload'], 8)
  assert.equal(rest['will.qos'], 2)
  assert.deepEqual(
    Object.keys(plain?.options ?? {}).filter((key) => /will|username/u.test(key)),
    [],
  )
})

test('a mapping overrides parts of a stack and leaves the rest', () => {
  const [stack] = resolve(
    SMALL.replace(
      '[mqtt-tcp, mqtt-tls]',
      '[{ stack: mqtt-tls, name: old, reliability: best-effort, tls: { version: 1.2 }, mqtt: { keepalive: 5 min } }]',
    ),
  ).stacks
  assert.equal(stack?.name, 'old')
  assert.equal(stack.reliability, 'best-effort')
  assert.deepEqual(stack.tls, {
    version: '1.2',
    group: 'X25519',
    cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    auth: 'server',
    resumption: false,
    earlyData: false,
  })
  assert.deepEqual(stack.options, {
    version: '3.1.1',
    keepalive: 300e9,
    clean_start: true,
    topic_alias: false,
  })
})

test('the parts of a link hold for both directions unless one says otherwise', () => {
  const [link] = resolve(
    SMALL.replace(
      '[lan]',
      `[{ name: mine, delay: 50 ms, rate: 1 Mbit/s, loss: { mean: 2 %, burst: 200 ms }, queue: 64 packets,
          up: { rate: 250 kbit/s, loss: 0 % }, down: { queue: unlimited } }]`,
    ),
  ).links
  const loss = { kind: 'time', ratio: 0.02, burst: 200e6 }
  assert.deepEqual(link, {
    name: 'mine',
    title: 'mine',
    source: 'the scenario file',
    mtu: 1500,
    up: {
      ...CLEAR_DIRECTION,
      delay: 50e6,
      rate: 250e3,
      queue: { limit: 64, unit: 'packets' },
    },
    down: { ...CLEAR_DIRECTION, delay: 50e6, rate: 1e6, loss },
    halfDuplex: false,
    wake: null,
    shared: { up: null, down: null },
    nat: null,
  })
})

test('with a pre-shared key TLS takes a suite for keys, and devices can keep tickets where there are certificates', () => {
  const tlsOf = (keys: string) =>
    resolve(SMALL.replace('[mqtt-tcp, mqtt-tls]', `[{ stack: mqtt-tls, ${keys} }]`)).stacks[0]?.tls
  assert.equal(tlsOf("auth: psk, tls: { version: '1.2' }")?.cipher, 'PSK-AES128-GCM-SHA256')
  assert.equal(tlsOf('auth: psk')?.cipher, 'TLS_AES_128_GCM_SHA256')
  const mutual = tlsOf('auth: x509, tls: { resumption: true }')
  assert.deepEqual([mutual?.auth, mutual?.resumption], ['x509', true])
  const early = tlsOf('via: front-end, tls: { resumption: true, early_data: true }')
  assert.deepEqual([early?.resumption, early?.earlyData], [true, true])
})

test('lists among the workload values are levels, and their names tell what varies', () => {
  const { workloads } = resolve(
    SMALL.replace('{ interval: 1 s }', '{ interval: [500 ms, 1 s], payload: [100 B, 1 kB] }'),
  )
  assert.deepEqual(
    workloads.map((level) => level.name),
    [
      'telemetry interval=500ms payload=100B',
      'telemetry interval=500ms payload=1kB',
      'telemetry interval=1s payload=100B',
      'telemetry interval=1s payload=1kB',
    ],
  )
})

test('auto compares with the plain stack of the protocol, else with its first listed', () => {
  const all = SMALL.replace('[mqtt-tcp, mqtt-tls]', '[mqtt-tls, mqtt-tcp, coap-dtls-psk]')
  const auto = { 'mqtt-tls': 'mqtt-tcp', 'mqtt-tcp': 'mqtt-tcp', 'coap-dtls-psk': 'coap-dtls-psk' }
  assert.deepEqual(resolve(all).baseline, auto)
  assert.deepEqual(resolve(`${all}baseline: { mqtt: mqtt-tls }\n`).baseline, {
    ...auto,
    'mqtt-tls': 'mqtt-tls',
    'mqtt-tcp': 'mqtt-tls',
  })
  assert.deepEqual(
    new Set(Object.values(resolve(`${all}baseline: mqtt-tcp\n`).baseline)),
    new Set(['mqtt-tcp']),
  )
})

test('a threshold is a number in the unit of its metric', () => {
  const { thresholds } = resolve(`${SMALL}thresholds:
  - { metric: latency.p99, stack: mqtt-tls, link: lan, below: 0.5 s }
  - { metric: latency.p50, below: 20 }
  - { metric: delivery.ratio, above: 99 % }
  - { metric: throughput.delivered, above: 9 msg/s }
  - { metric: memory.broker_kib_per_session, below: 1 MiB }
`)
  assert.deepEqual(thresholds[0], {
    metric: 'latency.p99',
    stack: 'mqtt-tls',
    link: 'lan',
    bound: 'below',
    value: 500,
    text: '0.5 s',
  })
  assert.deepEqual(
    thresholds.slice(1).map(({ value, stack, bound }) => [value, stack, bound]),
    [
      [20, null, 'below'],
      [0.99, null, 'above'],
      [9, null, 'above'],
      [1024, null, 'below'],
    ],
  )
})

test('what is misread is not reported again where it is named', () => {
  const problems = refused(
    `${SMALL.replace('mqtt-tls]', 'mqtt-tsl]')}baseline: mqtt-tls
thresholds: [{ metric: latency.p99, stack: mqtt-tls, below: 1 s }]
`,
  )
  assert.deepEqual(
    problems.map((problem) => problem.path),
    ['stacks[1]'],
  )
})

test('an empty timeline, and every key that says what holds anyway, is accepted', () => {
  const scenario = resolve(`${SMALL}timeline: []
capture: false
record: { messages: false }
consumer: plain
thresholds: []
`)
  assert.equal(scenario.digest, resolve(SMALL).digest)
})

test('the digest depends on the question, not on file, order of keys or comments', () => {
  const scenario = resolve(SMALL)
  assert.match(scenario.digest, /^[0-9a-f]{64}$/u)
  const turned = `# the same\n${SMALL.split('\n').toReversed().join('\n')}\nname: a-question\nseed: 42\n`
  assert.equal(resolve(turned, 'elsewhere.yaml').digest, scenario.digest)
  assert.notEqual(resolve(`${SMALL}seed: 43\n`).digest, scenario.digest)
  assert.notEqual(resolve(SMALL.replace('10', '11')).digest, scenario.digest)
})

test('the scenario is frozen to its leaves', () => {
  const scenario = resolve(SMALL)
  assert.ok(Object.isFrozen(scenario))
  assert.ok(Object.isFrozen(scenario.links[0]?.up.loss))
  assert.ok(Object.isFrozen(scenario.stacks[0]?.options))
})

test('a file name that is not kebab-case gives a kebab-case name', () => {
  assert.equal(resolve(SMALL, '/tmp/My First_Question.yml').name, 'my-first-question')
})

test('a file with characters taken away or put in is resolved or refused, never a crash', () => {
  const edit = fc.record({
    at: fc.nat(SMALL.length),
    away: fc.nat(6),
    put: fc.stringMatching(/^[a-z0-9:,[\]{} \n-]{0,4}$/u),
  })
  fc.assert(
    fc.property(edit, ({ at, away, put }) => {
      try {
        resolve(SMALL.slice(0, at) + put + SMALL.slice(at + away))
      } catch (error) {
        assert.ok(error instanceof ThingbenchError, String(error))
        assert.ok((error.cause as readonly Problem[]).length > 0)
      }
    }),
  )
})
