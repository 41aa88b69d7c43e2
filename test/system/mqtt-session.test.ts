/** What Mosquitto keeps for a device: retained messages, its will, and its session when connections are cut in the middle. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { MILLISECOND, SECOND } from '../../simulator/core/clock.ts'
import type { ProtocolOptions } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { ConsumerEvents, DeviceSession } from '../../simulator/protocols/session.ts'
import {
  alarm,
  common,
  connected,
  consumerSession,
  deviceSession,
  MESSAGES,
  numbers,
  Sender,
  skip,
  start,
} from './mqtt-clients.cases.ts'

/** What a consumer gets that comes when the devices are gone. */
const late = (options: ProtocolOptions, before: (reactor: EpollReactor) => void): string[] => {
  using reactor = new EpollReactor()
  const received: string[] = []
  before(reactor)
  alarm(reactor, 300 * MILLISECOND, () => {
    const events: ConsumerEvents = {
      consumerReady: () => {},
      received: (device, payload) => received.push(`${device} ${Buffer.from(payload).toString()}`),
      ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
    }
    connected(reactor, consumerSession(events, options, 'acknowledged'))
  })
  alarm(reactor, 600 * MILLISECOND, () => reactor.stop())
  reactor.run()
  return received
}

test('the broker keeps the last retained message, and no other', { skip }, async (t) => {
  await start(t)
  for (const [options, expected] of [
    [{}, []],
    [{ retain: true }, [`3 ${numbers.at(-1)}`]],
  ] as const) {
    const received = late(options, (reactor) => {
      const sender = new Sender(true, () => {})
      sender.session = deviceSession(3, sender, options)
      connected(reactor, sender.session)
      alarm(reactor, 200 * MILLISECOND, () => sender.session?.close(reactor.now()))
    })
    assert.deepEqual(received, expected)
  }
})

test(
  'the broker publishes the will of a device that goes without DISCONNECT, and only of that',
  { skip },
  async (t) => {
    await start(t)
    // Under "d", so that the consumer hears it: as a message of no device.
    const options = { 'will.topic': 'd', 'will.payload': 6, 'will.qos': 1 }
    for (const [orderly, expected] of [
      [true, []],
      [false, ['-1 wwwwww']],
    ] as const) {
      using reactor = new EpollReactor()
      const received: string[] = []
      const sender = new Sender(true, () => {})
      sender.next = MESSAGES
      sender.session = deviceSession(0, sender, options)
      const events: ConsumerEvents = {
        consumerReady: () => {
          connected(reactor, sender.session as DeviceSession)
          alarm(reactor, 200 * MILLISECOND, () => {
            if (orderly) sender.session?.close(reactor.now())
            else sender.session?.below.close(reactor.now())
          })
        },
        received: (device, payload) =>
          received.push(`${device} ${Buffer.from(payload).toString()}`),
        ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
      }
      connected(reactor, consumerSession(events, {}, 'acknowledged'))
      alarm(reactor, 500 * MILLISECOND, () => reactor.stop())
      reactor.run()
      assert.deepEqual(received, expected)
    }
  },
)

for (const version of ['3.1.1', '5'])
  for (const reliability of ['acknowledged', 'exactly-once'] as const)
    test(
      `connections that are cut in the middle lose nothing on a persistent session (${version}, ${reliability})`,
      { skip },
      async (t) => {
        await start(t)
        using reactor = new EpollReactor()
        const options = { version, clean_start: false }
        const memory = { kept: null }
        const received: string[] = []
        const acknowledged = new Set<number>()
        let connections = 0
        let present = 0
        let next = 0
        const cut = (session: DeviceSession): void => {
          session.below.close(reactor.now())
          session.closed({ code: 'reset', detail: 'cut by the test' }, reactor.now())
        }
        const again = (): void => {
          connections++
          const pending: number[] = []
          for (let i = 0; i < next; i++) if (!acknowledged.has(i)) pending.push(i)
          const pump = (now: Nanoseconds): void => {
            // No more than Mosquitto holds of a client of 3.1.1, whom it does not tell a Receive Maximum.
            const room = (): boolean => session.outstanding() < 20 || pending.length > 0
            while (room() && (pending.length > 0 || next < MESSAGES)) {
              const sequence = pending[0] ?? next
              const payload = Buffer.from(String(sequence).padStart(8, '0'))
              if (!session.send(sequence, payload, now)) return
              if (pending.length > 0) pending.shift()
              else next++
            }
          }
          const session: DeviceSession = mqtt.device(
            {
              ...common(options, reliability),
              device: 0,
              registration: 'resource-directory',
              memory,
            },
            {
              sessionReady: (now) => {
                if (session.outstanding() > 0) present++
                pump(now)
              },
              transmitted: () => {},
              acknowledged: (sequence, now) => {
                acknowledged.add(sequence)
                if (acknowledged.size === MESSAGES)
                  alarm(reactor, 100 * MILLISECOND, () => reactor.stop())
                // With 19 in flight, in all stages of their handshakes.
                else if (acknowledged.size >= connections * 15) cut(session)
                else pump(now)
              },
              gaveUp: (sequence, reason) => assert.fail(`${sequence}: ${reason}`),
              unblocked: pump,
              ended: (cause) => {
                assert.equal(cause.detail, 'cut by the test')
                alarm(reactor, MILLISECOND, again)
              },
            },
          )
          connected(reactor, session)
        }
        const events: ConsumerEvents = {
          consumerReady: again,
          received: (_, payload) => received.push(Buffer.from(payload).toString()),
          ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
        }
        connected(reactor, consumerSession(events, options, reliability))
        alarm(reactor, 10 * SECOND, () => reactor.stop())
        reactor.run()
        assert.equal(acknowledged.size, MESSAGES)
        assert.ok(connections > 3 && present > 0, `${connections} connections, ${present} resumed`)
        assert.deepEqual([...new Set(received)].sort(), numbers)
        if (reliability === 'exactly-once') assert.equal(received.length, MESSAGES)
      },
    )
