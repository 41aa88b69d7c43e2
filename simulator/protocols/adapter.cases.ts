/**
 * What every adapter of the catalogue is held to: the cases of every session, and those that only virtual time can show, because they
 * take minutes, refuse on behalf of the layer below, or try more bytes of a peer than sockets could carry in a second.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER, SECOND } from '../core/clock.ts'
import type { Reliability } from '../core/types.ts'
import { sessionCases } from './session.cases.ts'
import { SessionWorld, type SessionSubject } from './session-world.cases.ts'
import { PATIENCE, virtualBench } from './virtual-bench.cases.ts'

const HOSTILE_RUNS = 60

export const adapterCases = (subject: SessionSubject): void => {
  const { adapter } = subject
  sessionCases(virtualBench(subject))
  const last = adapter.reliabilities.at(-1) as Reliability

  const check = (title: string, body: () => void): void => {
    test(`${adapter.name}: ${title}`, body)
  }
  /** A device that may send. */
  const ready = (reliability = last): SessionWorld => {
    const world = new SessionWorld(subject, reliability).connect()
    assert.deepEqual(world.log.take(), ['ready'])
    return world
  }

  check(
    'the adapter says how the neutral verbs map, and which ports and reliabilities it has',
    () => {
      for (const words of Object.values(adapter.mapping)) assert.match(words, /\S/)
      assert.notEqual(adapter.ports.plain, adapter.ports.secure)
      assert.ok(adapter.reliabilities.length > 0)
    },
  )

  check('a session is open when the layer below it is', () => {
    const world = new SessionWorld(subject, last)
    const before = world.network.now()
    world.connect()
    assert.ok(world.session.openedAt >= before)
    assert.equal(world.session.openedAt, world.tap.openedAt)
  })

  for (const reliability of adapter.reliabilities)
    check(`${reliability}: what the layer below refuses is not taken, until it is ready`, () => {
      const world = ready(reliability)
      world.tap.full = true
      assert.equal(world.send(0), false)
      world.run(SECOND / 10)
      assert.deepEqual([world.log.take(), world.session.outstanding()], [[], 0])
      assert.ok(world.tap.refusals > 0)
      world.tap.full = false
      world.session.ready(world.network.now())
      world.network.arm(world.owner)
      assert.deepEqual(world.log.take(), ['unblocked'])
      world.session.ready(world.network.now())
      assert.deepEqual(world.log.take(), [], 'unblocked is told once per refusal')
      assert.equal(world.send(0), true)
      world.run()
      assert.equal(world.consumer.messages.length, 1)
    })

  check('a connection that ends as truncated ends the session with that cause', () => {
    const world = ready()
    world.send(0)
    world.log.take()
    world.lose({ code: 'truncated', detail: 'by the test' })
    assert.deepEqual(world.log.take(), ['ended truncated'])
    assert.match(world.log.cause?.detail ?? '', /by the test/)
  })

  if (adapter.carrier === 'stream')
    check('an orderly end in the middle of a word of the server is a truncation', () => {
      const world = ready('acknowledged')
      world.send(0)
      world.run()
      const [acknowledgement = new Uint8Array()] = world.tap.heard.slice(-1)
      world.log.take()
      world.hear(acknowledgement.subarray(0, acknowledgement.length / 2))
      world.lose({ code: 'closed', detail: 'FIN' })
      assert.deepEqual(world.log.take(), ['ended truncated'])
    })

  check('a server that never answers is given up, and the connection is closed', () => {
    const world = new SessionWorld(subject, last)
    world.tap.silent = true
    world.connect()
    world.run(PATIENCE)
    assert.deepEqual(world.log.take(), ['ended timeout'])
    assert.equal(world.tap.closes, 1)
    assert.equal(world.session.deadline(), NEVER)
  })

  check('a server that falls silent leaves no timer spinning, and no datagram waiting', () => {
    const world = ready()
    assert.equal(world.send(0), true)
    world.tap.silent = true
    const told: string[] = []
    world.send(1)
    world.run(PATIENCE)
    told.push(...world.log.take())
    assert.ok(world.owner.expiries < 100, `${world.owner.expiries} expiries in ten minutes`)
    // A stream is given up by TCP, or by a keep alive where the protocol has one.
    const settles = adapter.carrier === 'datagram' && last !== 'best-effort'
    if (settles) assert.ok(told.includes('gave up 0') || world.log.over, told.join(', '))
    if (settles && !world.log.over) assert.equal(world.session.outstanding(), 0)
  })

  check('no bytes of a peer make a session throw, nor a consumer', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 5 })
    fc.assert(
      fc.property(pieces, fc.boolean(), (garbage, connected) => {
        const world = new SessionWorld(subject, last)
        world.tap.silent = !connected
        world.connect()
        for (const bytes of garbage) {
          if (!world.log.over) world.hear(bytes)
          world.consumerHears(bytes)
        }
        world.run()
      }),
      { numRuns: HOSTILE_RUNS },
    )
  })

  check('nor do true words of the peer with a byte changed, cut off, or said twice', () => {
    const model = ready()
    model.send(0)
    model.run()
    const words = model.tap.heard
    assert.ok(words.length > 0)
    const mutation = fc.record({
      word: fc.nat(words.length - 1),
      at: fc.nat(1000),
      value: fc.integer({ min: 0, max: 255 }),
      how: fc.constantFrom('change', 'cut', 'twice'),
    })
    fc.assert(
      fc.property(mutation, fc.boolean(), ({ word, at, value, how }, connected) => {
        const world = new SessionWorld(subject, last)
        world.tap.silent = !connected
        world.connect()
        if (connected) world.send(0)
        const bytes = new Uint8Array(words[word] as Uint8Array)
        if (how === 'change') bytes[at % bytes.length] = value
        const said = how === 'cut' ? bytes.subarray(0, at % bytes.length) : bytes
        for (let i = 0; i < (how === 'twice' ? 2 : 1); i++) if (!world.log.over) world.hear(said)
        world.run()
      }),
      { numRuns: HOSTILE_RUNS },
    )
  })
}
