/** Early data of TLS 1.3: taken, rejected, more than the ticket allows, and sent again by somebody who listened. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER } from '../core/clock.ts'
import { makePki } from '../security/pki.ts'
import type { End, Pair } from './tls-pair.cases.ts'
import { carry, dates, GCM, newPair, PKI, pump } from './tls-pair.cases.ts'
import { TlsTickets } from './tls-tickets.ts'
import { TlsContext } from './tls.ts'

const ticketed = { ...GCM, resumption: true, earlyData: true } as const
const serverContext = (): TlsContext => TlsContext.server({ ...ticketed, ...PKI })
const clientContext = (more: object = {}): TlsContext =>
  TlsContext.client({ ...ticketed, authority: PKI.authority, ...more })
const client = clientContext()
const server = serverContext()
/** Bytes that our server allows. */
const LIMIT = 16_384
const HELLO = Buffer.from('hello')
const ANSWER = Buffer.from('answer')

const numbered = (length: number, from = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) % 251)

/** Says what waits until something is refused, and goes on when it may. */
const speaks = (end: End, says: readonly Uint8Array[]): void => {
  const { top } = end
  const waiting = [...says]
  const speak = (): void => {
    for (let next = waiting[0]; next !== undefined && end.write(next); next = waiting[0])
      waiting.shift()
  }
  const [open, ready] = [top.open.bind(top), top.ready.bind(top)]
  top.open = (now) => {
    open(now)
    speak()
  }
  top.ready = () => {
    ready()
    speak()
  }
}

/** Says `ANSWER` whenever something comes. */
const answers = (end: End): void => {
  const hear = end.top.fromBelow.bind(end.top)
  end.top.fromBelow = (bytes) => {
    hear(bytes)
    assert.ok(end.write(ANSWER))
  }
}

interface Visit {
  readonly server?: TlsContext
  readonly client?: TlsContext
  readonly says?: readonly Uint8Array[]
}

/** A connection of the one device; the client's first flight is on the way. */
const visit = (tickets: TlsTickets, { says = [HELLO], ...contexts }: Visit = {}): Pair =>
  newPair({
    client,
    server,
    ...contexts,
    identity: { device: 0, tickets },
    before: (pair) => {
      speaks(pair.client, says)
      answers(pair.server)
    },
  })

const closed = (pair: Pair): void => {
  pump(pair)
  pair.client.layer.close(0)
  pump(pair)
}

/** What the device has after one connection to `to`. */
const ticketsOf = (to = server): TlsTickets => {
  const tickets = new TlsTickets()
  closed(visit(tickets, { server: to }))
  return tickets
}

const heard = ({ top }: End): string => Buffer.from(top.received).toString()

test('data goes with the first flight, and is answered with the first flight of the server', () => {
  const tickets = ticketsOf()
  const pair = visit(tickets)
  assert.deepEqual([pair.client.top.opens, pair.client.pipe.calls.length], [1, 1])
  assert.deepEqual(pair.client.layer.negotiated(), {}, 'the handshake is not done')
  carry(pair.client, pair.server)
  assert.equal(heard(pair.server), 'hello')
  assert.deepEqual(pair.server.layer.negotiated(), {}, 'the handshake is not done')
  assert.notEqual(pair.server.layer.deadline(), NEVER)
  carry(pair.server, pair.client)
  assert.equal(heard(pair.client), 'answer')
  pump(pair)
  const { resumed, version } = pair.client.layer.negotiated()
  assert.deepEqual([resumed, version], ['yes', 'TLSv1.3'])
  assert.deepEqual([pair.client.top.opens, pair.server.top.opens], [1, 1])
  assert.equal(heard(pair.server), 'hello', 'once')
  assert.deepEqual([tickets.early.sent, tickets.early.accepted], [1, 1])
  assert.ok(pair.client.layer.deadline() === NEVER && pair.server.layer.deadline() === NEVER)
  assert.ok(pair.client.write(HELLO) && pair.server.write(ANSWER))
  pump(pair)
  assert.equal(heard(pair.server), 'hellohello')
  assert.equal(pair.client.layer.traffic.sentBytes, 10)
  assert.equal(pair.server.layer.traffic.receivedBytes, 10)
})

