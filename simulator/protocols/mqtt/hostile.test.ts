/** Random and mutated bytes from the server: a session may end, but it throws nothing and keeps little. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const VALID = [
  '2003000000',
  '2006000003210014',
  '900400010001',
  '320f0008642f3030303030370001006869',
  '9003000101',
  '320e0008632f30303030343200076869',
  '300d0008642f303030303037006869',
  '40020001',
  '50020001',
  '5003000197',
  '62020001',
  '70020001',
  '7003000192',
  '340f0008642f3030303030370001006869',
  '2003010000',
  '4009000297051f00026e6f',
  'd000',
  'e0018b',
].map(hex)

/** Packets of a server, some bytes of them changed, dropped or added, cut anywhere. */
const mutated = fc
  .record({
    packets: fc.array(fc.constantFrom(...VALID), { minLength: 1, maxLength: 6 }),
    changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(2)), {
      maxLength: 4,
    }),
  })
  .map(({ packets, changes }) => {
    const bytes = packets.flatMap((packet) => [...packet])
    for (const [at, value, kind] of changes)
      bytes.splice(at % bytes.length, kind === 0 ? 0 : 1, ...(kind === 1 ? [] : [value]))
    return Uint8Array.from(bytes)
  })
const hostile = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated)
const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 10 })

const feed = (session: MqttDevice | MqttConsumer, bytes: Uint8Array, cuts: number[]): void => {
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    session.fromBelow(bytes.subarray(at, at + cut), 5)
    session.ready(5)
    session.expire(session.deadline())
    at += cut
  }
}

/** An application that speaks and does not listen. */
const SPEECH = {
  transmitted: () => {},
  acknowledged: () => {},
  gaveUp: () => {},
  unblocked: () => {},
}

const endings = (events: Events): number =>
  events.lines.filter((line) => line.startsWith('ended')).length

const reliabilities = fc.constantFrom('acknowledged' as const, 'exactly-once' as const)

for (const version of ['3.1.1', '5']) {
  test(`a device (${version}) throws nothing and ends at most once`, () => {
    fc.assert(
      fc.property(
        hostile,
        cuts,
        fc.boolean(),
        reliabilities,
        fc.boolean(),
        (bytes, cuts, ready, reliability, hearing) => {
          const events = new Events()
          const hears = hearing ? 'commands' : null
          const config = deviceConfig(reliability, { version, clean_start: false })
          const device = new MqttDevice({ ...config, hears, memory: { kept: null } }, events)
          device.below = new Below()
          device.open(0)
          if (ready) device.fromBelow(hex(version === '5' ? '2003000000' : '20020000'), 1)
          device.send(0, ascii('AAAAAAAA'), 2)
          device.send(1, ascii('AAAAAAAA'), 2)
          feed(device, bytes, cuts)
          assert.ok(endings(events) <= 1)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test(`a consumer (${version}) throws nothing and ends at most once`, () => {
    fc.assert(
      fc.property(hostile, cuts, fc.boolean(), reliabilities, (bytes, cuts, ready, reliability) => {
        const events = Object.assign(new Events(), { speech: SPEECH })
        const consumer = new MqttConsumer(consumerConfig(reliability, { version }), events)
        consumer.below = new Below()
        consumer.open(0)
        if (ready)
          consumer.fromBelow(
            hex(
              (version === '5' ? '200300000090040001000' : '20020000900300010') +
                (reliability === 'acknowledged' ? '1' : '2'),
            ),
            1,
          )
        if (ready) consumer.command(42, 0, ascii('AAAAAAAA'), 2)
        feed(consumer, bytes, cuts)
        assert.ok(endings(events) <= 1)
      }),
      { numRuns: 1000 },
    )
  })
}

test('a length of 256 MiB is refused before anything is kept for it', () => {
  const events = new Events()
  const device = new MqttDevice(deviceConfig('acknowledged'), events)
  device.below = new Below()
  device.open(0)
  const before = process.memoryUsage().arrayBuffers
  device.fromBelow(hex('30ffffff7f'), 1)
  assert.match(events.lines.join(), /at most 65536/)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1e6)
})
