import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../core/random.ts'
import { nonceFrom, ScramSha256 } from './scram.ts'

// The example of RFC 7677 section 3.
const NONCE = 'rOprNGfwEbeRWgbNEkqO'
const SERVER_FIRST =
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const CLIENT_FINAL =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const SERVER_FINAL = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

const example = (): ScramSha256 => new ScramSha256('user', 'pencil', NONCE)

test('it speaks the example of RFC 7677', () => {
  const scram = example()
  assert.equal(scram.initial(), `n,,n=user,r=${NONCE}`)
  assert.equal(scram.respond(SERVER_FIRST), CLIENT_FINAL)
  scram.succeed(SERVER_FINAL)
})

test('it says the same with keys that it has kept from a log-in before', () => {
  assert.equal(example().respond(SERVER_FIRST), CLIENT_FINAL)
  assert.equal(example().respond(SERVER_FIRST), CLIENT_FINAL)
})

test('keys of another password are not mixed up', () => {
  example().respond(SERVER_FIRST)
  assert.notEqual(new ScramSha256('user', 'pencils', NONCE).respond(SERVER_FIRST), CLIENT_FINAL)
})

test('a server that does not know the password is refused', () => {
  for (const final of ['', 'v=', 'v=AAAA', SERVER_FINAL.replace('6', '7'), 'e=other-error']) {
    const scram = example()
    scram.respond(SERVER_FIRST)
    assert.throws(() => scram.succeed(final), { code: 'authentication' }, final)
  }
  assert.throws(() => example().succeed(SERVER_FINAL), { code: 'authentication' }, 'out of order')
})

test('a challenge that is malformed, replayed or greedy is refused', () => {
  for (const first of [
    '',
    'm=ext,r=x,s=AAAA,i=4096',
    SERVER_FIRST.replace(NONCE, 'another'),
    `r=${NONCE},s=AAAA,i=4096`,
    `r=${NONCE}x,s=AAAA,i=0`,
    `r=${NONCE}x,s=AAAA,i=4096x`,
    `r=${NONCE}x,s=AAAA,i=100000000`,
  ])
    assert.throws(() => example().respond(first), { code: 'authentication' }, first)
  const twice = example()
  twice.respond(SERVER_FIRST)
  assert.throws(() => twice.respond(SERVER_FIRST), { code: 'authentication' })
})

test('commas and equals signs in names are written as RFC 5802 wants them', () => {
  assert.equal(new ScramSha256('a=b,c', '', 'n').initial(), 'n,,n=a=3Db=2Cc,r=n')
})

test('nonces have one width, no comma, and follow the seed', () => {
  const nonces = Array.from({ length: 50 }, (_, device) => nonceFrom(new Random(1, device)))
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9+/]{24}$/)
  assert.equal(new Set(nonces).size, 50)
  assert.equal(nonceFrom(new Random(1, 7)), nonces[7])
})
