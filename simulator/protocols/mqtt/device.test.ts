import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER, SECOND } from '../../core/clock.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const opened = (reliability: Reliability, options: ProtocolOptions = {}) => {
  const events = new Events()
  const below = new Below()
  const device = new MqttDevice(deviceConfig(reliability, options), events)
  device.below = below
  device.open(0)
  return { device, below, events }
}

/** A device whose CONNECT was accepted. */
const connected = (
  reliability: Reliability,
  options: ProtocolOptions = {},
  connack = options.version === '5' ? '2003 0000 00' : '2002 0000',
) => {
  const all = opened(reliability, options)
  all.device.fromBelow(hex(connack), 1)
  assert.deepEqual(all.events.take(), ['ready'])
  all.below.take()
  return all
}

const PAYLOAD = ascii('AAAAAAAA')

test('sends CONNECT when the layer below opens and is ready at CONNACK', () => {
  const { device, below, events } = opened('acknowledged')
  assert.deepEqual(below.take(), ['101300044d5154540402003c000764303030303432'])
  assert.equal(device.openedAt, 0)
  assert.deepEqual(events.take(), [])
  device.fromBelow(hex('20020000'), 1)
  assert.deepEqual(events.take(), ['ready'])
})

test('takes no message before CONNACK', () => {
  assert.equal(opened('acknowledged').device.send(0, PAYLOAD, 1), false)
})

test('a best-effort message is a PUBLISH of QoS 0 and nothing is outstanding', () => {
  const { device, below, events } = connected('best-effort')
  assert.equal(device.send(7, PAYLOAD, 2), true)
  assert.deepEqual(below.take(), ['30120008642f3030303034324141414141414141'])
  assert.deepEqual(events.take(), ['transmitted 7'])
  assert.equal(device.outstanding(), 0)
})

for (const version of ['3.1.1', '5'])
  test(`an acknowledged message is a PUBLISH of QoS 1 and PUBACK acknowledges it (${version})`, () => {
    const { device, below, events } = connected('acknowledged', { version })
    device.send(7, PAYLOAD, 2)
    device.send(8, PAYLOAD, 3)
    const properties = version === '5' ? '00' : ''
    const length = version === '5' ? '15' : '14'
    assert.deepEqual(below.take(), [
      `32${length}0008642f3030303034320001${properties}4141414141414141`,
      `32${length}0008642f3030303034320002${properties}4141414141414141`,
    ])
    assert.equal(device.outstanding(), 2)
    device.fromBelow(hex('40020002 40020001'), 4)
    assert.deepEqual(events.take(), [
      'transmitted 7',
      'transmitted 8',
      'acknowledged 8',
      'acknowledged 7',
    ])
    assert.equal(device.outstanding(), 0)
  })

test('the version may come from the scenario as a number', () => {
  const { below } = opened('acknowledged', { version: 5 })
  assert.match(below.take()[0] as string, /^101400044d51545405/)
})

test('a message that the layer below refuses is not taken, and its identifier is free again', () => {
  const { device, below, events } = connected('acknowledged')
  below.blocked = true
  assert.equal(device.send(1, PAYLOAD, 2), false)
  assert.equal(device.send(1, PAYLOAD, 3), false)
  assert.equal(device.outstanding(), 0)
  below.blocked = false
  assert.equal(device.send(1, PAYLOAD, 3), false, 'still blocked: ready has not come')
  device.ready(4)
  assert.deepEqual(events.take(), ['unblocked'])
  assert.equal(device.send(1, PAYLOAD, 5), true)
  device.fromBelow(hex('40020002'), 6)
  assert.deepEqual(events.take(), ['transmitted 1', 'acknowledged 1'])
})

test('unblocked comes only to who was refused', () => {
  const { device, events } = connected('acknowledged')
  device.ready(2)
  assert.deepEqual(events.take(), [])
})