test('every connection brings the ticket of the next one', () => {
  const tickets = ticketsOf()
  for (let i = 1; i <= 4; i++) {
    closed(visit(tickets))
    assert.deepEqual([tickets.early.sent, tickets.early.accepted], [i, i])
  }
})

test('without a ticket, without the wish, and with a ticket that allows none, there is no early data', () => {
  const first = new TlsTickets()
  const unasked = clientContext({ earlyData: false })
  const sparing = TlsContext.server({ ...GCM, ...PKI, resumption: true })
  const cases: readonly [TlsTickets, Visit][] = [
    [first, {}],
    [ticketsOf(), { client: unasked }],
    [ticketsOf(sparing), { server: sparing }],
  ]
  for (const [tickets, how] of cases) {
    const pair = visit(tickets, how)
    assert.equal(pair.client.top.opens, 0)
    pump(pair)
    assert.equal(heard(pair.server), 'hello')
    assert.equal(pair.client.layer.negotiated()['resumed'], tickets === first ? 'no' : 'yes')
    assert.deepEqual([tickets.early.sent, tickets.early.accepted], [0, 0])
  }
})

test('a server that has forgotten the ticket rejects early data, which is said again after the handshake, once and in order', () => {
  const tickets = ticketsOf()
  const says = [numbered(100), numbered(50, 100), numbered(20, 150)]
  const pair = visit(tickets, { server: serverContext(), says })
  assert.equal(pair.client.top.opens, 1)
  carry(pair.client, pair.server)
  assert.equal(pair.server.top.opens, 0)
  pump(pair)
  assert.deepEqual(pair.server.top.received, [...numbered(170)])
  assert.equal(pair.client.layer.negotiated()['resumed'], 'no')
  assert.deepEqual([tickets.offered, tickets.accepted], [1, 0])
  assert.deepEqual([tickets.early.sent, tickets.early.accepted], [1, 0])
  assert.equal(pair.client.layer.traffic.sentBytes, 170)
})

test('a server that became another one hears nothing because of a ticket, and the ticket goes', () => {
  const tickets = ticketsOf()
  const other = makePki({ dnsName: 'server.test', ...dates(-1, 1) })
  const pair = visit(tickets, { server: TlsContext.server({ ...ticketed, ...other }) })
  pump(pair)
  assert.equal(pair.client.top.cause?.code, 'certificate')
  assert.deepEqual([pair.server.top.opens, heard(pair.server)], [0, ''])
  assert.equal(visit(tickets).client.top.opens, 0)
})

test('what the ticket does not allow waits for the handshake', () => {
  for (const [lengths, early] of [
    [[LIMIT], LIMIT],
    [[10_000, 6384], LIMIT],
    [[10_000, 6385, 100], 10_000],
    [[LIMIT + 1], 0],
    [[100, 40_000], 100],
  ] as const) {
    let from = 0
    const says = lengths.map((length) => numbered(length, (from += length) - length))
    for (const to of [server, serverContext()]) {
      const tickets = ticketsOf()
      const pair = visit(tickets, { server: to, says })
      carry(pair.client, pair.server)
      assert.equal(pair.server.top.received.length, to === server ? early : 0)
      pump(pair)
      assert.deepEqual(pair.server.top.received, [...numbered(from)])
      assert.deepEqual([tickets.early.sent, tickets.early.accepted], [early > 0 ? 1 : 0, early > 0 && to === server ? 1 : 0]) // prettier-ignore
      closed(pair)
    }
  }
})

test('a client that has nothing to say at once shakes hands, and speaks then', () => {
  const tickets = ticketsOf()
  const pair = visit(tickets, { says: [] })
  assert.equal(pair.client.pipe.calls.length, 1)
  assert.equal(pair.client.write(HELLO), false)
  pump(pair)
  assert.equal(pair.client.top.readies, 1)
  assert.ok(pair.client.write(HELLO))
  pump(pair)
  assert.equal(heard(pair.server), 'hello')
  assert.deepEqual([tickets.accepted, tickets.early.sent], [1, 0])
})

