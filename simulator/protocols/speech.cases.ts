/** What every adapter does through which an application speaks to devices: the part of session.ts that is about it, as one suite. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reliability } from '../core/types.ts'
import { ALL_DEVICES } from './session.ts'
import { DEVICE, payloadOf } from './session-bench.cases.ts'
import { MOMENT, SessionWorld, type SessionSubject } from './session-world.cases.ts'

const textOf = (sequence: number): string => Buffer.from(payloadOf(sequence)).toString('latin1')

export const speechCases = (subject: SessionSubject): void => {
  const { adapter } = subject
  if (adapter.speech === undefined) return
  const check = (title: string, body: () => void): void => {
    test(`${adapter.name}: ${title}`, body)
  }
  /** A device that hears, and answers commands with what it heard. */
  const ready = (reliability: Reliability, hears: 'commands' | 'broadcasts'): SessionWorld => {
    const world = new SessionWorld(subject, reliability, hears).connect()
    assert.deepEqual(world.log.take(), ['ready'])
    let sequence = 0
    world.log.onHeard = (payload) => {
      if (hears === 'broadcasts') return
      const copy = payload.slice()
      assert.equal(world.session.answer?.(sequence++, copy, world.network.now()), true)
      copy.fill(0)
    }
    return world
  }
  const command = (world: SessionWorld, sequence: number): boolean =>
    world.say((speech, now) => {
      const payload = payloadOf(sequence)
      const taken = speech.command(DEVICE, sequence, payload, now)
      payload.fill(0)
      return taken
    })
  const speech = (world: SessionWorld): string[] => world.consumer.speech?.lines ?? []
  const heard = (world: SessionWorld): string[] =>
    world.log.lines.filter((line) => line.startsWith('heard '))

  check('the adapter says in words how the application speaks', () => {
    for (const words of Object.values(adapter.speech ?? {})) assert.match(words, /\S/)
  })

  for (const reliability of adapter.reliabilities) {
    const acknowledged = reliability === 'best-effort' ? 0 : 1

    check(`${reliability}: a command is heard once, and its answer received`, () => {
      const world = ready(reliability, 'commands')
      assert.equal(command(world, 7), true)
      assert.deepEqual(speech(world), [`transmitted ${DEVICE} 7`])
      world.run()
      assert.deepEqual(heard(world), [`heard ${textOf(7)}`])
      assert.deepEqual(world.consumer.messages, [{ device: DEVICE, text: textOf(7) }])
      const told = speech(world).filter((line) => line === `acknowledged ${DEVICE} 7`)
      assert.equal(told.length, acknowledged)
      assert.equal(world.session.outstanding(), 0)
    })

    check(
      `${reliability}: commands that are refused are followed by unblocked, and all arrive in order`,
      () => {
        const world = ready(reliability, 'commands')
        let next = 0
        for (let round = 0; next < 10 && round < 50; round++) {
          while (next < 10 && command(world, next)) next++
          world.run(MOMENT / 5)
        }
        world.run()
        const all = Array.from({ length: 10 }, (_, k) => textOf(k))
        assert.deepEqual(
          heard(world),
          all.map((text) => `heard ${text}`),
        )
        assert.deepEqual(
          world.consumer.messages.map(({ text }) => text),
          all,
        )
        const told = speech(world).filter((line) => line.startsWith('acknowledged'))
        assert.equal(told.length, 10 * acknowledged)
      },
    )

    check(`${reliability}: what is said to all is heard once, and not answered`, () => {
      const world = ready(reliability, 'broadcasts')
      const [whom, taken] = world.speech?.broadcast
        ? [ALL_DEVICES, world.say((said, now) => said.broadcast?.(3, payloadOf(3), now) ?? false)]
        : [DEVICE, command(world, 3)]
      assert.equal(taken, true)
      world.run()
      assert.deepEqual(heard(world), [`heard ${textOf(3)}`])
      assert.deepEqual(world.consumer.messages, [])
      const told = speech(world)
      assert.equal(told[0], `transmitted ${whom} 3`)
      assert.equal(told.filter((line) => line === `acknowledged ${whom} 3`).length, acknowledged)
    })
  }
}
