import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import type { Layer, Traffic, Upper } from '../core/layer.ts'
import { PLAIN_TCP, type TcpFound } from '../core/tcp.ts'
import type { TcpOptions } from '../core/types.ts'
import type { Reactor, StreamOptions } from '../io/reactor.ts'
import { makePki } from '../security/pki.ts'
import type { Device } from './device.ts'
import { PileFactory } from './pile.ts'
import { configOf } from './world.cases.ts'

const { authority: AUTHORITY } = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

/** What the reactor is asked for when a device of such a stack connects, and the factory that asked. */
const askedFor = (tcp: TcpOptions): { factory: PileFactory; options: StreamOptions } => {
  const plain = configOf({ protocol: 'mqtt' })
  const factory = new PileFactory({ ...plain, stack: { ...plain.stack, tcp } })
  const asked: StreamOptions[] = []
  const reactor = { connectStream: (options: StreamOptions) => void asked.push(options) }
  const device = { index: 0, timerSlot: -1, deadline: () => NEVER, expire() {} }
  factory.open(reactor as unknown as Reactor, device as unknown as Device, '10.64.0.1')
  const [options] = asked
  assert.ok(options !== undefined)
  return { factory, options }
}

test("a device's socket is asked for what its stack asks of TCP", () => {
  const plain = askedFor(PLAIN_TCP).options
  assert.deepEqual([plain.noDelay, plain.keepalive, plain.userTimeout], [true, null, null])
  const { options } = askedFor({
    ...PLAIN_TCP,
    nodelay: false,
    keepalive: 60 * SECOND,
    userTimeout: 1500 * MILLISECOND,
  })
  assert.deepEqual(
    [options.noDelay, options.keepalive, options.userTimeout],
    [false, 60 * SECOND, 1500 * MILLISECOND],
  )
})

test('layers are stacked session, framing, security, and each boundary counts where there is a layer', () => {
  const tls = {
    version: '1.3',
    group: 'X25519',
    cipher: 'TLS_AES_128_GCM_SHA256',
    auth: 'server',
    resumption: false,
    earlyData: false,
  } as const
  for (const framing of ['none', 'websocket'] as const)
    for (const security of ['none', 'tls'] as const) {
      const plain = configOf({ protocol: 'mqtt' })
      const factory = new PileFactory({
        ...plain,
        stack: { ...plain.stack, framing, security, tls: security === 'tls' ? tls : null },
        authority: AUTHORITY,
      })
      let lowest: Upper | null = null
      let traffic: Traffic | null = null
      const reactor = {
        connectStream(options: StreamOptions, upper: Upper) {
          lowest = upper
          traffic = options.traffic
        },
      }
      const device = { index: 0, timerSlot: -1, deadline: () => NEVER, expire() {} }
      const pile = factory.open(
        reactor as unknown as Reactor,
        device as unknown as Device,
        '10.64.0.1',
      )
      const layers = [pile.session, pile.framing, pile.security].filter(
        (one) => one !== null,
      ) as Layer[]
      assert.equal(layers.length, 1 + Number(framing !== 'none') + Number(security !== 'none'))
      assert.equal(lowest, layers.at(-1))
      for (const [i, layer] of layers.entries())
        if (i > 0) {
          assert.equal(layers[i - 1]?.below, layer)
          assert.equal(layer.above, layers[i - 1])
        }
      assert.equal(traffic, factory.transport)
      const { application, framed, transport } = factory
      assert.equal(application === framed, framing === 'none')
      assert.equal(framed === transport, security === 'none')
      const counted = [framing === 'none' ? null : application, security === 'none' ? null : framed]
      assert.deepEqual(
        layers.slice(1).map((layer) => layer.traffic),
        counted.filter((one) => one !== null),
      )
    }
})

test('what the first connection is found to have is kept for the audit', () => {
  const { factory, options } = askedFor(PLAIN_TCP)
  assert.equal(factory.tcp.found, null)
  const found = { congestion: 'cubic' } as TcpFound
  assert.ok(options.record !== undefined)
  options.record.found = found
  assert.equal(factory.tcp.found, found)
})