test('what comes up before the server answers goes early too, and later waits', () => {
  const pair = visit(ticketsOf())
  assert.ok(pair.client.write(HELLO))
  carry(pair.client, pair.server)
  assert.equal(heard(pair.server), 'hellohello')
  // A part of the server's flight ends it.
  carry(pair.server, pair.client, 10)
  assert.equal(pair.client.write(HELLO), false)
  pump(pair)
  assert.equal(pair.client.top.readies, 1)
  assert.equal(heard(pair.server), 'hellohello')
})

test('whoever replays a first flight is not heard, before the handshake is done and after', () => {
  const tickets = ticketsOf()
  const pair = visit(tickets)
  const flight = Buffer.concat(pair.client.pipe.calls)
  const replay = (): End => {
    const thief = newPair({ client, server })
    thief.server.layer.fromBelow(Uint8Array.from(flight), 0)
    return thief.server
  }
  carry(pair.client, pair.server)
  assert.equal(replay().top.opens, 0)
  closed(pair)
  const late = replay()
  assert.deepEqual([late.top.opens, late.top.received.length], [0, 0])
  assert.equal(heard(pair.server), 'hello')
})

test('a connection that is cut keeps its ticket, at both ends', () => {
  const tickets = ticketsOf()
  const cut = visit(tickets)
  pump(cut)
  for (const end of [cut.client, cut.server]) end.layer.closed({ code: 'reset', detail: 'RST' }, 0)
  closed(visit(tickets))
  assert.deepEqual([tickets.early.sent, tickets.early.accepted], [2, 2])
})

test('a layer below that is full gets the first flight when it is ready', () => {
  const tickets = ticketsOf()
  const identity = { device: 0, tickets }
  const before = (pair: Pair): void => {
    speaks(pair.client, [HELLO, HELLO])
    pair.client.pipe.full = true
  }
  const pair = newPair({ client, server, identity, before })
  assert.deepEqual(pair.client.pipe.calls, [])
  pair.client.pipe.full = false
  pair.client.layer.ready(0)
  carry(pair.client, pair.server)
  assert.equal(heard(pair.server), 'hellohello')
})

test('either end may leave while the handshake runs', () => {
  const left = visit(ticketsOf())
  left.client.layer.close(0)
  pump(left)
  assert.equal(heard(left.server), 'hello')
  assert.equal(left.server.top.cause?.code, 'truncated')
  const refused = visit(ticketsOf())
  carry(refused.client, refused.server)
  refused.server.layer.close(0)
  carry(refused.server, refused.client)
  assert.equal(heard(refused.client), 'answer')
  assert.equal(refused.client.top.cause?.code, 'truncated')
  const silent = visit(ticketsOf())
  silent.client.layer.expire(silent.client.layer.deadline())
  assert.equal(silent.client.top.cause?.code, 'timeout')
})

test('in whatever pieces the flights come, everything is heard once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      (sizes, known) => {
        const says = [numbered(300), numbered(17_000, 300)]
        const pair = visit(ticketsOf(), { server: known ? server : serverContext(), says })
        for (const size of sizes) {
          carry(pair.client, pair.server, size)
          carry(pair.server, pair.client, size)
        }
        pump(pair)
        assert.deepEqual(pair.server.top.received, [...numbered(17_300)])
        assert.equal(heard(pair.client), 'answer'.repeat(heard(pair.client).length / 6))
        closed(pair)
      },
    ),
    { numRuns: 40 },
  )
})

test('a first flight with changed bytes never delivers anything wrong', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
      const pair = visit(ticketsOf())
      const flight = Buffer.concat(pair.client.pipe.queue)
      const at = offset % flight.length
      flight[at] = (flight[at] ?? 0) ^ flip
      pair.server.layer.fromBelow(flight, 0)
      assert.ok(['', 'hello'].includes(heard(pair.server)))
    }),
    { numRuns: 60 },
  )
})
