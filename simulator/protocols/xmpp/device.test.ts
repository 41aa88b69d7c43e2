import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SECOND } from '../../core/clock.ts'
import type { Cause } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import type { DeviceEvents, Hears } from '../session.ts'
import { XmppDevice } from './device.ts'
import { BOUND, FEATURES, HEADER, MECHANISMS, ServerSide, SUCCESS } from './server.fixture.ts'

const SM = 'urn:xmpp:sm:3'
const MESSAGE = `<message to='collector@x.test' type='normal'><body>AAAA</body></message>`
const REQUEST = `<r xmlns='${SM}'/>`
const payload = Buffer.from('AAAA')
const ack = (h: number): string => `<a xmlns='${SM}' h='${h}'/>`

class Events implements DeviceEvents {
  readonly log: string[] = []
  cause: Cause | null = null
  sessionReady(now: number): void {
    this.log.push(`ready ${now}`)
  }
  transmitted(sequence: number): void {
    this.log.push(`transmitted ${sequence}`)
  }
  acknowledged(sequence: number): void {
    this.log.push(`acknowledged ${sequence}`)
  }
  gaveUp(sequence: number): void {
    this.log.push(`gave up ${sequence}`)
  }
  unblocked(): void {
    this.log.push('unblocked')
  }
  ended(cause: Cause): void {
    assert.equal(this.cause, null, 'ended twice')
    this.cause = cause
  }
}

const device = (
  reliability: Reliability = 'acknowledged',
  options: ProtocolOptions = { sasl: 'PLAIN' },
  hears: Hears = null,
) => {
  const events = new Events()
  const session = new XmppDevice(
    {
      device: 42,
      reliability,
      options,
      serverName: 'x.test',
      password: 'secret',
      random: new Random(1),
      registration: 'resource-directory',
      hears,
    },
    events,
  )
  return { session, events, server: new ServerSide(session) }
}

const ready = (reliability?: Reliability) => {
  const all = device(reliability)
  all.server.logIn()
  all.server.heard()
  all.events.log.length = 0
  return all
}

test('it logs in one step at a time, and is ready when the JID is bound', () => {
  const { session, events, server } = device('best-effort')
  const header = `<?xml version='1.0'?><stream:stream to='x.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
  session.open(5)
  assert.equal(session.openedAt, 5)
  assert.equal(server.heard(), header)
  server.says(HEADER)
  assert.equal(server.heard(), '')
  server.says(MECHANISMS)
  const credentials = Buffer.from('\0d000042\0secret').toString('base64')
  assert.equal(
    server.heard(),
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`,
  )
  server.says(SUCCESS)
  assert.equal(server.heard(), header)
  server.says(HEADER + FEATURES)
  assert.equal(
    server.heard(),
    `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>`,
  )
  assert.deepEqual(events.log, [])
  server.says(BOUND, 77)
  assert.deepEqual(events.log, ['ready 77'])
  assert.equal(server.heard(), '')
})

test('with acknowledgements, stream management is switched on behind the JID, without waiting', () => {
  const { session, events, server } = device()
  server.logIn()
  assert.equal(server.heard(), `<enable xmlns='${SM}'/>`)
  assert.deepEqual(events.log, ['ready 1'])
  assert.equal(session.send(7, payload, 2), true)
  assert.equal(server.heard(), MESSAGE + REQUEST)
})

test('SCRAM-SHA-256 is what is taken when nothing is said', () => {
  const { session, server } = device('best-effort', {})
  session.open(0)
  server.heard()
  server.says(HEADER + MECHANISMS)
  assert.match(server.heard(), /mechanism='SCRAM-SHA-256'>/)
})

test('an acknowledgement covers all messages up to its count', () => {
  const { session, events, server } = ready()
  server.says(`<enabled xmlns='${SM}'/>`)
  for (const sequence of [10, 11, 12]) session.send(sequence, payload, 1)
  assert.equal(session.outstanding(), 3)
  server.says(ack(2))
  assert.equal(session.outstanding(), 1)
  server.says(ack(2))
  server.says(ack(3))
  assert.deepEqual(events.log.slice(3), ['acknowledged 10', 'acknowledged 11', 'acknowledged 12'])
  assert.equal(session.outstanding(), 0)
})

test('a count of more than was sent ends the session', () => {
  const { session, events, server } = ready()
  session.send(1, payload, 1)
  server.says(ack(2))
  assert.equal(events.cause?.code, 'protocol')
  assert.match(server.heard(), /<undefined-condition .*<\/stream:error><\/stream:stream>$/)
  assert.equal(server.closes, 1)
})

test('a count that goes back ends the session', () => {
  const { session, events, server } = ready()
  for (const sequence of [1, 2]) session.send(sequence, payload, 1)
  server.says(ack(2))
  server.says(ack(1))
  assert.equal(events.cause?.code, 'protocol')
})

