import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lower } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { vanish } from './vanish.ts'

/** Says goodbye to the layer below it when it is closed, as a protocol does. */
class Polite {
  below!: Lower
  closes = 0
  readonly traffic = new Traffic()
  close(now: number): void {
    this.closes++
    this.below.fromAbove(Uint8Array.of(1), now)
    this.below.close(now)
  }
  fromAbove(bytes: Uint8Array): boolean {
    this.traffic.sentBytes += bytes.length
    return true
  }
}

const pileOf = (secured: boolean) => {
  const said: string[] = []
  const port = {
    traffic: new Traffic(),
    fromAbove: () => said.push('bytes') > 0,
    close: () => void said.push('close'),
    vanish: () => void said.push('vanish'),
  }
  const session = new Polite()
  const security = secured ? new Polite() : null
  session.below = security ?? port
  if (security !== null) security.below = port
  return { said, session, security, port }
}

for (const secured of [false, true])
  test(`a device that vanishes says nothing to its peer, and every layer lets go: ${secured ? 'with' : 'without'} security`, () => {
    const { said, session, security, port } = pileOf(secured)
    vanish([session, null, security], port, 0)
    assert.deepEqual(said, ['vanish'])
    assert.equal(session.closes, 1)
    assert.equal(security?.closes ?? 1, 1)
    assert.equal(security?.traffic.sentBytes ?? 0, 0, 'nor is anything counted as sent')
  })
