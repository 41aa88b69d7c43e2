/** The server as a client: whom it reaches, where, and how often it tries. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER, SECOND } from '../../core/clock.ts'
import { Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import type { Reliability } from '../../core/types.ts'
import { CoapServer } from './server.ts'

const T0 = 1e12
const HOME = 5
const ELSEWHERE = 6

const start = (reliability: Reliability = 'acknowledged') => {
  const sent: { readonly to: number; readonly hex: string }[] = []
  const lines: string[] = []
  const note =
    (event: string) =>
    (device: number, ...more: readonly (number | string)[]) => {
      // The last is the instant.
      lines.push([event, device, ...more.slice(0, -1)].join(' '))
    }
  const server = new CoapServer(
    {
      devices: 100,
      reliability,
      options: {},
      serverName: '',
      password: '',
      random: new Random(1),
      says: 'commands',
    },
    {
      speech: {
        transmitted: note('transmitted'),
        acknowledged: note('acknowledged'),
        gaveUp: note('gave up'),
        unblocked: note('unblocked'),
      },
      consumerReady: () => {},
      received: (device, payload) =>
        void lines.push(`received ${device} ${Buffer.from(payload).toString()}`),
      ended: () => {},
    },
  )
  server.below = {
    toPeer: (to, bytes) => void sent.push({ to, hex: Buffer.from(bytes).toString('hex') }),
    close: () => {},
    traffic: new Traffic(),
  }
  let id = 1
  /** Device 42 registers from that peer. */
  const register = (peer: number): void => {
    const head = Buffer.from(`4002${String(id++).padStart(4, '0')}b27264`, 'hex')
    const query = Buffer.concat([Buffer.from([0x4a]), Buffer.from('ep=d000042')])
    server.fromPeer(peer, Buffer.concat([head, query]), T0)
    assert.match(sent.pop()?.hex ?? '', /^6041/)
    lines.length = 0
  }
  const command = (sequence: number, now = T0): boolean =>
    server.command(42, sequence, Buffer.from(`cmd-${sequence}`), now)
  const hear = (peer: number, hex: string, now = T0): void =>
    server.fromPeer(peer, Buffer.from(hex, 'hex'), now)
  /** Header byte and code, then message ID and token of the last request. */
  const reply = (head: string, content = ''): string => {
    const last = sent.at(-1)?.hex.slice(4, 12) ?? ''
    return head + last + content
  }
  return { server, sent, lines, register, command, hear, reply }
}

test('a command is a CON POST /c to where the device registered, and its response the answer', () => {
  const { sent, lines, register, command, hear, reply } = start()
  register(HOME)
  assert.equal(command(7), true)
  assert.equal(sent.length, 1)
  assert.equal(sent[0]?.to, HOME)
  assert.match(sent[0]?.hex ?? '', /^4202(....)\1b163ff636d642d37$/)
  hear(HOME, reply('6244', `ff${Buffer.from('ok').toString('hex')}`))
  assert.deepEqual(lines, ['transmitted 42 7', 'acknowledged 42 7', 'received 42 ok'])
  hear(HOME, reply('6244', 'ff6f6b'))
  assert.equal(lines.length, 3, 'a second response belongs to nothing')
})

test('a device that never registered cannot be reached', () => {
  const { sent, lines, command } = start()
  assert.equal(command(1), true)
  assert.deepEqual(sent, [])
  assert.deepEqual(lines, ['transmitted 42 1', 'gave up 42 1 the device has not registered'])
})

test('NSTART holds for each device: the next command waits for the answer', () => {
  const { lines, register, command, hear, reply } = start()
  register(HOME)
  command(1)
  assert.equal(command(2), false)
  lines.length = 0
  hear(HOME, reply('6244'))
  assert.deepEqual(lines, ['acknowledged 42 1', 'unblocked 42'])
  assert.equal(command(2), true)
})

test('without an answer it is sent five times and given up, and the next one may go', () => {
  const { server, sent, lines, register, command } = start()
  register(HOME)
  command(1)
  assert.equal(command(2), false)
  while (server.deadline() < T0 + 1000 * SECOND && !lines.some((line) => line.startsWith('gave')))
    server.expire(server.deadline())
  assert.equal(sent.length, 5)
  assert.equal(new Set(sent.map(({ hex }) => hex)).size, 1)
  assert.deepEqual(lines, ['transmitted 42 1', 'gave up 42 1 no answer', 'unblocked 42'])
})

test('a device that is heard from elsewhere is asked there from then on, copies included', () => {
  const { server, sent, lines, register, command, hear, reply } = start()
  register(HOME)
  command(1)
  const first = sent[0]?.hex ?? ''
  register(ELSEWHERE)
  server.expire(server.deadline())
  assert.deepEqual(sent.at(-1), { to: ELSEWHERE, hex: first })
  hear(ELSEWHERE, reply('6244'))
  assert.deepEqual(lines, ['acknowledged 42 1'])
})

test('a response from where nobody was asked is none', () => {
  const { lines, register, command, hear, reply } = start()
  register(HOME)
  command(1)
  lines.length = 0
  hear(ELSEWHERE, reply('6244'))
  assert.deepEqual(lines, [])
})

for (const [what, head, reason] of [
  ['RST', '7000', 'RST'],
  ['an error response', '6284', '4.04'],
] as const)
  test(`${what} gives the command up`, () => {
    const { lines, register, command, hear, sent } = start()
    register(HOME)
    command(1)
    const id = sent[0]?.hex.slice(4, 8) ?? ''
    hear(HOME, head === '7000' ? head + id : head + id + id)
    assert.equal(lines[1], `gave up 42 1 ${reason}`)
  })

test('a best-effort command goes once, waits for nothing, and its answer is received', () => {
  const { server, sent, lines, register, command, hear, reply } = start('best-effort')
  register(HOME)
  for (let sequence = 0; sequence < 3; sequence++) assert.equal(command(sequence), true)
  assert.equal(sent.length, 3)
  assert.match(sent[2]?.hex ?? '', /^5202(....)\1b163ff/)
  hear(HOME, reply('5244', 'ff6f6b').replace(/^(5244)..../, '$19999'))
  assert.equal(lines.at(-1), 'received 42 ok')
  // The other two are never answered.
  while (server.deadline() < T0 + 200 * SECOND) server.expire(server.deadline())
  assert.equal(sent.length, 3)
  assert.equal(lines.filter((line) => line.startsWith('acknowledged')).length, 0)
  assert.ok(server.deadline() === NEVER || server.deadline() > T0 + 200 * SECOND)
})
