import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generate, type OptionName, type ParsedPacket, parse } from 'coap-packet'
import * as fc from 'fast-check'
import { ACK, CON, CONTENT, EMPTY, GET, Message, NON, RST, URI_PATH, codeName } from './message.ts'
import { MessageWriter } from './message-writer.ts'

/** Numbers that coap-packet knows by name, and some that it does not. */
const NUMBERS: Readonly<Record<string, number>> = {
  'If-Match': 1,
  ETag: 4,
  'Uri-Path': 11,
  'Content-Format': 12,
  'Uri-Query': 15,
  Block2: 23,
  'No-Response': 258,
  '65': 65,
  '300': 300,
  '2000': 2000,
}

const shape = fc.record({
  type: fc.constantFrom(CON, NON, ACK),
  code: fc.integer({ min: 1, max: 255 }),
  id: fc.integer({ min: 0, max: 65535 }),
  token: fc.uint8Array({ maxLength: 8 }),
  options: fc.array(
    fc.tuple(fc.constantFrom(...Object.keys(NUMBERS)), fc.uint8Array({ maxLength: 300 })),
    { maxLength: 6 },
  ),
  payload: fc.uint8Array({ maxLength: 64 }),
})

const sorted = (options: readonly (readonly [string, Uint8Array])[]) =>
  options
    .map(([name, value]) => ({ number: NUMBERS[name] as number, value: Buffer.from(value) }))
    .sort((a, b) => a.number - b.number)

const optionsOf = (message: Message) => {
  const found: { number: number; value: Buffer }[] = []
  message.rewind()
  while (message.nextOption()) {
    const value = message.bytes.slice(message.optionAt, message.optionAt + message.optionLength)
    found.push({ number: message.option, value: Buffer.from(value) })
  }
  return found
}

test('what coap-packet writes is read with every field the same', () => {
  const message = new Message()
  fc.assert(
    fc.property(shape, ({ type, code, id, token, options, payload }) => {
      const bytes = generate(
        {
          confirmable: type === CON,
          ack: type === ACK,
          code: codeName(code),
          messageId: id,
          token: Buffer.from(token),
          options: options.map(([name, value]) => ({
            name: name as OptionName,
            value: Buffer.from(value),
          })),
          payload: Buffer.from(payload),
        },
        4096,
      )
      assert.equal(message.parse(bytes), 'message')
      assert.deepEqual([message.type, message.code, message.id], [type, code, id])
      assert.equal(message.tokenLength, token.length)
      assert.deepEqual(bytes.subarray(4, 4 + token.length), Buffer.from(token))
      assert.deepEqual(optionsOf(message), sorted(options))
      assert.deepEqual(bytes.subarray(message.payloadAt), Buffer.from(payload))
    }),
  )
})

test('what the writer writes, coap-packet reads with every field the same', () => {
  const writer = new MessageWriter(4096)
  fc.assert(
    fc.property(shape, ({ type, code, id, token, options, payload }) => {
      writer.begin(type, code, id, token, 0, token.length)
      for (const { number, value } of sorted(options)) writer.option(number, value)
      writer.payload(payload)
      const packet: ParsedPacket = parse(Buffer.from(writer.message()))
      assert.equal(packet.code, codeName(code))
      assert.deepEqual([packet.confirmable, packet.ack], [type === CON, type === ACK])
      assert.equal(packet.messageId, id)
      assert.deepEqual(packet.token, Buffer.from(token))
      const read = packet.options.map(({ name, value }) => ({
        number: NUMBERS[name] as number,
        value,
      }))
      assert.deepEqual(read, sorted(options))
      assert.deepEqual(packet.payload, Buffer.from(payload))
    }),
  )
})

test('the first example of RFC 7252 appendix A is written and read byte by byte', () => {
  const writer = new MessageWriter(64)
  writer.begin(CON, GET, 0x7d34, new Uint8Array(0), 0, 0)
  writer.option(URI_PATH, Buffer.from('temperature'))
  assert.equal(
    Buffer.from(writer.message()).toString('hex'),
    `40017d34bb${Buffer.from('temperature').toString('hex')}`,
  )
  const message = new Message()
  const response = Buffer.from(`60457d34ff${Buffer.from('22.3 C').toString('hex')}`, 'hex')
  assert.equal(message.parse(response), 'message')
  assert.deepEqual([message.type, message.code, message.id], [ACK, CONTENT, 0x7d34])
  assert.equal(response.subarray(message.payloadAt).toString(), '22.3 C')
})

const rejected: readonly (readonly [string, string, 'malformed' | 'ignored'])[] = [
  ['fewer than four bytes', '400100', 'ignored'],
  ['another version', '8001000161', 'ignored'],
  ['a token longer than the datagram', '44010001aabbcc', 'malformed'],
  ['a reserved token length', '49010001000000000000000000', 'malformed'],
  ['an Empty message with a token', '41000001aa', 'malformed'],
  ['an Empty message with a payload', '40000001ff00', 'malformed'],
  ['a payload marker without payload', '40010001ff', 'malformed'],
  ['a reserved option delta', '40010001f0', 'malformed'],
  ['a reserved option length', '400100010f', 'malformed'],
  ['an option that reaches beyond the end', '40010001b36161', 'malformed'],
  ['an extended delta cut off', '40010001e001', 'malformed'],
]
for (const [what, hex, verdict] of rejected)
  test(`${what} is ${verdict}`, () => {
    assert.equal(new Message().parse(Buffer.from(hex, 'hex')), verdict)
  })

test('a malformed confirmable message still shows what a Reset needs', () => {
  const message = new Message()
  message.parse(Buffer.from('4001beefff', 'hex'))
  assert.deepEqual([message.type, message.id], [CON, 0xbeef])
})

test('an Empty message and a Reset are the four bytes of the header', () => {
  const writer = new MessageWriter(4)
  writer.begin(RST, EMPTY, 0x1234, new Uint8Array(0), 0, 0)
  assert.equal(Buffer.from(writer.message()).toString('hex'), '70001234')
})

test('a message longer than the writer holds is an error', () => {
  const writer = new MessageWriter(16)
  writer.begin(CON, GET, 1, new Uint8Array(0), 0, 0)
  assert.throws(() => {
    writer.payload(new Uint8Array(16))
    writer.message()
  }, RangeError)
})
