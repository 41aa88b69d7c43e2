import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Parser, type Element } from '@xmpp/xml'
import * as fc from 'fast-check'
import { StanzaReader, type StanzaHandler } from './stanza-reader.ts'
import { Violation } from './violation.ts'

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`
const LIMIT = 4096

class Log implements StanzaHandler {
  over = false
  readonly seen: string[] = []
  streamHeader(bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`header ${Buffer.from(bytes.subarray(start, end)).toString()}`)
  }
  stanza(bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(Buffer.from(bytes.subarray(start, end)).toString())
  }
  streamEnd(): void {
    this.seen.push('end')
  }
}

/** Reads `text` in pieces that end where `cuts` say. */
const read = (text: string, cuts: readonly number[] = []): string[] => {
  const bytes = Buffer.from(text)
  const reader = new StanzaReader(LIMIT)
  const log = new Log()
  const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)
  let start = 0
  for (const end of ends) {
    reader.read(bytes.subarray(start, end), 0, log)
    start = end
  }
  assert.equal(reader.midStanza, false)
  return log.seen
}

const written = (element: Element): string => {
  const inside = element.children.map((one) => (typeof one === 'string' ? one : written(one)))
  return JSON.stringify([element.name, element.attrs, inside.join('')])
}

/** The same text through the parser as one stream: what it takes for stanzas, written out again. */
const parsed = (text: string): string[] => {
  const seen: string[] = []
  const parser = new Parser()
  parser.on('element', (element) => seen.push(written(element)))
  parser.write(text)
  return seen
}

const word = fc.constantFrom('a', 'message', 'body', 'stream:features', 'x', 'iq-y')
const characters = fc.string({
  unit: fc.constantFrom('a', ' ', 'é', '☃', '🙂', '>', '/', ']', '?', "'", '"'),
})
const text = characters.filter((s) => !s.includes(']]>'))
const value = fc.string({ unit: fc.constantFrom('a', 'é', '🙂', '>', '/', '=', ' ', '&lt;') })
const attributes = fc
  .uniqueArray(fc.tuple(fc.constantFrom('h', 'xmlns', 'id'), value), { selector: ([name]) => name })
  .map((all) => all.map(([name, v], i) => ` ${name}=${i % 2 ? `'${v}'` : `"${v}"`}`).join(''))
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  content: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    text.map((s) => `<![CDATA[${s}<a>&]]>`),
    tie('element'),
  ),
  element: fc
    .tuple(word, attributes, fc.option(fc.array(tie('content'), { maxLength: 3 })))
    .map(([name, attrs, inside]) =>
      inside === null ? `<${name}${attrs}/>` : `<${name}${attrs}>${inside.join('')}</${name}>`,
    ),
}))

test('stanzas come out as they are, wherever the stream is cut', () => {
  const stanzas = fc.array(element, { maxLength: 5 })
  const cuts = fc.array(fc.nat(), { maxLength: 8 })
  fc.assert(
    fc.property(stanzas, cuts, (all, where) => {
      assert.deepEqual(read(`${HEADER}${all.join(' \n')}</stream:stream>`, where), [
        `header ${HEADER.slice(HEADER.indexOf('<stream'))}`,
        ...all,
        'end',
      ])
    }),
  )
})

test('it cuts the stream where the parser does', () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 5 }), (all) => {
      const whole = HEADER + all.join('')
      const [, ...stanzas] = read(whole)
      assert.deepEqual(
        stanzas.flatMap((one) => parsed(HEADER + one)),
        parsed(whole),
      )
    }),
  )
})

test('a byte at a time is as good as all at once', () => {
  const whole = `${HEADER}<a x='>'/><b y="'/>"><c/>é🙂<![CDATA[]]]><d></b>]]></b></stream:stream>`
  const every = Array.from({ length: Buffer.byteLength(whole) }, (_, i) => i)
  assert.deepEqual(read(whole, every), read(whole))
})

test('a restarted stream has a header again, in the same read as what is before it', () => {
  const reader = new StanzaReader(LIMIT)
  const log = new Log()
  const restarting: StanzaHandler = {
    over: false,
    streamHeader: log.streamHeader.bind(log),
    stanza(bytes, start, end) {
      log.stanza(bytes, start, end)
      if (log.seen.at(-1) === '<success/>') reader.restart()
    },
    streamEnd: log.streamEnd.bind(log),
  }
  reader.read(Buffer.from(`${HEADER}<success/>${HEADER}<f/>`), 0, restarting)
  assert.deepEqual(
    log.seen.map((one) => one.split(' ')[0]),
    ['header', '<success/>', 'header', '<f/>'],
  )
})

test('nothing is handed on after the handler has had enough', () => {
  const reader = new StanzaReader(LIMIT)
  const seen: number[] = []
  const handler = {
    over: false,
    streamHeader() {},
    stanza(_: Uint8Array, start: number) {
      seen.push(start)
      handler.over = true
    },
    streamEnd() {},
  }
  reader.read(Buffer.from(`${HEADER}<a/><b/><c`), 0, handler)
  assert.equal(seen.length, 1)
  assert.equal(reader.midStanza, false)
})

const refusals: readonly [string, string, string][] = [
  ['text between stanzas', `${HEADER}<a/>x`, 'bad-format'],
  ['text before the header', 'HTTP/1.1 400 Bad Request', 'bad-format'],
  ['a comment', `${HEADER}<a><!-- x --></a>`, 'restricted-xml'],
  ['a document type', `<!DOCTYPE x>${HEADER}`, 'restricted-xml'],
  ['a processing instruction', `${HEADER}<?php ?>`, 'restricted-xml'],
  ['an end without a start', `${HEADER}</a>`, 'not-well-formed'],
  ['a tag without a name', `${HEADER}<>`, 'not-well-formed'],
  ['a tag in a tag', `${HEADER}<a <b/>`, 'not-well-formed'],
  ['an empty stream', `<stream:stream/>`, 'bad-format'],
  ['a stanza that does not end', `${HEADER}<a>${'x'.repeat(LIMIT)}`, 'policy-violation'],
]
for (const [what, bytes, condition] of refusals)
  test(`${what} is refused`, () => {
    assert.throws(() => read(bytes), { name: 'Violation', code: 'protocol', condition })
  })

test('any bytes end in stanzas, in waiting for more, or in a violation', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .string({ unit: fc.constantFrom(...Array.from('<>/!?[]-\'"=& aCDT')) })
      .map((s) => Buffer.from(s)),
  )
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 5 }), (pieces) => {
      const reader = new StanzaReader(LIMIT)
      reader.read(Buffer.from(HEADER), 0, new Log())
      try {
        for (const piece of pieces) reader.read(piece, 0, new Log())
      } catch (error) {
        assert.ok(error instanceof Violation, String(error))
      }
    }),
  )
})
