import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Identities } from './identities.ts'

const one = new Identities(Buffer.from('secret'))

test('the same secret gives the same keys and password in another process', () => {
  const again = new Identities(Buffer.from('secret'))
  assert.deepEqual(again.pskKey(42), one.pskKey(42))
  assert.equal(again.password, one.password)
  // Written down, so that a change of the derivation does not go unseen: fleet and server may be of two versions.
  assert.equal(Buffer.from(one.pskKey(42)).toString(), 'KN64Ikkws9sORdXn')
  assert.equal(one.password, 'jJojniH3u5Ofi1cK6B2qUA')
})

test('every device has its own printable 16-byte key, and another secret gives others', () => {
  const keys = Array.from({ length: 1000 }, (_, device) =>
    Buffer.from(one.pskKey(device)).toString(),
  )
  assert.equal(new Set(keys).size, 1000)
  assert.ok(keys.every((key) => key.length === 16 && /^[A-Za-z0-9_-]+$/.test(key)))
  const other = new Identities(Buffer.from('Secret'))
  assert.notDeepEqual(other.pskKey(0), one.pskKey(0))
  assert.notEqual(other.password, one.password)
})

test('a PSK identity is the name of a device, and leads back to its key', () => {
  assert.equal(one.pskIdentity(42), 'd000042')
  assert.deepEqual(one.pskByIdentity('d000042'), one.pskKey(42))
  for (const unknown of ['', 'd00042', 'd0000042', 'e000042', 'd00004é', 'nobody', 'd00004 '])
    assert.equal(one.pskByIdentity(unknown), undefined)
})

test('the password is ASCII that every protocol can carry', () => {
  assert.match(one.password, /^[A-Za-z0-9_-]{22}$/)
})
