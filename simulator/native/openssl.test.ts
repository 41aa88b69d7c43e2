import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BioPair } from './openssl-bio.ts'
import { clearErrors, cString, errorWords, openssl, probe, text } from './openssl.ts'

const NEWS = Uint8Array.of(1, 2, 3)

test('the OpenSSL inside this Node has all that is needed', () => {
  const { version, missing } = probe()
  assert.match(version ?? '', /^OpenSSL 3\.5\./)
  assert.deepEqual(missing, [])
})

test('errors come in words, oldest first, and once', () => {
  const o = openssl()
  const context = o.SSL_CTX_new(o.TLS_client_method())
  o.SSL_CTX_set_cipher_list(context, 'NOTHING')
  assert.equal(errorWords(), 'no cipher match')
  assert.equal(errorWords(), '')
  o.SSL_CTX_set_cipher_list(context, 'NOTHING')
  clearErrors()
  assert.equal(errorWords(), '')
  o.SSL_CTX_free(context)
})

test('strings survive the way to C and back, and long ones are cut', () => {
  assert.equal(text(cString('server.test')), 'server.test')
  assert.equal(text(cString('x'.repeat(300))), 'x'.repeat(255))
})

test('a BIO pair gives only the newest input, and nothing after clear', () => {
  const o = openssl()
  for (const kind of ['stream', 'datagram'] as const) {
    const bios = new BioPair(kind)
    const context = o.SSL_CTX_new(
      kind === 'stream' ? o.TLS_server_method() : o.DTLS_server_method(),
    )
    const ssl = o.SSL_new(context)
    bios.attach(ssl)
    o.SSL_set_accept_state(ssl)
    bios.give(new Uint8Array(5).fill(0xff))
    bios.clear()
    // Nothing to read: the handshake waits instead of failing over the garbage.
    assert.equal(o.SSL_get_error(ssl, o.SSL_do_handshake(ssl)), 2)
    bios.give(NEWS)
    bios.give(NEWS)
    assert.equal(bios.take(), 0)
    o.SSL_free(ssl)
    o.SSL_CTX_free(context)
  }
})