test('at most Receive Maximum messages are unacknowledged [MQTT-3.3.4-7]', () => {
  const { device, events } = connected('acknowledged', { version: '5' }, '2006 0000 03 210002')
  events.onUnblocked = () => device.send(3, PAYLOAD, 5)
  assert.equal(device.send(1, PAYLOAD, 2), true)
  assert.equal(device.send(2, PAYLOAD, 2), true)
  assert.equal(device.send(3, PAYLOAD, 2), false)
  events.take()
  device.fromBelow(hex('40020001'), 5)
  assert.deepEqual(events.take(), ['acknowledged 1', 'unblocked', 'transmitted 3'])
  assert.equal(device.outstanding(), 2)
})

test('while the layer below is blocked, an acknowledgement does not unblock', () => {
  const { device, below, events } = connected(
    'acknowledged',
    { version: '5' },
    '2006 0000 03 210002',
  )
  device.send(1, PAYLOAD, 2)
  below.blocked = true
  assert.equal(device.send(2, PAYLOAD, 2), false)
  device.fromBelow(hex('40020001'), 3)
  below.blocked = false
  device.ready(4)
  assert.deepEqual(events.take(), ['transmitted 1', 'acknowledged 1', 'unblocked'])
})

test('a PUBACK of MQTT 5 can acknowledge in words, or refuse', () => {
  const { device, events } = connected('acknowledged', { version: '5' })
  device.send(1, PAYLOAD, 2)
  device.send(2, PAYLOAD, 2)
  events.take()
  device.fromBelow(hex('4003000110 4009000297 05 1f0002 6e6f'), 3)
  assert.deepEqual(events.take(), [
    'acknowledged 1',
    'gave up 2: PUBACK: quota exceeded (0x97): no',
  ])
})

const REFUSALS: readonly (readonly [options: ProtocolOptions, connack: string, ended: string])[] = [
  [{}, '20020001', 'ended protocol: CONNECT refused: unacceptable protocol version (0x01)'],
  [{}, '20020002', 'ended protocol: CONNECT refused: identifier rejected (0x02)'],
  [{}, '20020003', 'ended protocol: CONNECT refused: server unavailable (0x03)'],
  [{}, '20020004', 'ended authentication: CONNECT refused: bad user name or password (0x04)'],
  [{}, '20020005', 'ended authentication: CONNECT refused: not authorized (0x05)'],
  [{}, '20020009', 'ended protocol: CONNECT refused: unknown reason (0x09)'],
  [{ version: '5' }, '2003008700', 'ended authentication: CONNECT refused: not authorized (0x87)'],
  [
    { version: '5' },
    '2008008805 1f0002 6e6f',
    'ended protocol: CONNECT refused: server unavailable (0x88): no',
  ],
  [
    { version: '5' },
    '20020001',
    'ended protocol: CONNECT refused: unacceptable protocol version (0x01)',
  ],
  [
    { version: '5' },
    '2005000002 2400',
    'ended protocol: the server takes at most QoS 0 [MQTT-3.2.2-11]',
  ],
]

for (const [options, connack, ended] of REFUSALS)
  test(`CONNACK ${connack} in version ${String(options.version ?? '3.1.1')}: ${ended}`, () => {
    const { device, below, events } = opened('acknowledged', options)
    device.fromBelow(hex(connack), 1)
    assert.deepEqual(events.take(), [ended])
    assert.equal(below.closes, 1)
    assert.equal(device.send(0, PAYLOAD, 2), false)
    assert.equal(device.deadline(), NEVER)
  })

const VIOLATIONS: readonly (readonly [what: string, bytes: string, clause: RegExp])[] = [
  ['PUBACK of an unknown identifier', '40020009', /MQTT-2\.3\.1-6/],
  ['PUBACK with flags', '41020001', /PUBACK with flags 1 instead of 0.*MQTT-2\.2\.2-2/],
  ['a second CONNACK', '20020000', /second CONNACK.*MQTT-3\.2\.0-2/],
  ['PUBLISH to a client without subscription', '300a0008642f303030303432', /only publishes/],
  ['PINGRESP with content', 'd00100', /PINGRESP with content/],
  ['packet type 0', '0000', /packet type 0/],
  ['CONNECT to a client', '1000', /CONNECT to a client/],
  ['a length of five bytes', 'd0ffffffff01', /Remaining Length/],
]

