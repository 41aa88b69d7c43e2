import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cause } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import type { Reliability } from '../../core/types.ts'
import type { ConsumerEvents } from '../session.ts'
import { XmppConsumer } from './consumer.ts'
import { ServerSide } from './server.fixture.ts'

class Events implements ConsumerEvents {
  readonly log: string[] = []
  cause: Cause | null = null
  consumerReady(): void {
    this.log.push('ready')
  }
  received(device: number, payload: Uint8Array, now: number): void {
    this.log.push(`${device} ${Buffer.from(payload).toString()} at ${now}`)
  }
  ended(cause: Cause): void {
    this.cause = cause
  }
}

const consumer = (reliability: Reliability = 'best-effort') => {
  const events = new Events()
  const session = new XmppConsumer(
    {
      devices: 100,
      reliability,
      options: { sasl: 'PLAIN' },
      serverName: 'x.test',
      password: 'secret',
      random: new Random(1),
    },
    events,
  )
  const server = new ServerSide(session)
  server.logIn()
  return { session, events, server }
}

const PING = `<iq type='get' id='ready' to='x.test'><ping xmlns='urn:xmpp:ping'/></iq>`
const message = (from: string, body: string, more = ''): string =>
  `<message from='${from}' to='collector@x.test'${more}><body>${body}</body></message>`

test('it is ready when the server has dealt with its presence', () => {
  const { events, server } = consumer()
  assert.equal(server.heard(), `<presence/>${PING}`)
  server.says(`<presence from='collector@x.test/r'/>`)
  assert.deepEqual(events.log, [])
  server.says(`<iq type='result' id='ready' from='x.test'/>`)
  assert.deepEqual(events.log, ['ready'])
})

test('an answer that comes twice makes it ready once', () => {
  const { events, server } = consumer()
  server.says(`<iq type='result' id='ready'/><iq type='result' id='ready'/>`)
  assert.deepEqual(events.log, ['ready'])
})

test('an error in answer to its question is an answer, too', () => {
  const { events, server } = consumer()
  server.says(`<iq type='error' id='ready'><error type='cancel'/></iq>`)
  assert.deepEqual(events.log, ['ready'])
})

test('presence that is refused ends the session', () => {
  const { events, server } = consumer()
  server.says(
    `<presence type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
  )
  assert.equal(events.cause?.code, 'protocol')
  assert.match(events.cause.detail, /conflict/)
})

test('messages come with the device of their sender and the time of their receipt', () => {
  const { events, server } = consumer()
  server.says(message('d000042@x.test/r', 'AAAA') + message('d000007@x.test', 'BBBB'), 9)
  assert.deepEqual(events.log, ['42 AAAA at 9', '7 BBBB at 9'])
})

test('messages that only the parser can read come the same', () => {
  const { events, server } = consumer()
  const bodies = ['AA&amp;AA', '&#x41;', '<![CDATA[<>]]>', 'é🙂', '']
  server.says(
    bodies.map((body) => message('d000042@x.test/r', body, ` xml:lang='en' `)).join(''),
    9,
  )
  assert.deepEqual(
    events.log,
    ['AA&AA', 'A', '<>', 'é🙂', ''].map((body) => `42 ${body} at 9`),
  )
})

test('a message cut anywhere, even inside a character, comes whole', () => {
  const text = Buffer.from(message('d000042@x.test/r', 'é🙂'))
  for (let cut = 1; cut < text.length; cut++) {
    const { session, events } = consumer()
    session.fromBelow(text.subarray(0, cut), 1)
    session.fromBelow(text.subarray(cut), 2)
    assert.deepEqual(events.log, ['42 é🙂 at 2'])
  }
})

test('senders that are no devices have no number', () => {
  const { events, server } = consumer()
  for (const from of ['x.test', 'd00042@x.test', 'd0000421@x.test', 'd000042.x.test', ''])
    server.says(message(from, 'A'))
  server.says('<message><body>A</body></message>')
  assert.deepEqual(events.log, Array(6).fill('-1 A at 1'))
})

test('what is no message for us is left alone', () => {
  const { events, server } = consumer()
  server.says(message('d000042@x.test/r', 'A', ` type='error'`))
  server.says(
    `<message from='d000042@x.test/r'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  server.says(`<message from='d000042@x.test/r'><body xmlns='urn:other'>A</body></message>`)
  assert.deepEqual(events.log, [])
  assert.equal(events.cause, null)
})

test('with acknowledgements it tells the server how many stanzas it has handled', () => {
  const { events, server } = consumer('acknowledged')
  assert.equal(server.heard(), `<enable xmlns='urn:xmpp:sm:3'/><presence/>${PING}`)
  server.says(`<enabled xmlns='urn:xmpp:sm:3'/><presence from='collector@x.test/r'/>`)
  server.says(`<iq type='result' id='ready'/>`)
  server.says(`${message('d000042@x.test/r', 'A')}<r xmlns='urn:xmpp:sm:3'/>`)
  assert.equal(server.heard(), `<a xmlns='urn:xmpp:sm:3' h='3'/>`)
  server.says(`${message('d000042@x.test/r', 'é')}<r xmlns='urn:xmpp:sm:3'/>`)
  assert.equal(server.heard(), `<a xmlns='urn:xmpp:sm:3' h='4'/>`)
  assert.equal(events.cause, null)
})
