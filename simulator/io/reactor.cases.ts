/** What every reactor does: one suite for real sockets and for the network in memory. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { MILLISECOND, NEVER, SECOND, type Nanoseconds } from '../core/clock.ts'
import { peerKey, type Address, type DatagramSocket, type PeerKey } from '../core/endpoint.ts'
import { Traffic, type Cause, type Lower, type Upper } from '../core/layer.ts'
import type { Reactor, Timer } from './reactor.ts'

export interface ReactorFixture extends Disposable {
  readonly reactor: Reactor
  /** Two addresses that nobody else uses. */
  readonly server: string
  readonly client: string
  /** Whether this process may close a connection without a word. */
  readonly mayVanish: boolean
  /** Listens there and answers each connection with RST as soon as it stands. */
  resetAt(address: Address): void
}

/** One end of a connection, which notes what happens to it and does as its `on` says. */
class Party implements Upper, Timer {
  timerSlot = -1
  openedAt: Nanoseconds = NaN
  declare below: Lower
  readonly events: string[] = []
  readonly pieces: Buffer[] = []
  cause: Cause | null = null
  at: Nanoseconds = NEVER
  onOpen: (now: Nanoseconds) => void = () => {}
  onBytes: (bytes: Uint8Array, now: Nanoseconds) => void = () => {}
  onReady: (now: Nanoseconds) => void = () => {}
  onClosed: () => void = () => {}

  open(now: Nanoseconds): void {
    this.events.push('open')
    this.openedAt = now
    this.onOpen(now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.events.at(-1) !== 'bytes') this.events.push('bytes')
    this.pieces.push(Buffer.from(bytes))
    this.onBytes(bytes, now)
  }
  ready(now: Nanoseconds): void {
    this.onReady(now)
  }
  closed(cause: Cause): void {
    this.events.push('closed')
    this.cause = cause
    this.onClosed()
  }
  deadline(): Nanoseconds {
    return this.at
  }
  expire(_now: Nanoseconds): void {
    this.at = NEVER
  }
  get text(): string {
    return Buffer.concat(this.pieces).toString()
  }
}

