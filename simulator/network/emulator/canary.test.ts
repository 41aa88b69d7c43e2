import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CanaryWatch } from './canary.ts'
import { UP } from './channel.ts'

const CANARY = 'Zk3_pQ9x'

const finds = (bytes: Uint8Array, canary = CANARY): boolean => {
  const watch = new CanaryWatch(canary, 1)
  watch.watch(0, UP, bytes, 0, bytes.length)
  return watch.devices() === 1
}

/** A frame of a WebSocket client. */
const frame = (payload: Uint8Array, key: Uint8Array): Buffer =>
  Buffer.concat([
    Uint8Array.of(0x82, 0x80 | payload.length),
    key,
    payload.map((byte, i) => byte ^ (key[i % 4] as number)),
  ])

const key = fc.uint8Array({ minLength: 4, maxLength: 4 })

test('a mask whose key is sent along hides nothing, wherever the payload stands', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 40 }),
      key,
      fc.uint8Array({ maxLength: 10 }),
      (before, front, key, behind) => {
        const payload = Buffer.concat([front, Buffer.from(CANARY), behind])
        assert.ok(finds(Buffer.concat([before, frame(payload, key)])))
      },
    ),
  )
})

test('a mask whose key is not there hides', () => {
  fc.assert(
    fc.property(key, (key) => {
      fc.pre(key.some((byte) => byte !== 0))
      const payload = Buffer.from(`AAAAAAAA${CANARY}${CANARY}`)
      const masked = frame(payload, key).subarray(6)
      assert.ok(!finds(Buffer.concat([Buffer.alloc(6), masked])))
    }),
  )
})

test('noise is no canary', () => {
  const noise = fc.uint8Array({ minLength: 100, maxLength: 200 })
  fc.assert(fc.property(noise, (bytes) => assert.ok(!finds(bytes))))
})

test('a canary that is too short to tell a mask is found in plain text only', () => {
  const payload = Buffer.from('a canary')
  assert.ok(finds(payload, 'canary'))
  assert.ok(!finds(frame(payload, Uint8Array.of(1, 2, 3, 4)), 'canary'))
})
