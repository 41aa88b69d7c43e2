/** TCP of a stack on a real link (needs root): what is asked for is what both ends have and what is seen on the wire. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MILLISECOND, SECOND, monotonic, type Nanoseconds } from '../../simulator/core/clock.ts'
import { PLAIN_TCP } from '../../simulator/core/tcp.ts'
import type { TcpOptions } from '../../simulator/core/types.ts'
import * as linux from '../../simulator/native/linux.ts'
import type { LinkEvent } from '../../simulator/network/link-protocol.ts'
import { Link, config, device, memory, server, shape, skip } from './link-ends.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'
import { connectAndRun, linkWith } from './tcp-ends.cases.ts'

const available = (): string[] =>
  readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'latin1').trim().split(/\s+/)

/** What the link said instead of `ready`; then it ends. */
const assertRefused = async (link: Link, event: LinkEvent, algorithm: string): Promise<void> => {
  assert.ok(event.event === 'failed')
  assert.equal(event.code, 'TB_TCP_CONGESTION')
  assert.ok(event.message.includes(`no congestion control "${algorithm}"`), event.message)
  assert.ok(event.message.includes(`has ${available().join(', ')}.`), event.message)
  if (link.process.exitCode === null) await once(link.process, 'exit')
  assert.equal(link.process.exitCode, 1)
}

for (const congestion of ['reno', 'cubic', 'bbr'] as const)
  test(
    `${congestion} is at both ends, or the kernel has no such thing and is said to`,
    { skip },
    async () => {
      await using link = new Link({ ...config(shape({})), tcp: { ...PLAIN_TCP, congestion } })
      const event = await link.event()
      if (event.event !== 'ready') {
        await assertRefused(link, event, congestion)
        assert.ok(!available().includes(congestion))
        return
      }
      link.ready = event
      using listener = server(link, linux.SOCK_STREAM)
      using above = device(link, 0, linux.SOCK_STREAM)
      assert.ok(listener.wait(2000))
      using below = listener.accept()
      for (const end of [above, below]) {
        memory.bytes.fill(0, 0, linux.TCP_CA_NAME_MAX)
        end.option(linux.IPPROTO_TCP, linux.TCP_CONGESTION, linux.TCP_CA_NAME_MAX)
        const name = Buffer.from(memory.bytes.subarray(0, linux.TCP_CA_NAME_MAX)).toString('latin1')
        assert.equal(name.split('\0')[0], congestion)
      }
    },
  )

test('an algorithm that the kernel does not have is refused in words', { skip }, async () => {
  const congestion = 'nonesuch' as TcpOptions['congestion']
  const link = new Link({ ...config(shape({})), tcp: { ...PLAIN_TCP, congestion } })
  await assertRefused(link, await link.event(), congestion)
})

for (const segments of [2, 10])
  test(
    `an initial window of ${segments} is what is sent before the first acknowledgement, from both ends`,
    { skip },
    async () => {
      const tcp = { initialWindow: segments, timestamps: false }
      await using link = await linkWith(tcp, { delay: 25 * MILLISECOND })
      using listener = server(link, linux.SOCK_STREAM)
      using above = device(link, 0, linux.SOCK_STREAM)
      assert.ok(listener.wait(2000))
      using below = listener.accept()
      assert.ok(above.wait(2000, linux.POLLOUT))
      for (const [from, to] of [
        [above, below],
        [below, above],
      ] as const) {
        // Without timestamps a segment carries 1500 - 40 bytes.
        for (let i = 0; i < 16; i++) assert.equal(from.send(1460), 1460)
        assert.ok(to.wait(1000))
        // The next flight comes a round trip of 50 ms after this one.
        await new Promise((resolve) => setTimeout(resolve, 15))
        let received = 0
        for (let length = to.receive(); length > 0; length = to.receive()) received += length
        assert.equal(received, segments * 1460)
      }
    },
  )