for (const [what, bytes, clause] of VIOLATIONS)
  test(`${what} ends the session`, () => {
    const { device, below, events } = connected('acknowledged')
    device.fromBelow(hex(bytes), 2)
    const [ended, ...more] = events.take()
    assert.match(ended as string, /^ended protocol: the server sent /)
    assert.match(ended as string, clause)
    assert.deepEqual(more, [])
    assert.equal(below.closes, 1)
    device.closed({ code: 'closed', detail: '' }, 3)
    device.fromBelow(hex('40020001'), 3)
    device.ready(3)
    assert.deepEqual(events.take(), [], 'no event follows the end')
  })

test('a violation in MQTT 5 is answered with its reason code [MQTT-4.13.1-1]', () => {
  const { device, below } = connected('acknowledged', { version: '5' })
  device.fromBelow(hex('40020009'), 2)
  assert.deepEqual(below.take(), ['e00182'])
})

test('a packet before CONNACK, and a session present after a clean start, end the session', () => {
  for (const [bytes, clause] of [
    ['40020001', /PUBACK before CONNACK \[MQTT-3\.2\.0-1\]/],
    ['20020100', /session present.*MQTT-3\.2\.2-1/],
  ] as const) {
    const { device, events } = opened('acknowledged')
    device.fromBelow(hex(bytes), 2)
    assert.match(events.take().join(), clause)
  }
})

test('DISCONNECT of a server of MQTT 5 ends the session with its reason', () => {
  const { device, events } = connected('acknowledged', { version: '5' })
  device.fromBelow(hex('e0018b'), 2)
  assert.deepEqual(events.take(), [
    'ended closed: DISCONNECT from the server: server shutting down (0x8b)',
  ])
  const other = connected('acknowledged', { version: '5' })
  other.device.fromBelow(hex('e00187'), 2)
  assert.match(other.events.take().join(), /^ended authentication/)
})

test('the end of the layer below is the end of the session, with what was missing', () => {
  const { device, events } = opened('acknowledged')
  device.closed({ code: 'closed', detail: 'FIN' }, 2)
  assert.deepEqual(events.take(), ['ended closed: FIN (before CONNACK)'])
  const later = connected('acknowledged')
  later.device.fromBelow(hex('4002'), 2)
  later.device.closed({ code: 'closed', detail: 'FIN' }, 3)
  assert.deepEqual(later.events.take(), ['ended truncated: FIN'])
})

test('pings after a keep alive of silence, and gives up after half of it without an answer', () => {
  const { device, below, events } = connected('best-effort', { keepalive: 10 * SECOND })
  assert.equal(device.deadline(), 10 * SECOND + 1)
  device.send(0, PAYLOAD, 4 * SECOND)
  below.take()
  assert.equal(device.deadline(), 14 * SECOND)
  device.expire(14 * SECOND)
  assert.deepEqual(below.take(), ['c000'])
  assert.equal(device.deadline(), 19 * SECOND)
  device.fromBelow(hex('d000'), 15 * SECOND)
  assert.equal(device.deadline(), 24 * SECOND)
  device.expire(24 * SECOND)
  device.expire(29 * SECOND)
  assert.deepEqual(events.take(), ['transmitted 0', 'ended timeout: no PINGRESP within 5 s'])
  assert.equal(below.closes, 1)
  assert.equal(device.deadline(), NEVER)
})

test('a PINGREQ that the layer below refuses is sent when it is ready, and still has its deadline', () => {
  const { device, below, events } = connected('best-effort', { keepalive: 10 * SECOND })
  below.blocked = true
  device.expire(11 * SECOND)
  assert.equal(device.deadline(), 16 * SECOND)
  below.blocked = false
  device.ready(12 * SECOND)
  assert.deepEqual(below.take(), ['c000'])
  device.fromBelow(hex('d000'), 13 * SECOND)
  assert.equal(device.deadline(), 22 * SECOND)
  assert.deepEqual(events.take(), [])
})

