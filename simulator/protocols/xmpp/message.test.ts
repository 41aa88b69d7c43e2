import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageStanza } from './message.ts'

const written = (domain: string, payload: string, request: boolean): string =>
  Buffer.from(messageStanza(domain, Buffer.from(payload), request)).toString()

test('a message costs 77 bytes around its payload, and 26 for the request, with the domain thingbench.test', () => {
  const plain = `<message to='collector@thingbench.test' type='normal'><body>AAAA</body></message>`
  assert.equal(written('thingbench.test', 'AAAA', false), plain)
  assert.equal(written('thingbench.test', 'AAAA', true), `${plain}<r xmlns='urn:xmpp:sm:3'/>`)
  assert.equal(plain.length - 4, 77)
})

test('payloads of any size follow each other, and so do domains', () => {
  for (const size of [0, 8, 70_000, 8, 300_000, 1])
    for (const domain of ['x.test', 'longer.example', "o'hare.test"]) {
      const payload = 'A'.repeat(size)
      const name = domain.replace("'", '&apos;')
      assert.equal(
        written(domain, payload, size % 2 === 0),
        `<message to='collector@${name}' type='normal'><body>${payload}</body></message>${size % 2 === 0 ? `<r xmlns='urn:xmpp:sm:3'/>` : ''}`,
      )
    }
})
