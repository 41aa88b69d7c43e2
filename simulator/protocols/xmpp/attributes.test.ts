import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { attribute, handledCount, message, nextAttribute, scanMessage } from './attributes.ts'
import { parseStanza } from './element.ts'
import { NS_CLIENT, NS_SM } from './namespaces.ts'

const name = fc.constantFrom('h', 'xmlns', 'from', 'to', 'type', 'xml:lang', 'id', 'x2', 'H')
const value = fc.oneof(
  fc.constantFrom(
    NS_SM,
    NS_CLIENT,
    'normal',
    'chat',
    'error',
    'd000042@x/r',
    '7',
    '',
    '4294967295',
  ),
  fc.string({ unit: fc.constantFrom('1', 'a', '@', ' ', '>', '/', '&amp;', 'é', '<', '=') }),
)
const space = fc.constantFrom(' ', ' ', ' ', '  ', '\n', '')
const attributes = fc
  .array(fc.tuple(space, name, value, fc.boolean()), { maxLength: 4 })
  .map((all) =>
    all.map(([gap, n, v, double]) => `${gap}${n}=${double ? `"${v}"` : `'${v}'`}`).join(''),
  )
const body = fc.string({
  unit: fc.constantFrom('A', '-', '_', ' ', '&lt;', '<b/>', 'é', '🙂', '>'),
})

const surrounded = (text: string): [Uint8Array, number, number] => {
  const bytes = Buffer.from(`<x/>${text}<y/>`)
  return [bytes, 4, bytes.length - 4]
}

/** Near enough to an acknowledgement that chance makes some. */
const nearly = fc
  .array(
    fc.tuple(
      fc.constantFrom(' ', ' ', ' ', '  '),
      fc.constantFrom(`xmlns='${NS_SM}'`, `xmlns="${NS_SM}"`, `h='7'`, `h="4294967295"`, `h=''`),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => all.flat().join(''))

test('where the scanner knows how many stanzas were handled, the parser says the same', () => {
  let known = 0
  fc.assert(
    fc.property(
      fc.oneof(attributes, nearly),
      fc.constantFrom('/>', '/>', ' />', '></a>'),
      (attrs, end) => {
        const scanned = handledCount(...surrounded(`<a${attrs}${end}`))
        if (scanned < 0) return
        known++
        const element = parseStanza(...surrounded(`<a${attrs}${end}`))
        assert.equal(element.getNS(), NS_SM)
        assert.equal(element.getName(), 'a')
        assert.equal(Number(element.attrs.h), scanned)
      },
    ),
    { numRuns: 3000 },
  )
  assert.ok(known > 10, `only ${known} of 3000 were known to the scanner`)
})

test('the scanner knows the acknowledgements of servers', () => {
  for (const [text, h] of [
    [`<a xmlns='urn:xmpp:sm:3' h='0'/>`, 0],
    [`<a h='4294967295' xmlns='urn:xmpp:sm:3'/>`, 4_294_967_295],
    [`<a xmlns="urn:xmpp:sm:3" h="12"/>`, 12],
  ] as const)
    assert.equal(handledCount(...surrounded(text)), h)
})

test('the scanner leaves to the parser what is no acknowledgement', () => {
  for (const text of [
    `<a xmlns='urn:xmpp:sm:2' h='1'/>`,
    `<a h='1'/>`,
    `<a xmlns='urn:xmpp:sm:3'/>`,
    `<a xmlns='urn:xmpp:sm:3' h='-1'/>`,
    `<a xmlns='urn:xmpp:sm:3' h=''/>`,
    `<a xmlns='urn:xmpp:sm:3' h='12345678901'/>`,
    `<ab xmlns='urn:xmpp:sm:3' h='1'/>`,
    `<r xmlns='urn:xmpp:sm:3' h='1'/>`,
    `<a xmlns='urn:xmpp:sm:3' h='1'></a>`,
  ])
    assert.equal(handledCount(...surrounded(text)), -1, text)
})

test('where the scanner reads a message, the parser reads the same', () => {
  let known = 0
  fc.assert(
    fc.property(attributes, body, (attrs, content) => {
      const input = surrounded(
        `<message from='d000001@y/r'${attrs}><body>${content}</body></message>`,
      )
      if (!scanMessage(...input)) return
      known++
      const [bytes] = input
      const element = parseStanza(...input)
      const slice = (start: number, end: number): string =>
        Buffer.from(bytes.subarray(start, end)).toString()
      assert.equal(element.is('message', NS_CLIENT), true)
      assert.notEqual(element.attrs.type, 'error')
      assert.equal(slice(message.from, message.fromEnd), element.attrs.from)
      assert.equal(
        slice(message.body, message.bodyEnd),
        element.getChild('body', NS_CLIENT)?.text(),
      )
    }),
    { numRuns: 3000 },
  )
  assert.ok(known > 100, `only ${known} of 3000 were known to the scanner`)
})

test('the scanner knows the messages that Prosody delivers', () => {
  const [bytes, start, end] = surrounded(
    `<message type='normal' to='collector@thingbench.test' from='d000042@thingbench.test/r'><body>0000AAAA</body></message>`,
  )
  assert.equal(scanMessage(bytes, start, end), true)
  const slice = (from: number, to: number): string =>
    Buffer.from(bytes.subarray(from, to)).toString()
  assert.equal(slice(message.from, message.fromEnd), 'd000042@thingbench.test/r')
  assert.equal(slice(message.body, message.bodyEnd), '0000AAAA')
})

test('an attribute that does not end is none', () => {
  const bytes = Buffer.from(` from='d000042@x`)
  assert.equal(nextAttribute(bytes, 0, bytes.length), -1)
  assert.equal(attribute.name, 1)
})
