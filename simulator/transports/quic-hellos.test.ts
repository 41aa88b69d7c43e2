import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientHello, destination, serverHello } from './quic-initial.cases.ts'
import { World } from './quic-world.cases.ts'

const SUPPORTED_GROUPS = 10
const ALPN = 16
const KEY_SHARE = 51
const X25519 = 0x001d
const TLS_AES_128_GCM_SHA256 = 0x1301

test('a client offers mqtt, and a key share for X25519 alone', () => {
  const world = new World()
  world.join()
  const { extensions } = clientHello(world.log[0]?.bytes ?? new Uint8Array(0))
  assert.equal(extensions.get(ALPN)?.toString('latin1'), '\0\x05\x04mqtt')
  const shares = extensions.get(KEY_SHARE)
  assert.ok(shares)
  // One entry of 32 bytes (RFC 8446 section 4.2.8).
  assert.deepEqual([shares.length, shares.readUInt16BE(0)], [38, 36])
  assert.deepEqual([shares.readUInt16BE(2), shares.readUInt16BE(4)], [X25519, 32])
  assert.equal(extensions.get(SUPPORTED_GROUPS)?.readUInt16BE(2), X25519)
})

test('both ends agree on X25519 and AES-128-GCM, as the TLS stacks do by default', () => {
  const world = new World()
  world.opened()
  const [up, down] = [true, false].map((way) => world.log.find((datagram) => datagram.up === way))
  assert.ok(up !== undefined && down !== undefined)
  const { ciphers, extensions } = serverHello(down.bytes, destination(up.bytes))
  assert.deepEqual(ciphers, [TLS_AES_128_GCM_SHA256])
  assert.equal(extensions.get(KEY_SHARE)?.readUInt16BE(0), X25519)
})
