/** A device as a server: what it hears from the application, and how it answers (RFC 7252 sections 4.2, 4.3, 4.5, 5.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../../core/clock.ts'
import { Random } from '../../core/random.ts'
import type { Hears } from '../session.ts'
import { DeviceLog, sessionConfig, Wire } from './back-to-back.cases.ts'
import { CoapDevice } from './session.ts'

const T0 = 1e12

/** A registered device that answers commands with what it heard. */
const device = (hears: Hears) => {
  const wire = new Wire()
  const heard: string[] = []
  const log = Object.assign(new DeviceLog(), {
    heard: (payload: Uint8Array, now: Nanoseconds) => {
      heard.push(Buffer.from(payload).toString())
      if (hears === 'commands') session.answer(heard.length, payload.slice(), now)
    },
  })
  const session = new CoapDevice({ ...sessionConfig('acknowledged'), hears }, log)
  session.below = wire
  session.open(T0)
  const id = (wire.sent[0] as string).slice(4, 8)
  session.fromBelow(Buffer.from(`6241${id}${id}`, 'hex'), T0)
  wire.sent.length = 0
  const hear = (hex: string, at = T0): string[] => {
    session.fromBelow(Buffer.from(hex, 'hex'), at)
    return wire.sent.splice(0)
  }
  return { heard, hear, session, log }
}

/** 42 02 = CON POST with a token of 2; b1 63 = Uri-Path "c"; ff 6869 = payload "hi". */
const COMMAND = '42021234abcdb163ff6869'

test('a CON command is answered with its token and content, on its ACK', () => {
  const { hear, heard } = device('commands')
  assert.deepEqual(hear(COMMAND), ['62441234abcdff6869'])
  assert.deepEqual(heard, ['hi'])
})

test('a duplicate is answered with the same bytes and not heard again', () => {
  const { hear, heard } = device('commands')
  const first = hear(COMMAND)
  assert.deepEqual(hear(COMMAND, T0 + 2e9), first)
  assert.deepEqual(heard, ['hi'])
  assert.deepEqual(hear('42021235abceb163ff686f', T0 + 3e9), ['62441235abceff686f'])
  assert.deepEqual(hear(COMMAND, T0 + 4e9), first, 'the reply before the last is known, too')
})

test('an ID is new again after EXCHANGE_LIFETIME', () => {
  const { hear, heard } = device('commands')
  hear(COMMAND)
  hear(COMMAND, T0 + 248e9)
  assert.deepEqual(heard, ['hi', 'hi'])
})

test('a NON command is answered by a NON with its token; its duplicate is ignored', () => {
  const { hear, heard } = device('commands')
  const [answer = ''] = hear('52021234abcdb163ff6869')
  assert.match(answer, /^5244....abcdff6869$/)
  assert.deepEqual(hear('52021234abcdb163ff6869'), [])
  assert.deepEqual(heard, ['hi'])
})

test('what is said to all is acknowledged without content; a NON not at all', () => {
  const { hear, heard } = device('broadcasts')
  assert.deepEqual(hear('42021234abcdb166ff6869'), ['62441234abcd'])
  assert.deepEqual(hear('50021235b166ff6869'), [])
  assert.deepEqual(heard, ['hi', 'hi'])
})

for (const [what, hex, reply] of [
  ['another method', '42011234abcdb163', '62851234abcd'],
  ['another path', '42021234abcdb178ff6869', '62841234abcd'],
  ['a longer path', '42021234abcdb1630163ff6869', '62841234abcd'],
  ['no path', '42021234abcdff6869', '62841234abcd'],
  ['a critical option that it does not know', '42021234abcdb16320ff6869', '62821234abcd'],
  ['a ping', '40001234', '70001234'],
  ['a reserved class', '42221234abcd', '70001234'],
  ['another path in a NON', '52021234abcdb178ff6869', ''],
] as const)
  test(`${what} is refused, and not heard`, () => {
    const { hear, heard } = device('commands')
    assert.deepEqual(hear(hex), reply === '' ? [] : [reply])
    assert.deepEqual(heard, [])
  })

test('a device that only sends rejects commands', () => {
  const { hear } = device(null)
  assert.deepEqual(hear(COMMAND), ['70001234'])
})

test('after close nothing is heard', () => {
  const { hear, heard, session } = device('commands')
  session.close(T0)
  assert.deepEqual(hear(COMMAND), [])
  assert.deepEqual(heard, [])
})

test('a device that hears survives 50 000 hostile datagrams, and answers with no more than it was sent', () => {
  const { session, heard } = device('commands')
  const random = new Random(7)
  const valid = Buffer.from(COMMAND, 'hex')
  let sent = 0
  let given = 0
  session.below = Object.assign(new Wire(), {
    fromAbove: (bytes: Uint8Array) => {
      sent++
      assert.ok(bytes.length <= Math.max(4, given), `${bytes.length} bytes for ${given}`)
      return true
    },
  })
  for (let i = 0; i < 50_000; i++) {
    const bytes = Uint8Array.from(valid)
    bytes[2] = i >> 8
    bytes[3] = i
    for (let k = random.integer(4); k > 0; k--)
      bytes[random.integer(bytes.length)] = random.integer(256)
    given = bytes.length
    session.fromBelow(bytes.subarray(0, bytes.length - random.integer(3)), T0 + i * 1e6)
  }
  assert.ok(heard.length > 1000 && sent > heard.length, `${heard.length} heard, ${sent} sent`)
})
