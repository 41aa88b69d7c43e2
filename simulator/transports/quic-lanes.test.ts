import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic } from '../core/clock.ts'
import { Top, World, write } from './quic-world.cases.ts'
import type { Joined } from './quic-world.cases.ts'

/** With another stream of the device's connection. */
const lane = (device: Joined, urgency: number): Top => {
  const top = new Top()
  device.client.lane(top, urgency, monotonic())
  return top
}
const say = (top: Top, text: string | Uint8Array): boolean =>
  top.below.fromAbove(typeof text === 'string' ? Buffer.from(text) : text, monotonic())

test('each lane is a stream of its own, and answers come back on it', () => {
  const world = new World()
  world.echo = true
  const device = world.opened()
  const [first, second] = [lane(device, 1), lane(device, 2)]
  assert.deepEqual([first.opens, second.opens], [1, 1])
  write(device, 'control')
  say(second, 'two')
  say(first, 'one')
  world.pump()
  assert.deepEqual(
    [...world.session().tops.keys()].toSorted((a, b) => a - b),
    [0, 4, 8],
  )
  assert.deepEqual([device.top.text, first.text, second.text], ['control', 'one', 'two'])
  assert.equal(device.client.traffic.sentBytes, 'control'.length + 'one'.length + 'two'.length)
})

test('a lane goes before what waits on a less urgent one, and the layer itself before both', async () => {
  const world = new World()
  const device = world.opened()
  const [urgent, late] = [lane(device, 1), lane(device, 6)]
  say(late, Buffer.alloc(600_000, 'x'))
  say(urgent, 'now')
  write(device, 'at once')
  for (let i = 0; i < 3; i++) world.roundTrip()
  const received = (stream: number): number => world.session().top(stream).text.length
  assert.deepEqual([world.session().top(0).text, world.session().top(4).text], ['at once', 'now'])
  assert.ok(received(8) < 200_000, `${received(8)} bytes went before`)
  assert.equal(say(late, 'more'), false)
  await world.until(() => late.readies === 1, 5000)
  assert.equal(received(8), 600_000)
})

test('a loss on one lane holds up no other', async () => {
  const world = new World()
  const device = world.opened()
  const [struck, spared] = [lane(device, 1), lane(device, 1)]
  say(struck, 'begun;')
  say(spared, 'begun;')
  world.pump()
  world.lost = () => true
  say(struck, 'lost;')
  world.lost = () => false
  say(spared, 'spared;')
  world.pump()
  assert.equal(world.session().top(4).text, 'begun;')
  assert.equal(world.session().top(8).text, 'begun;spared;')
  await world.until(() => world.session().top(4).text === 'begun;lost;')
})

test('on one stream the same loss holds up what follows', async () => {
  const world = new World()
  const device = world.opened()
  write(device, 'begun;')
  world.pump()
  world.lost = () => true
  write(device, 'lost;')
  world.lost = () => false
  write(device, 'spared;')
  world.pump()
  assert.equal(world.session().top().text, 'begun;')
  await world.until(() => world.session().top().text === 'begun;lost;spared;')
})

test('the end of the connection is told to the session above the layer alone', () => {
  const world = new World()
  const device = world.opened()
  const other = lane(device, 1)
  say(other, 'hello')
  world.pump()
  world.session().peer.close(monotonic())
  world.pump()
  assert.equal(device.top.cause?.code, 'closed')
  assert.equal(other.cause, null)
  assert.equal(say(other, 'too late'), false)
})