test('best-effort asks for nothing and has nothing outstanding', () => {
  const { session, events, server } = ready('best-effort')
  assert.equal(session.send(1, payload, 1), true)
  assert.equal(server.heard(), MESSAGE)
  assert.equal(session.outstanding(), 0)
  assert.deepEqual(events.log, ['transmitted 1'])
})

test('questions of the server are answered, and their answers count as stanzas', () => {
  const { session, events, server } = ready()
  server.says(`<enabled xmlns='${SM}'/>`)
  server.says(`<iq type='get' id='p&amp;1' from='x.test'><ping xmlns='urn:xmpp:ping'/></iq>`)
  assert.equal(server.heard(), `<iq type='result' id='p&amp;1' to='x.test'/>`)
  server.says(`<iq type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`)
  assert.match(server.heard(), /^<iq type='error' id='v'><error .*service-unavailable/)
  server.says(`<message type='error' from='collector@x.test'><error type='cancel'/></message>`)
  server.says(REQUEST)
  assert.equal(server.heard(), `<a xmlns='${SM}' h='3'/>`)
  session.send(9, payload, 1)
  server.says(ack(3))
  assert.deepEqual(events.log, ['transmitted 9', 'acknowledged 9'])
})

test('while the layer below is full, messages are refused and answers kept, in order', () => {
  const { session, events, server } = ready()
  server.says(`<enabled xmlns='${SM}'/>`)
  server.blocked = true
  assert.equal(session.send(1, payload, 1), false)
  server.says(REQUEST)
  server.says(REQUEST)
  server.blocked = false
  assert.equal(session.send(1, payload, 1), false, 'not before it is ready')
  server.unblock()
  assert.equal(server.heard(), `<a xmlns='${SM}' h='0'/><a xmlns='${SM}' h='0'/>`)
  assert.deepEqual(events.log, ['unblocked'])
  assert.equal(session.send(1, payload, 1), true)
})

test('a server that asks on and takes no answers is given up', () => {
  const { events, server } = ready()
  server.says(`<enabled xmlns='${SM}'/>`)
  server.blocked = true
  for (let i = 0; i < 5000 && events.cause === null; i++) server.says(REQUEST)
  assert.equal(events.cause?.code, 'protocol')
})

test('a refusal by SASL is about authentication', () => {
  const { session, events, server } = device()
  session.open(0)
  server.says(HEADER + MECHANISMS)
  server.says(
    `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>No.</text></failure>`,
  )
  assert.deepEqual(events.cause, {
    code: 'authentication',
    detail: 'SASL PLAIN: not-authorized: No.',
  })
  assert.equal(server.closes, 1)
})

test('a mechanism that is not offered is said to be missing', () => {
  const { session, events, server } = device()
  session.open(0)
  server.says(`${HEADER}<stream:features/>`)
  assert.equal(events.cause?.code, 'authentication')
  assert.match(events.cause.detail, /PLAIN is not offered here; offered: none/)
})

