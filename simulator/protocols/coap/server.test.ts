import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generate, type OptionName, parse } from 'coap-packet'
import { NEVER, SECOND } from '../../core/clock.ts'
import { Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import { CoapServer } from './server.ts'

const T0 = 1e12
const DEVICES = 100

const start = () => {
  const delivered: string[] = []
  const sent: { readonly to: number; readonly bytes: Buffer }[] = []
  const server = new CoapServer(
    {
      devices: DEVICES,
      reliability: 'acknowledged',
      options: {},
      serverName: '',
      password: '',
      random: new Random(1),
    },
    {
      consumerReady: () => assert.fail('whoever binds the server says so'),
      received: (device, payload) => delivered.push(`${device} ${Buffer.from(payload).toString()}`),
      ended: () => assert.fail(),
    },
  )
  server.below = {
    toPeer: (to, bytes) => void sent.push({ to, bytes: Buffer.from(bytes) }),
    close: () => {},
    traffic: new Traffic(),
  }
  return { server, delivered, sent }
}

interface Wanted {
  readonly code?: string
  readonly id?: number
  readonly confirmable?: boolean
  readonly path?: readonly string[]
  readonly options?: readonly (readonly [string, string])[]
  readonly payload?: string
}

const request = (wanted: Wanted): Buffer =>
  generate({
    code: wanted.code ?? '0.02',
    confirmable: wanted.confirmable ?? true,
    messageId: wanted.id ?? 1,
    token: Buffer.from('beef', 'hex'),
    options: [
      ...(wanted.path ?? ['d', '000042']).map((segment) => ['Uri-Path', segment] as const),
      ...(wanted.options ?? []),
    ].map(([name, value]) => ({ name: name as OptionName, value: Buffer.from(value, 'latin1') })),
    payload: Buffer.from(wanted.payload ?? 'hello'),
  })

/** Sends one request from peer 5 to a new server. */
const ask = (wanted: Wanted) => {
  const { server, delivered, sent } = start()
  server.fromPeer(5, request(wanted), T0)
  return { delivered, replies: sent.map(({ bytes }) => parse(bytes)) }
}

test('telemetry in a CON is delivered and answered 2.04 on the ACK, with its message ID and token', () => {
  for (const code of ['0.02', '0.03']) {
    const { delivered, replies } = ask({ code, id: 0x1234 })
    assert.deepEqual(delivered, ['42 hello'])
    assert.equal(replies.length, 1)
    const [reply] = replies
    assert.deepEqual(
      [reply?.ack, reply?.code, reply?.messageId, reply?.token.toString('hex')],
      [true, '2.04', 0x1234, 'beef'],
    )
    assert.equal(reply?.options.length, 0)
  }
})

test('a registration is answered 2.01 with the place of the registration', () => {
  const { delivered, replies } = ask({ path: ['rd'], options: [['Uri-Query', 'ep=d000042']] })
  assert.deepEqual(delivered, [])
  assert.equal(replies[0]?.code, '2.01')
  assert.deepEqual(
    replies[0]?.options.map(({ name, value }) => [name, value.toString()]),
    [
      ['Location-Path', 'rd'],
      ['Location-Path', '000042'],
    ],
  )
})

test('/.well-known/core lists the resources in link format', () => {
  const { replies } = ask({ code: '0.01', path: ['.well-known', 'core'], payload: '' })
  assert.equal(replies[0]?.code, '2.05')
  assert.deepEqual(replies[0]?.options, [{ name: 'Content-Format', value: Buffer.of(40) }])
  assert.equal(
    replies[0]?.payload.toString(),
    '</rd>;rt="core.rd";ct=40,</d/000000>;title="telemetry"',
  )
})

const answers: readonly (readonly [string, Wanted, string])[] = [
  ['an unknown path', { path: ['x'] }, '4.04'],
  ['the root', { path: [] }, '4.04'],
  ['/d alone', { path: ['d'] }, '4.04'],
  ['/.well-known alone', { code: '0.01', path: ['.well-known'] }, '4.04'],
  ['a device that is not six digits', { path: ['d', '00004x'] }, '4.04'],
  ['a device beyond the last', { path: ['d', '000100'] }, '4.04'],
  ['a path that goes on', { path: ['d', '000042', 'x'] }, '4.04'],
  ['a path that goes on behind /rd', { path: ['rd', 'd'] }, '4.04'],
  ['GET of telemetry', { code: '0.01' }, '4.05'],
  ['an unknown method', { code: '0.09' }, '4.05'],
  ['GET of the directory', { code: '0.01', path: ['rd'] }, '4.05'],
  ['POST to /.well-known/core', { path: ['.well-known', 'core'] }, '4.05'],
  ['a registration without a name', { path: ['rd'] }, '4.00'],
  [
    'a registration under a foreign name',
    { path: ['rd'], options: [['Uri-Query', 'ep=lamp123']] },
    '4.00',
  ],
  ['an unknown critical option', { options: [['Block1', '\x08']] }, '4.02'],
  ['a path segment longer than 255 bytes', { path: ['d', 'x'.repeat(256)] }, '4.02'],
  ['an unknown elective option', { options: [['2000', 'x']] }, '2.04'],
  [
    'Uri-Host and Uri-Port',
    {
      options: [
        ['Uri-Host', 'server.test'],
        ['Uri-Port', '\x16'],
      ],
    },
    '2.04',
  ],
  ['a proxy request', { options: [['Proxy-Uri', 'coap://elsewhere/']] }, '5.05'],
  [
    'an accepted format',
    { code: '0.01', path: ['.well-known', 'core'], options: [['Accept', '(']] },
    '2.05',
  ],
  [
    'a format that is not offered',
    { code: '0.01', path: ['.well-known', 'core'], options: [['Accept', '2']] },
    '4.06',
  ],
]
for (const [what, wanted, code] of answers)
  test(`${what} is answered ${code}`, () => {
    const { delivered, replies } = ask(wanted)
    assert.equal(replies[0]?.code, code)
    assert.equal(delivered.length, code === '2.04' ? 1 : 0)
  })

test('a NON is answered by a NON, unless it says with No-Response that it wants none', () => {
  const { server, delivered, sent } = start()
  server.fromPeer(5, request({ confirmable: false, id: 1 }), T0)
  const reply = parse(sent[0]?.bytes as Buffer)
  assert.deepEqual(
    [reply.confirmable, reply.ack, reply.code, reply.token.toString('hex')],
    [false, false, '2.04', 'beef'],
  )
  const silent = [['No-Response', '\x1a']] as const
  server.fromPeer(5, request({ confirmable: false, id: 2, options: silent }), T0)
  server.fromPeer(5, request({ confirmable: false, id: 3, path: ['x'], options: silent }), T0)
  assert.equal(sent.length, 1)
  // Only 2.xx is unwanted here.
  server.fromPeer(
    5,
    request({ confirmable: false, id: 4, path: ['x'], options: [['No-Response', '\x02']] }),
    T0,
  )
  assert.equal(parse(sent[1]?.bytes as Buffer).code, '4.04')
  // A CON still needs its acknowledgement.
  server.fromPeer(5, request({ id: 5, options: silent }), T0)
  assert.equal(sent[2]?.bytes.toString('hex'), '60000005')
  assert.equal(delivered.length, 3)
})

test('a duplicate CON is answered with the same bytes and not delivered again, for EXCHANGE_LIFETIME', () => {
  const { server, delivered, sent } = start()
  const bytes = request({ id: 9 })
  server.fromPeer(5, bytes, T0)
  server.fromPeer(5, bytes, T0 + 246 * SECOND)
  assert.deepEqual(sent[0], sent[1])
  assert.equal(delivered.length, 1)
  assert.equal(server.duplicates, 1)
  server.fromPeer(5, bytes, T0 + 247 * SECOND)
  assert.equal(delivered.length, 2)
})

test('a duplicate NON is silently ignored, for NON_LIFETIME', () => {
  const { server, delivered, sent } = start()
  const bytes = request({ id: 9, confirmable: false })
  server.fromPeer(5, bytes, T0)
  server.fromPeer(5, bytes, T0 + 144 * SECOND)
  assert.deepEqual([delivered.length, sent.length], [1, 1])
  server.fromPeer(5, bytes, T0 + 145 * SECOND)
  assert.deepEqual([delivered.length, sent.length], [2, 2])
})

test('the same message ID from another peer is another message', () => {
  const { server, delivered, sent } = start()
  server.fromPeer(5, request({ id: 9 }), T0)
  server.fromPeer(6, request({ id: 9 }), T0)
  assert.equal(delivered.length, 2)
  assert.deepEqual(
    sent.map(({ to }) => to),
    [5, 6],
  )
})

test('a peer whose association ended is forgotten, silent peers too', () => {
  const { server, delivered } = start()
  assert.equal(server.deadline(), NEVER)
  server.fromPeer(5, request({ id: 9 }), T0)
  server.peerGone(5)
  server.fromPeer(5, request({ id: 9 }), T0)
  assert.equal(delivered.length, 2)
  let sweeps = 0
  while (server.deadline() !== NEVER) {
    server.expire(server.deadline())
    sweeps++
  }
  assert.equal(server.peers.size, 0)
  assert.equal(sweeps, 5)
})

const rejected: readonly (readonly [string, string, string])[] = [
  ['a ping', '4000abcd', '7000abcd'],
  ['a malformed CON', '4202abcdbeefff', '7000abcd'],
  ['a CON of a reserved class', '40e0abcd', '7000abcd'],
  ['a CON response', '4044abcd', '7000abcd'],
]
for (const [what, hex, answer] of rejected)
  test(`${what} is answered with RST`, () => {
    const { server, sent } = start()
    server.fromPeer(5, Buffer.from(hex, 'hex'), T0)
    assert.deepEqual(
      sent.map(({ bytes }) => bytes.toString('hex')),
      [answer],
    )
  })

const ignored: readonly (readonly [string, string])[] = [
  ['an empty datagram', ''],
  ['another version', 'c001abcd'],
  ['an ACK', '6044abcd'],
  ['a Reset', '7000abcd'],
  ['an empty NON', '5000abcd'],
  ['a malformed NON', '5202abcdbeefff'],
  ['a NON with an unknown critical option', '5002abcdb16406303030303432d10308'],
]
for (const [what, hex] of ignored)
  test(`${what} is ignored`, () => {
    const { server, delivered, sent } = start()
    server.fromPeer(5, Buffer.from(hex, 'hex'), T0)
    assert.deepEqual([delivered.length, sent.length], [0, 0])
  })