test('the keep alive of the server replaces ours [MQTT-3.2.2-21], and 0 is none', () => {
  const { device } = connected('best-effort', { version: '5' }, '2006 0000 03 130005')
  assert.equal(device.deadline(), 5 * SECOND + 1)
  assert.equal(connected('best-effort', { keepalive: 0 }).device.deadline(), NEVER)
})

test('a server that does not answer CONNECT is given up', () => {
  const { device, events } = opened('acknowledged')
  assert.equal(device.deadline(), 60 * SECOND)
  device.expire(60 * SECOND)
  assert.deepEqual(events.take(), ['ended timeout: no CONNACK within 60 s'])
})

test('close sends DISCONNECT, closes the layer below, and tells nobody', () => {
  const { device, below, events } = connected('acknowledged')
  device.close(2)
  device.close(3)
  assert.deepEqual(below.take(), ['e000'])
  assert.equal(below.closes, 1)
  assert.deepEqual(events.take(), [])
})

test('a message over the Maximum Packet Size of the server ends the session [MQTT-3.2.2-15]', () => {
  const { device, below, events } = connected(
    'best-effort',
    { version: '5' },
    '2008 0000 05 2700000014',
  )
  assert.equal(device.send(0, ascii('1234567'), 2), true)
  assert.equal(device.send(1, ascii('12345678'), 2), false)
  assert.equal(below.take().length, 1)
  assert.match(events.take()[1] as string, /^ended protocol: a PUBLISH of 21 bytes.*at most 20/)
})

const PIPELINED = { pipelining: true }

/** A device that hands its messages over as soon as they are taken. */
const pipelined = (reliability: Reliability, count: number, options: ProtocolOptions = {}) => {
  const events = new Events()
  const below = new Below()
  const taken: boolean[] = []
  const eager = Object.assign(events, {
    takesMessages: (session: Pick<MqttDevice, 'send'>, now: number): void => {
      for (let i = 0; i < count; i++) taken.push(session.send(i, PAYLOAD, now))
    },
  })
  const config = deviceConfig(reliability, { ...PIPELINED, ...options })
  const device = new MqttDevice(config, eager)
  device.below = below
  device.open(0)
  return { device, below, events, taken }
}

test('with pipelining a message goes right behind CONNECT, and is acknowledged behind CONNACK', () => {
  const { device, below, events } = pipelined('acknowledged', 1)
  assert.deepEqual(below.take(), [
    '101300044d5154540402003c000764303030303432',
    '32140008642f30303030343200014141414141414141',
  ])
  assert.deepEqual(events.take(), ['transmitted 0'])
  device.fromBelow(hex('20020000 40020001'), 1)
  assert.deepEqual(events.take(), ['ready', 'acknowledged 0'])
  assert.equal(device.send(1, PAYLOAD, 2), true)
  assert.equal(device.outstanding(), 1)
})

test('before CONNACK no more messages go than any server takes, and the rest when it says how many it does', () => {
  const { device, below, events, taken } = pipelined('acknowledged', 20)
  assert.equal(taken.filter(Boolean).length, 16)
  assert.equal(below.take().length, 1 + 16)
  events.take()
  device.fromBelow(hex('20020000'), 1)
  assert.deepEqual(events.take(), ['ready', 'unblocked'])
  assert.equal(device.send(16, PAYLOAD, 2), true)
})

test('a server that takes fewer messages at a time than are on their way gets no further ones', () => {
  const { device, events } = pipelined('acknowledged', 3, { version: '5' })
  // Receive Maximum 2.
  device.fromBelow(hex('2006 0000 03 210002'), 1)
  events.take()
  assert.equal(device.send(3, PAYLOAD, 2), false)
  device.fromBelow(hex('40020001 40020002'), 3)
  assert.deepEqual(events.take(), ['acknowledged 0', 'acknowledged 1', 'unblocked'])
})

test('a refused CONNECT ends the session with its messages unacknowledged', () => {
  const { device, events } = pipelined('acknowledged', 1)
  device.fromBelow(hex('20020005'), 1)
  const [transmitted, end] = events.take()
  assert.equal(transmitted, 'transmitted 0')
  assert.match(end ?? '', /^ended authentication: CONNECT refused/)
})
