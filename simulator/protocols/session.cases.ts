/** What every device session does, whatever its protocol, and whether the session is ours or by a library: the contract of session.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../core/clock.ts'
import type { Reliability } from '../core/types.ts'
import { payloadOf, type BenchSubject, type SessionBench } from './session-bench.cases.ts'

const MESSAGES = 20

/** What no protocol has for a word of its own: an end in the middle, another protocol, noughts, ones, and all values of a byte. */
const GARBAGE = [
  Uint8Array.of(0x30, 0xff, 0xff),
  Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  new Uint8Array(48),
  new Uint8Array(48).fill(255),
  Uint8Array.from({ length: 256 }, (_, k) => k),
]

export const sessionCases = ({ name, reliabilities, open }: BenchSubject): void => {
  const last = reliabilities.at(-1) as Reliability

  const check = (
    title: string,
    reliability: Reliability,
    body: (bench: SessionBench) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, async () => {
      await using bench = await open(reliability)
      await body(bench)
    })
  }
  /** A device that may send. */
  const ready = async (bench: SessionBench): Promise<void> => {
    await bench.connect()
    assert.deepEqual(bench.log.take(), ['ready'])
  }

  check('a session takes nothing before it is ready, and is ready once', last, async (bench) => {
    const { session, log } = bench
    assert.ok(Number.isNaN(session.openedAt))
    assert.equal(bench.send(0), false)
    await bench.connect()
    assert.ok(session.openedAt >= 0)
    const lines = log.take()
    assert.equal(lines.filter((line) => line === 'ready').length, 1)
    assert.deepEqual(new Set(lines).difference(new Set(['ready', 'unblocked'])), new Set())
    assert.equal(session.outstanding(), 0)
  })

  for (const reliability of reliabilities) {
    const acknowledged = reliability !== 'best-effort'

    check(
      `${reliability}: a message is transmitted during send, and settles`,
      reliability,
      async (bench) => {
        await ready(bench)
        const { session, log } = bench
        assert.equal(bench.send(7), true)
        assert.deepEqual(log.take(), ['transmitted 7'])
        assert.equal(session.outstanding(), acknowledged ? 1 : 0)
        await bench.settle(() => bench.arrived().length === 1 && session.outstanding() === 0)
        assert.deepEqual(log.take(), acknowledged ? ['acknowledged 7'] : [])
        assert.deepEqual(bench.arrived(), [Buffer.from(payloadOf(7)).toString()])
      },
    )

    check(
      `${reliability}: what is refused is followed by unblocked, and all arrives in order`,
      reliability,
      async (bench) => {
        await ready(bench)
        const { session, log } = bench
        let next = 0
        let refusals = 0
        const pump = (): void => {
          while (next < MESSAGES && bench.send(next)) next++
          if (next < MESSAGES) refusals++
        }
        log.onUnblocked = pump
        pump()
        await bench.settle(() => bench.arrived().length === MESSAGES && session.outstanding() === 0)
        const numbers = Array.from({ length: MESSAGES }, (_, k) => k)
        assert.deepEqual(
          bench.arrived(),
          numbers.map((k) => Buffer.from(payloadOf(k)).toString()),
        )
        const told = log.take()
        const inOrder = (event: string): string[] =>
          told.filter((line) => line.startsWith(`${event} `))
        assert.deepEqual(
          inOrder('transmitted'),
          numbers.map((k) => `transmitted ${k}`),
        )
        assert.equal(inOrder('acknowledged').length, acknowledged ? MESSAGES : 0)
        assert.equal(told.filter((line) => line === 'unblocked').length, refusals)
      },
    )
  }

  check(
    'close closes what is below, is not told as an end, and nothing follows',
    last,
    async (bench) => {
      await ready(bench)
      bench.send(0)
      bench.close()
      assert.equal(bench.session.deadline(), NEVER)
      assert.equal(bench.send(1), false)
      await bench.settle(() => bench.closes() === 1)
      await bench.rest()
      bench.close()
      assert.equal(bench.closes(), 1)
      assert.equal(bench.session.deadline(), NEVER)
    },
  )

  check(
    'a connection that is reset ends the session with that cause, and gives up no message',
    last,
    async (bench) => {
      await ready(bench)
      bench.silence()
      assert.equal(bench.send(3), true)
      bench.lose()
      await bench.settle(() => bench.log.over)
      await bench.rest()
      assert.deepEqual(bench.log.take(), ['transmitted 3', 'ended reset'])
      assert.match(bench.log.cause?.detail ?? '', /\S/)
      assert.equal(bench.session.deadline(), NEVER)
      assert.equal(bench.send(4), false)
    },
  )

  for (const [k, bytes] of GARBAGE.entries())
    for (const greeted of [true, false])
      check(
        `${greeted ? '' : 'before it is ready, '}garbage of a server makes it end once, or not at all (${k})`,
        last,
        async (bench) => {
          if (!greeted) bench.silence()
          await bench.connect()
          bench.log.take()
          bench.hear(bytes)
          await bench.rest()
          const told = bench.log.take()
          assert.ok(
            told.length <= 1 && told.every((line) => line.startsWith('ended ')),
            told.join(),
          )
        },
      )
}