const ends: readonly [string, string, string][] = [
  ['</stream:stream>', 'closed', 'closed the stream'],
  [
    `<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
    'closed',
    'system-shutdown',
  ],
  [
    `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text></stream:error></stream:stream>`,
    'taken-over',
    'conflict: Replaced',
  ],
  [
    `<failed xmlns='${SM}'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`,
    'protocol',
    'unexpected-request',
  ],
  [`<a xmlns='${SM}'/>`, 'protocol', '<a> without h'],
  [`<a xmlns='${SM}' h='x'/>`, 'protocol', '<a> without h'],
  ['<a/>', 'protocol', 'no stanza'],
  ['<unknown xmlns="urn:x"/>', 'protocol', 'no stanza'],
  ['<message><body></message></body>', 'protocol', 'no XML'],
  ['<message>&nbsp;</message>', 'protocol', 'nbsp'],
  ['junk', 'protocol', 'text between stanzas'],
]
for (const [words, code, detail] of ends)
  test(`"${words.slice(0, 60)}" ends a session as ${code}`, () => {
    const { session, events, server } = ready()
    server.says(words)
    assert.equal(events.cause?.code, code)
    assert.ok(events.cause.detail.includes(detail), events.cause.detail)
    assert.match(server.heard(), /<\/stream:stream>$/)
    assert.equal(server.closes, 1)
    assert.equal(session.send(1, payload, 1), false)
    server.says(ack(0))
    session.closed({ code: 'closed', detail: '' }, 2)
    session.close(3)
    assert.equal(server.closes, 1)
  })

test('a stanza of more than 256 KiB ends the session', () => {
  const { events, server } = ready()
  for (let i = 0; i < 5 && events.cause === null; i++)
    server.says(i === 0 ? '<message><body>' : 'A'.repeat(65_536))
  assert.equal(events.cause?.code, 'protocol')
  assert.match(server.heard(), /policy-violation/)
})

test('the end from below is handed on; in the middle of a stanza it is a truncation', () => {
  const whole = ready()
  whole.session.closed({ code: 'closed', detail: 'FIN' }, 1)
  assert.deepEqual(whole.events.cause, { code: 'closed', detail: 'FIN' })
  const half = ready()
  half.server.says('<mess')
  half.session.closed({ code: 'closed', detail: 'FIN' }, 1)
  assert.equal(half.events.cause?.code, 'truncated')
})

test('our own close ends the stream, then closes below, and tells nobody', () => {
  const { session, events, server } = ready()
  session.close(1)
  session.close(1)
  assert.equal(server.heard(), '</stream:stream>')
  assert.equal(server.closes, 1)
  assert.equal(events.cause, null)
})

test('a server that never lets in is given up after a minute', () => {
  const { session, events } = device()
  session.open(5)
  assert.equal(session.deadline(), 5 + 60 * SECOND)
  session.expire(5 + 60 * SECOND)
  assert.equal(events.cause?.code, 'timeout')
  assert.equal(session.deadline(), Infinity)
  assert.equal(ready().session.deadline(), Infinity)
})

test('whatever a server sends, at any point, the session stands or ends; it never throws', () => {
  const steps = [HEADER + MECHANISMS, SUCCESS, HEADER + FEATURES, BOUND, `<enabled xmlns='${SM}'/>`]
  const piece = fc.oneof(
    fc.constantFrom(...steps, ack(0), REQUEST, '</stream:stream>', '<iq type="get"/>', '<iq/>'),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.string({
      unit: fc.constantFrom('<', '>', '/', "'", '"', '=', ' ', 'a', '&', ';', '!', '['),
    }),
  )
  fc.assert(
    fc.property(
      fc.nat({ max: 5 }),
      fc.boolean(),
      fc.array(piece, { maxLength: 6 }),
      (good, hearing, bad) => {
        const { session, events, server } = device(
          'acknowledged',
          undefined,
          hearing ? 'commands' : null,
        )
        session.open(0)
        for (const step of steps.slice(0, good)) server.says(step)
        for (const words of bad) session.fromBelow(Buffer.from(words, 'latin1'), 1)
        assert.equal(server.closes, events.cause === null ? 0 : 1)
      },
    ),
    { numRuns: 300 },
  )
})

const command = (body: string): string =>
  `<message from='collector@x.test/r' to='d000042@x.test' type='normal'><body>${body}</body></message>`

/** A device that hears, logged in; its presence was answered. */
const hearing = (reliability: Reliability = 'acknowledged') => {
  const heard: string[] = []
  const all = device(reliability, undefined, 'commands')
  Object.assign(all.events, {
    heard: (payload: Uint8Array) => heard.push(Buffer.from(payload).toString()),
  })
  all.server.logIn()
  if (reliability !== 'best-effort') all.server.says(`<enabled xmlns='${SM}'/>`)
  return { ...all, heard }
}

test('a device that hears sends presence, and is ready when the server has dealt with it', () => {
  const { events, server, session } = hearing('best-effort')
  assert.match(
    server.heard(),
    /^<presence\/><iq type='get' id='ready' to='x.test'><ping [^>]*\/><\/iq>$/,
  )
  assert.deepEqual(events.log, [])
  assert.equal(session.send(0, Buffer.from('AAAAAAAA'), 1), false)
  server.says(`<presence from='d000042@x.test/r' to='d000042@x.test/r'/>`)
  assert.deepEqual(events.log, [])
  server.says(`<iq type='result' id='ready' from='x.test' to='d000042@x.test/r'/>`)
  assert.equal(events.log.length, 1)
})

test('a command is heard, whether the scanner or the parser reads it; errors and messages without a body are not', () => {
  const { server, heard } = hearing('best-effort')
  server.says(command('AAAA'))
  server.says(command('a &amp; b'))
  server.says(`<message from='x.test' type='error'><body>no</body></message>`)
  server.says(`<message from='x.test'><subject>no</subject></message>`)
  assert.deepEqual(heard, ['AAAA', 'a & b'])
})

test('presence and its iq count among the stanzas that the server handles, and what is heard among ours', () => {
  const { server, session, events } = hearing()
  server.heard()
  server.says(`<iq type='result' id='ready'/>`)
  server.says(command('AAAA'))
  server.says(`<r xmlns='${SM}'/>`)
  assert.equal(server.heard(), `<a xmlns='${SM}' h='2'/>`)
  session.answer(3, Buffer.from('AAAAAAAA'), 1)
  server.says(ack(2))
  const before = events.log.length
  server.says(ack(3))
  assert.equal(events.log.length, before + 1, 'the third stanza is the answer')
})