/** How late the last of 20 messages arrives, each 40 ms after the one before: all by 10 ms, and the last is lost once. */
const afterLoss = async (rtoMin: Nanoseconds | null): Promise<Nanoseconds> => {
  // Of the device's packets, the first two are SYN and ACK.
  const up = { delay: 10 * MILLISECOND, loss: { kind: 'list', packets: [22] } } as const
  await using link = await linkWith({ rtoMin }, up, { delay: 10 * MILLISECOND })
  using listener = server(link, linux.SOCK_STREAM)
  using above = device(link, 0, linux.SOCK_STREAM)
  assert.ok(listener.wait(2000))
  using below = listener.accept()
  assert.ok(above.wait(2000, linux.POLLOUT))
  let late = 0
  for (let i = 0; i < 20; i++) {
    const sent = monotonic()
    assert.equal(above.send(50), 50)
    assert.ok(below.wait(2000))
    late = monotonic() - sent
    assert.equal(below.receive(), 50)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  const account = await link.account(NaN)
  assert.equal(account.lost, 1)
  assert.equal(account.wire.connect.up.retransmittedPackets, 1)
  return late
}

test(
  'a lost segment is repeated after SRTT + 200 ms, or after the floor that a stack asks for',
  { skip },
  async (t) => {
    const usual = await afterLoss(null)
    const sooner = await afterLoss(25 * MILLISECOND)
    t.diagnostic(`${usual / MILLISECOND} ms, and with a floor of 25 ms ${sooner / MILLISECOND} ms`)
    // 20 + 200 + 10 ms and 20 + 28 + 10 ms (25 ms in ticks of 4), with as much again for timers and a busy machine.
    assert.ok(usual > 215 * MILLISECOND && usual < 330 * MILLISECOND, `${usual} ns`)
    assert.ok(sooner > 45 * MILLISECOND && sooner < 120 * MILLISECOND, `${sooner} ns`)
  },
)

test(
  'a connection to a dead peer ends with ETIMEDOUT after the user timeout',
  { skip },
  async (t) => {
    const dead = { kind: 'list', packets: Array.from({ length: 100 }, (_, i) => i + 3) } as const
    const userTimeout = 1000 * MILLISECOND
    const both = { delay: 10 * MILLISECOND }
    await using link = await linkWith({ userTimeout }, { ...both, loss: dead }, both)
    let took = NaN
    const { found } = connectAndRun(link, { userTimeout }, (above, _, reactor) => {
      above.onOpen = (now) => void above.below.fromAbove(new Uint8Array(50), now)
      above.onClosed = (now) => {
        took = now - above.openedAt
        assert.equal(above.cause?.code, 'timeout')
        assert.match(above.cause.detail, /ETIMEDOUT/)
        reactor.stop()
      }
    })
    t.diagnostic(`${took / MILLISECOND} ms`)
    assert.equal(found?.userTimeout, userTimeout)
    // The kernel counts from the first retransmission, a timeout or two of 220 ms after the first byte.
    assert.ok(took > 0.95 * userTimeout && took < 1.8 * userTimeout, `${took} ns`)
  },
)

for (const keepalive of [SECOND, null])
  test(
    `keep-alive ${keepalive === null ? 'that nobody asks for sends nothing' : 'of 1 s is three probes in 3.5 s, each answered'}`,
    { skip },
    async () => {
      await using link = await linkWith({ keepalive }, { delay: 10 * MILLISECOND })
      const { found } = connectAndRun(link, { keepalive }, (above, _, reactor) => {
        above.onOpen = (now) => {
          above.at = now + 3.5 * SECOND
        }
        above.onTime = () => reactor.stop()
      })
      assert.equal(found?.keepalive, keepalive)
      const { up, down } = (await link.account(NaN)).wire.connect
      const probes = keepalive === null ? 0 : 3
      // SYN and ACK up, SYN and ACK in one down; closing the sockets adds one each way at most.
      assert.ok(up.packets - 2 - probes >= 0 && up.packets - 2 - probes <= 1, `${up.packets} up`)
      assert.ok(down.packets - 1 - probes >= 0 && down.packets - 1 - probes <= 1, `${down.packets}`)
    },
  )

test('a run names the algorithm and audits TCP as it was', { skip: skipReason() }, async (t) => {
  await using result = await runText(`
thingbench: 1
name: tcp
stacks:
  - { stack: mqtt-tcp, name: held, tcp: { nodelay: false, congestion: reno, rto_min: 100 ms } }
  - { stack: mqtt-tcp, name: free, tcp: { initial_window: 4, keepalive: 30 s, user_timeout: 20 s, timestamps: false } }
links: [{ name: far, delay: 30 ms }]
devices: 4
workload: { interval: 20 ms, payload: 32 B, reliability: best-effort }
phases: { ramp: 100 ms, warmup: 1 s, measure: 3 s, drain: 1 s }
repetitions: 3
`)
  // Of all repetitions: a machine that stalls may hide it in one.
  const notes = (stack: string): string =>
    result.rows
      .filter((row) => row.metric === 'outcome' && row.stack === stack)
      .flatMap((row) => row.warnings)
      .join('\n')
  t.diagnostic(notes('held'))
  assert.match(
    notes('held'),
    /^latency of held .*: Nagle's algorithm holds .* set tcp\.nodelay: true$/m,
  )
  assert.doesNotMatch(notes('free'), /Nagle/)
  const { stacks } = result.run.audit
  const kernel = "(the kernel's default)"
  assert.deepEqual(
    Object.entries(stacks).filter(([property]) => property.startsWith('TCP')),
    [
      ['TCP_NODELAY', { held: 'off', free: 'on' }],
      ['TCP congestion control', { held: 'reno', free: 'cubic' }],
      ['TCP initial window', { held: `10 segments ${kernel}`, free: '4 segments' }],
      ['TCP least retransmission timeout', { held: '100 ms', free: `200 ms ${kernel}` }],
      ['TCP keep-alive', { held: 'off', free: '30 s' }],
      ['TCP user timeout', { held: 'off', free: '20 s' }],
      ['TCP unsent bytes at most', { held: 'no limit', free: 'no limit' }],
      ['TCP timestamps', { held: 'on', free: 'off' }],
    ],
  )
})

test(
  'a cell whose algorithm the kernel does not have is unsupported, with the reason',
  { skip: skipReason() },
  async () => {
    const text = `
thingbench: 1
name: tcp
stacks: [mqtt-tcp]
links: [{ name: far, delay: 30 ms }]
devices: 1
workload: { interval: 1 s }
repetitions: 1
`
    const congestion = 'nonesuch' as TcpOptions['congestion']
    await using result = await runText(text, {
      change: (scenario) => ({
        ...scenario,
        stacks: scenario.stacks.map((stack) => ({ ...stack, tcp: { ...stack.tcp, congestion } })),
      }),
    })
    const [row, ...more] = result.rows
    assert.equal(row?.outcome, 'unsupported')
    assert.match(
      row.warnings.join('\n'),
      /^This kernel has no congestion control "nonesuch": \S+ has /,
    )
    assert.deepEqual(more, [])
  },
)
