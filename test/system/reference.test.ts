/**
 * The reference client (the npm package `mqtt` on Node's sockets) and our own sessions do the same: everything arrives, and the bytes of
 * MQTT on the wire are exactly the same; with both brokers, over TCP and TLS, and over WebSocket.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runText, skipReason, type RunResult } from './run-scenario.cases.ts'

const CLIENTS = ['lean', 'reference'] as const
type Pair = readonly [stack: string, reliability: 'best-effort' | 'acknowledged']
/** With this seed every message is due over 150 ms away from the ends of the window, so that its bytes lie in it on a busy machine too. */
const SEED = 10
const DEVICES = 3
const nameOf = ([stack, reliability]: Pair, client: string): string =>
  `${stack}-${reliability}-${client}`

const scenario = (broker: string, pairs: readonly Pair[]): string => {
  const stacks = pairs.flatMap((pair) =>
    CLIENTS.map(
      (client) =>
        `  - { stack: ${pair[0]}, name: ${nameOf(pair, client)}, broker: ${broker}, client: ${client}, reliability: ${pair[1]} }`,
    ),
  )
  return `thingbench: 1
title: Does a real client library do the same as our own sessions?
stacks:
${stacks.join('\n')}
baseline: ${nameOf(pairs[0] as Pair, 'lean')}
links: [{ name: near, delay: 2 ms }]
devices: ${DEVICES}
workload: { interval: 500 ms, payload: 100 B }
phases: { ramp: 0.1 s, warmup: 0.5 s, measure: 1 s, drain: 3 s, connect_deadline: 20 s }
repetitions: 1
seed: ${SEED}
`
}

/** The application's bytes per message, in both directions, without the payload. */
const APPLICATION = 'wire.layer_bytes_per_message.application'
const SECURITY = 'wire.layer_bytes_per_message.security'
const FRAMING = 'wire.layer_bytes_per_message.framing'

const check = (run: RunResult, pair: Pair): void => {
  const [stack, reliability] = pair
  const isWebSocket = stack === 'mqtt-ws' || stack === 'mqtt-wss'
  const isSecure = stack === 'mqtt-tls' || stack === 'mqtt-wss'
  const [lean, reference] = CLIENTS.map((client) => nameOf(pair, client)) as [string, string]
  for (const name of [lean, reference]) {
    assert.equal(run.value('delivery.ratio', name), 1, name)
    assert.equal(run.value('delivery.duplicates', name), 0, name)
    assert.equal(run.value('devices.connected', name), DEVICES, name)
    // PUBLISH to d/000042 is 12 bytes beside the payload; QoS 1 adds an identifier, and PUBACK.
    const bytes = reliability === 'best-effort' ? 12 : 12 + 2 + 4
    assert.equal(run.value(APPLICATION, name), bytes, name)
    // The library writes a packet in parts, and each becomes a frame: first byte, length, length of the topic, topic, identifier, payload.
    const answers = Number(reliability === 'acknowledged')
    const written = isWebSocket && name === reference ? 5 + answers : 1
    // A frame has 2 bytes more, and from a device a masking key of 4 (RFC 6455 section 5.2).
    assert.equal(run.value(FRAMING, name), isWebSocket ? 6 * written + 2 * answers : 0, name)
    // A record of TLS 1.3 with AES-GCM adds 22 bytes (RFC 8446 section 5.2).
    const records = isSecure ? written + answers : 0
    assert.equal(run.value(SECURITY, name), 22 * records, name)
  }
  const connects = (name: string): number =>
    run.value('wire.connect_bytes.up', name) + run.value('wire.connect_bytes.down', name)
  // TCP carries the same; TLS of Node has another ClientHello, and fewer packets.
  if (stack === 'mqtt-tcp') assert.equal(connects(reference), connects(lean))
  else if (stack === 'mqtt-tls')
    assert.ok(Math.abs(connects(reference) / connects(lean) - 1) < 0.05)
  const audit = run.run.audit.stacks
  assert.equal(audit['client']?.[lean], 'lean')
  assert.match(audit['client']?.[reference] ?? '', /^reference \(mqtt 5\.\d+\.\d+\)$/)
  for (const property of ['TCP_NODELAY', 'TCP congestion control', 'version', 'cipher', 'group'])
    assert.equal(audit[property]?.[reference], audit[property]?.[lean], property)
}

const PAIRS: Readonly<Record<string, readonly Pair[]>> = {
  mosquitto: [
    ['mqtt-tcp', 'best-effort'],
    ['mqtt-tcp', 'acknowledged'],
    ['mqtt-tls', 'best-effort'],
    ['mqtt-tls', 'acknowledged'],
    ['mqtt-ws', 'best-effort'],
    ['mqtt-ws', 'acknowledged'],
    ['mqtt-wss', 'acknowledged'],
  ],
  aedes: [
    ['mqtt-tcp', 'acknowledged'],
    ['mqtt-tls', 'best-effort'],
  ],
}

for (const [broker, pairs] of Object.entries(PAIRS))
  test(
    `${broker}: the reference client delivers all, with exactly the bytes of our own sessions`,
    { skip: skipReason() },
    async () => {
      await using run = await runText(scenario(broker, pairs))
      assert.equal(run.run.audit.channels_agree, true)
      for (const pair of pairs) check(run, pair)
    },
  )

test(
  'after a reset of all connections the reference client reconnects, and no acknowledged message is lost',
  { skip: skipReason() },
  async () => {
    await using run = await runText(`thingbench: 1
title: Does a real client library survive a NAT that forgets?
stacks: [{ stack: mqtt-tcp, name: library, client: reference, mqtt: { version: "5" } }]
links: [{ name: near, delay: 2 ms }]
devices: 5
workload: { interval: 100 ms }
phases: { ramp: 0.2 s, warmup: 0.2 s, measure: 2 s, drain: 5 s, connect_deadline: 20 s }
timeline: [{ at: 1 s, rebind: all, policy: reset }]
repetitions: 1
`)
    assert.equal(run.value('delivery.lost', 'library'), 0)
    assert.equal(run.value('delivery.acked_lost', 'library'), 0)
    assert.equal(run.value('devices.connected', 'library'), 5)
    // A handshake of TCP and of MQTT for each device lies in the window.
    assert.ok(run.value('wire.packets_per_message.up', 'library') > 2.1)
  },
)