/** An endpoint that answers each datagram with the same bytes. */
class EchoEndpoint implements Timer {
  timerSlot = -1
  declare below: DatagramSocket
  readonly peers: PeerKey[] = []
  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    this.peers.push(peer)
    this.below.toPeer(peer, bytes, now)
  }
  peerGone(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const PATIENCE = 5 * SECOND

/** Calls once, so long from now. */
const after = (reactor: Reactor, delay: Nanoseconds, action: () => void): void =>
  callAt(reactor, reactor.now() + delay, action)

const callAt = (reactor: Reactor, instant: Nanoseconds, action: () => void): void => {
  let at = instant
  reactor.arm({
    timerSlot: -1,
    deadline: () => at,
    expire: () => {
      at = NEVER
      action()
    },
  })
}

/** Runs until `stop`, which must come in time. */
const runUntilStopped = (reactor: Reactor): void => {
  after(reactor, PATIENCE, () => assert.fail('what was waited for did not happen within 5 s'))
  reactor.run()
}

/** Runs on for a moment, so that what must not happen has the chance to. */
const settle = (reactor: Reactor): void => {
  after(reactor, 20 * MILLISECOND, () => reactor.stop())
  reactor.run()
}

interface Ends {
  readonly client: Party
  readonly server: Party
}

export const reactorCases = (name: string, make: () => ReactorFixture): void => {
  const check = (title: string, body: (fixture: ReactorFixture) => void): void => {
    test(`${name}: ${title}`, () => {
      using fixture = make()
      body(fixture)
    })
  }

  /** A client that connects to a server that listens; neither does anything yet. */
  const pair = ({ reactor, server: host, client: from }: ReactorFixture, port = 7001): Ends => {
    const ends = { client: new Party(), server: new Party() }
    const remote = { host, port }
    const listener = reactor.listenStream(remote, new Traffic(), () => {
      listener.close()
      return { above: ends.server, owner: ends.server }
    })
    const local = { host: from, port: 0 }
    const { client } = ends
    reactor.connectStream({ local, remote, owner: client, traffic: new Traffic() }, client)
    return ends
  }

  check('a device that vanishes says nothing, and what its peer sends is reset', (fixture) => {
    if (!fixture.mayVanish) return
    const { reactor } = fixture
    const { client, server: host } = fixture
    const gone = new Party()
    const server = new Party()
    const remote = { host, port: 7031 }
    const listener = reactor.listenStream(remote, new Traffic(), () => {
      listener.close()
      return { above: server, owner: server }
    })
    const local = { host: client, port: 0 }
    const port = reactor.connectStream({ local, remote, owner: gone, traffic: new Traffic() }, gone)
    server.onBytes = () => after(reactor, 0, () => port.vanish())
    gone.onOpen = () => gone.below.fromAbove(bytes('hello'), 0)
    settle(reactor)
    assert.deepEqual(server.events, ['open', 'bytes'])
    server.onClosed = () => reactor.stop()
    server.below.fromAbove(bytes('are you there?'), 0)
    runUntilStopped(reactor)
    assert.equal(server.cause?.code, 'reset')
    assert.deepEqual(gone.events, ['open'], 'nobody above is called')
    port.vanish()
  })

  check('a stream carries bytes there and back, and both ends count them', (fixture) => {
    const { reactor, server: host, client: from } = fixture
    const [there, here] = [new Traffic(), new Traffic()]
    const client = new Party()
    const server = new Party()
    let peer: Address | null = null
    server.onBytes = (got, now) => assert.ok(server.below.fromAbove(got, now))
    client.onOpen = (now) => assert.ok(client.below.fromAbove(bytes('twelve bytes'), now))
    client.onBytes = () => {
      if (client.text.length === 12) reactor.stop()
    }
    const remote = { host, port: 7000 }
    reactor.listenStream(remote, there, (address) => {
      peer = address
      return { above: server, owner: server }
    })
    const local = { host: from, port: 0 }
    const port = reactor.connectStream({ local, remote, owner: client, traffic: here }, client)
    assert.equal(client.below, port)
    assert.deepEqual(client.events, [])
    runUntilStopped(reactor)
    assert.equal(client.text, 'twelve bytes')
    assert.deepEqual(
      [client.events, server.events],
      [
        ['open', 'bytes'],
        ['open', 'bytes'],
      ],
    )
    assert.equal((peer as Address | null)?.host, from)
    assert.deepEqual([here.sentBytes, here.sentCalls, here.receivedBytes], [12, 1, 12])
    assert.deepEqual([there.sentBytes, there.receivedBytes, there.receivedCalls], [12, 12, 1])
    assert.equal(port.traffic, here)
  })

  check('a datagram endpoint answers each peer by its key', (fixture) => {
    const { reactor, server: host, client: from } = fixture
    const echo = new EchoEndpoint()
    const [there, here] = [new Traffic(), new Traffic()]
    const remote = { host, port: 7002 }
    assert.equal(reactor.bindDatagram(remote, there, echo, echo), echo.below)
    const locals = [1, 2, 3].map((n) => ({ host: from, port: 7100 + n }))
    let left = locals.length
    const parties = locals.map((local) => {
      const party = new Party()
      party.onOpen = (now) => assert.ok(party.below.fromAbove(bytes(`from ${local.port}`), now))
      party.onBytes = () => {
        if (--left === 0) reactor.stop()
      }
      reactor.connectDatagram({ local, remote, owner: party, traffic: here }, party)
      assert.deepEqual(party.events, ['open'])
      return party
    })
    runUntilStopped(reactor)
    assert.deepEqual(
      parties.map((party) => party.text),
      ['from 7101', 'from 7102', 'from 7103'],
    )
    assert.deepEqual(
      echo.peers.toSorted((a, b) => a - b),
      locals.map(peerKey),
    )
    assert.deepEqual([here.sentBytes, here.sentCalls, here.receivedBytes], [27, 3, 27])
    assert.deepEqual([there.sentCalls, there.receivedBytes, there.receivedCalls], [3, 27, 3])
  })

  check('a large transfer meets blocked and ready, and arrives whole and in order', (fixture) => {
    const { reactor } = fixture
    const total = 24 * 1024 * 1024
    const piece = 50_000
    const pattern = Buffer.alloc(piece + 251, Buffer.from(Array.from({ length: 251 }, (_, i) => i)))
    const { client, server } = pair(fixture)
    const shared = Buffer.alloc(piece)
    let [taken, got, blocked] = [0, 0, 0]
    const pump = (now: Nanoseconds): void => {
      while (taken < total) {
        const length = Math.min(piece, total - taken)
        pattern.copy(shared, 0, taken % 251)
        const done = client.below.fromAbove(shared.subarray(0, length), now)
        // The bytes were valid only during the call.
        shared.fill(0xff)
        if (!done) {
          blocked++
          return
        }
        taken += length
      }
    }
    client.onOpen = pump
    client.onReady = pump
    server.onBytes = (bytes) => {
      server.pieces.length = 0
      for (let i = 0; i < bytes.length; i += piece) {
        const part = bytes.subarray(i, i + piece)
        const start = (got + i) % 251
        assert.equal(Buffer.compare(part, pattern.subarray(start, start + part.length)), 0)
      }
      got += bytes.length
      if (got === total) reactor.stop()
    }
    runUntilStopped(reactor)
    assert.deepEqual([taken, got], [total, total])
    assert.ok(blocked > 0)
    assert.equal(client.below.traffic.sentBytes, total)
  })

  check(
    'close sends what was taken, also past unread bytes, and only the peer is told',
    (fixture) => {
      const { reactor } = fixture
      const { client, server } = pair(fixture)
      const block = Buffer.alloc(70_000, 'x')
      let [taken, got] = [0, 0]
      server.onOpen = (now) => assert.ok(server.below.fromAbove(bytes('unread by the client'), now))
      client.onBytes = (_, now) => {
        client.onBytes = () => assert.fail('bytes after close')
        while (client.below.fromAbove(block, now)) taken += block.length
        client.below.close(now)
        client.below.close(now)
      }
      server.onBytes = (bytes, now) => {
        got += bytes.length
        server.below.fromAbove(Buffer.from('more unread'), now)
      }
      server.onClosed = () => reactor.stop()
      runUntilStopped(reactor)
      settle(reactor)
      assert.ok(taken > 0)
      assert.equal(got, taken)
      assert.equal(server.cause?.code, 'closed')
      assert.deepEqual(client.events, ['open', 'bytes'])
      assert.deepEqual(server.events, ['open', 'bytes', 'closed'])
      assert.equal(server.below.fromAbove(bytes('too late'), reactor.now()), false)
    },
  )

  check('a stream that pauses stops its peer, and then hears everything in order', (fixture) => {
    const { reactor } = fixture
    const { client, server } = pair(fixture, 7032)
    const piece = new Uint8Array(1_000_000)
    server.onOpen = () => server.below.pause?.()
    settle(reactor)
    let sent = 0
    while (client.below.fromAbove(piece, reactor.now())) {
      assert.ok(++sent < 100, 'it never stops')
      settle(reactor)
    }
    assert.deepEqual(server.events, ['open'])
    client.below.close(reactor.now())
    settle(reactor)
    assert.deepEqual(server.events, ['open'], 'the end waits behind the bytes')
    server.onClosed = () => reactor.stop()
    server.below.resume?.(reactor.now())
    runUntilStopped(reactor)
    assert.equal(server.text.length, sent * piece.length)
    assert.equal(server.cause?.code, 'closed')
  })

  check('unread bytes do not turn the FIN of a close into a reset', (fixture) => {
    const { reactor } = fixture
    const { client, server } = pair(fixture)
    server.onOpen = (now) => assert.ok(server.below.fromAbove(Buffer.alloc(200_000), now))
    client.onBytes = (_, now) => {
      assert.ok(client.below.fromAbove(bytes('goodbye'), now))
      client.below.close(now)
    }
    server.onClosed = () => reactor.stop()
    runUntilStopped(reactor)
    assert.equal(server.text, 'goodbye')
    assert.equal(server.cause?.code, 'closed')
  })

  check('a connect that nobody listens to is refused, from the loop', ({ reactor, server }) => {
    const party = new Party()
    const remote = { host: server, port: 7003 }
    party.onClosed = () => reactor.stop()
    reactor.connectStream({ remote, owner: party, traffic: new Traffic() }, party)
    assert.deepEqual(party.events, [])
    assert.equal(party.below.fromAbove(bytes('too early'), reactor.now()), false)
    runUntilStopped(reactor)
    assert.deepEqual(party.events, ['closed'])
    assert.equal(party.cause?.code, 'refused')
  })

  check('datagrams to a port that nobody has bound end as refused', ({ reactor, server }) => {
    const party = new Party()
    const remote = { host: server, port: 7004 }
    party.onClosed = () => reactor.stop()
    reactor.connectDatagram({ remote, owner: party, traffic: new Traffic() }, party)
    party.below.fromAbove(bytes('anybody?'), reactor.now())
    runUntilStopped(reactor)
    settle(reactor)
    assert.deepEqual(party.events, ['open', 'closed'])
    assert.equal(party.cause?.code, 'refused')
  })

  check('a reset ends the connection as reset', (fixture) => {
    const { reactor, server } = fixture
    const party = new Party()
    const remote = { host: server, port: 7005 }
    fixture.resetAt(remote)
    party.onClosed = () => reactor.stop()
    reactor.connectStream({ remote, owner: party, traffic: new Traffic() }, party)
    runUntilStopped(reactor)
    assert.equal(party.cause?.code, 'reset')
  })

  for (const when of ['open', 'bytes'] as const)
    check(`after close inside ${when} no call follows`, (fixture) => {
      const { reactor } = fixture
      const { client, server } = pair(fixture)
      server.onOpen = (now) => {
        for (let i = 0; i < 10; i++) server.below.fromAbove(Buffer.alloc(40_000), now)
      }
      const close = (now: Nanoseconds): void => client.below.close(now)
      if (when === 'open') client.onOpen = close
      else client.onBytes = (_, now) => close(now)
      server.onClosed = () => reactor.stop()
      runUntilStopped(reactor)
      settle(reactor)
      assert.deepEqual(client.events, when === 'open' ? ['open'] : ['open', 'bytes'])
      assert.ok(client.pieces.length <= 1)
    })

  check('a connect can be closed before it stands', (fixture) => {
    const { reactor } = fixture
    const { client } = pair(fixture)
    client.below.close(reactor.now())
    settle(reactor)
    assert.deepEqual(client.events, [])
  })

  check(
    '200 connections at once keep their bytes apart, and their places serve again',
    (fixture) => {
      const { reactor, server: host, client: from } = fixture
      const remote = { host, port: 7006 }
      reactor.listenStream(remote, new Traffic(), () => {
        const server = new Party()
        server.onBytes = (bytes, now) => assert.ok(server.below.fromAbove(bytes, now))
        return { above: server, owner: server }
      })
      const traffic = new Traffic()
      const local = { host: from, port: 0 }
      const rounds = 3
      let left = 200 * rounds
      const start = (index: number, round: number): void => {
        const party = new Party()
        const text = `device ${index} round ${round}`
        party.onOpen = (now) => assert.ok(party.below.fromAbove(bytes(text), now))
        party.onBytes = (_, now) => {
          assert.equal(party.text, text)
          // The place in the tables is taken again by a new connection inside this very call.
          party.below.close(now)
          if (round < rounds) start(index, round + 1)
          if (--left === 0) reactor.stop()
        }
        party.onClosed = () => assert.fail('closed')
        reactor.connectStream({ local, remote, owner: party, traffic }, party)
      }
      for (let i = 0; i < 200; i++) start(i, 1)
      runUntilStopped(reactor)
      assert.equal(traffic.sentCalls, 200 * rounds)
      assert.equal(traffic.sentBytes, traffic.receivedBytes)
    },
  )

  check('deadlines come in order and never early', ({ reactor }) => {
    const seen: number[] = []
    const start = reactor.now()
    const delays = [9, 1, 5, 7, 3, 2, 8, 4, 6]
    for (const delay of delays)
      callAt(reactor, start + delay * MILLISECOND, () => {
        assert.ok(reactor.now() >= start + delay * MILLISECOND)
        seen.push(delay)
        if (seen.length === delays.length) reactor.stop()
      })
    runUntilStopped(reactor)
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  check('the owner is asked for its deadline after each call into the pile', (fixture) => {
    const { reactor } = fixture
    const { client, server } = pair(fixture)
    let due = 0
    client.onOpen = (now) => client.below.fromAbove(bytes('go'), now)
    server.onBytes = (_, now) => {
      server.at = due = now + MILLISECOND
    }
    server.expire = (now: Nanoseconds) => {
      server.at = NEVER
      assert.ok(now >= due)
      reactor.stop()
    }
    runUntilStopped(reactor)
    assert.ok(due > 0)
  })

  check(
    'a disarmed owner is left alone, also when it disarms itself, until it is armed',
    (fixture) => {
      const { reactor } = fixture
      const { client, server } = pair(fixture)
      client.onOpen = (now) => {
        client.at = now + MILLISECOND
        reactor.disarm(client)
      }
      server.at = reactor.now() + MILLISECOND
      reactor.arm(server)
      reactor.disarm(server)
      const asked: string[] = []
      client.expire = () => assert.fail('client expired')
      server.expire = () => assert.fail('server expired before it accepted anything')
      server.onOpen = () => {
        server.at = NEVER
      }
      settle(reactor)
      assert.deepEqual([client.events, server.events], [['open'], ['open']])
      client.expire = () => {
        client.at = NEVER
        asked.push('client')
        reactor.stop()
      }
      reactor.arm(client)
      runUntilStopped(reactor)
      assert.deepEqual(asked, ['client'])
    },
  )

  check('an address can be bound once', ({ reactor, server: host }) => {
    const at = { host, port: 7007 }
    const echo = new EchoEndpoint()
    const none = (): never => assert.fail('nobody connects')
    const listener = reactor.listenStream(at, new Traffic(), none)
    const socket = reactor.bindDatagram(at, new Traffic(), echo, echo)
    const taken = { code: 'TB_SYSTEM_CALL', message: new RegExp(`${host}:7007 failed: EADDRINUSE`) }
    assert.throws(() => reactor.listenStream(at, new Traffic(), none), taken)
    assert.throws(() => reactor.bindDatagram(at, new Traffic(), echo, echo), taken)
    listener.close()
    socket.close(reactor.now())
    reactor.listenStream(at, new Traffic(), none)
    reactor.bindDatagram(at, new Traffic(), echo, echo)
  })

  check(
    'a datagram connection whose local address is taken closes with limit, from the loop',
    (fixture) => {
      const { reactor, server: host } = fixture
      const at = { host, port: 7008 }
      const echo = new EchoEndpoint()
      reactor.bindDatagram(at, new Traffic(), echo, echo)
      const party = new Party()
      party.onClosed = () => reactor.stop()
      const remote = { host, port: 7009 }
      reactor.connectDatagram({ local: at, remote, owner: party, traffic: new Traffic() }, party)
      assert.deepEqual(party.events, [])
      runUntilStopped(reactor)
      assert.deepEqual(party.events, ['closed'])
      assert.equal(party.cause?.code, 'limit')
    },
  )
}
