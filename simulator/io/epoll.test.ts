import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import { peerKey, type Address } from '../core/endpoint.ts'
import { Traffic, type Cause, type Lower } from '../core/layer.ts'
import type { TcpFound, TcpRecord } from '../core/tcp.ts'
import { NativeMemory, libc, systemCall } from '../native/libc.ts'
import { SOL_SOCKET, SO_LINGER } from '../native/linux.ts'
import { EpollReactor } from './epoll.ts'
import type { StreamOptions } from './reactor.ts'
import { reactorCases } from './reactor.cases.ts'
import { Sockets } from './sockets.ts'

/** Loopback addresses of this process's own, so that test files that run at once do not meet. */
const host = (last: number): string =>
  `127.${(process.pid >> 8) & 127}.${process.pid & 255}.${last}`
const openDescriptors = (): number => readdirSync('/proc/self/fd').length

const readSysctl = (name: string): string =>
  readFileSync(`/proc/sys/net/ipv4/${name}`, 'latin1').trim()

/** Closes a socket with RST: SO_LINGER on, with no time to linger. */
const closeWithReset = (fd: number): void => {
  const linger = new NativeMemory(8)
  linger.view.setInt32(0, 1, true)
  const { address } = linger
  systemCall('setsockopt', libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, address, 8))
  libc().close(fd)
}

reactorCases('EpollReactor', () => {
  const reactor = new EpollReactor()
  return {
    reactor,
    server: host(1),
    client: host(2),
    mayVanish: process.getuid?.() === 0,
    resetAt(address) {
      const sockets = new Sockets()
      const listener = sockets.openListener(address)
      const watch = reactor.watch(listener, () => {
        closeWithReset(sockets.accept(listener))
        watch.close()
        libc().close(listener)
      })
    },
    [Symbol.dispose]: () => reactor[Symbol.dispose](),
  }
})

const silent = (onClosed: (cause: Cause) => void = () => {}) => ({
  timerSlot: -1,
  openedAt: NaN,
  below: undefined as unknown as Lower,
  open(): void {},
  fromBelow(): void {},
  ready() {},
  closed: onClosed,
  deadline: () => NEVER,
  expire() {},
})

const stopAfter = (reactor: EpollReactor, delay: number): void => {
  let at = reactor.now() + delay
  const deadline = (): number => at
  const expire = (): void => {
    at = NEVER
    reactor.stop()
  }
  reactor.arm({ timerSlot: -1, deadline, expire })
}

test('Closed connections leave no descriptor behind, on either side.', () => {
  using reactor = new EpollReactor()
  const before = openDescriptors()
  const remote = { host: host(1), port: 7000 }
  const listener = reactor.listenStream(remote, new Traffic(), () => {
    const server = silent()
    return { above: server, owner: server }
  })
  for (let i = 0; i < 20; i++) {
    const client = { ...silent(), open: () => client.below.close(reactor.now()) }
    reactor.connectStream({ remote, owner: client, traffic: new Traffic() }, client)
  }
  const refused = silent()
  const nobody = { host: host(1), port: 7001 }
  reactor.connectStream({ remote: nobody, owner: refused, traffic: new Traffic() }, refused)
  const datagram = silent()
  reactor.connectDatagram({ remote, owner: datagram, traffic: new Traffic() }, datagram)
  assert.ok(openDescriptors() >= before + 23)
  datagram.below.close(reactor.now())
  stopAfter(reactor, 50 * MILLISECOND)
  reactor.run()
  listener.close()
  assert.equal(openDescriptors(), before)
})

test('Disposing closes what is open.', () => {
  const before = openDescriptors()
  const reactor = new EpollReactor()
  const remote = { host: host(1), port: 7000 }
  reactor.listenStream(remote, new Traffic(), () => assert.fail('accepted'))
  const client = silent()
  reactor.connectStream({ remote, owner: client, traffic: new Traffic() }, client)
  assert.equal(openDescriptors(), before + 3)
  reactor[Symbol.dispose]()
  assert.equal(openDescriptors(), before)
})

test('A source address that this host does not have is a limit, told from the loop.', () => {
  using reactor = new EpollReactor()
  let cause: Cause | null = null
  const client = silent((why) => {
    cause = why
    reactor.stop()
  })
  const local = { host: '203.0.113.7', port: 0 }
  const remote = { host: host(1), port: 7000 }
  reactor.connectStream({ local, remote, owner: client, traffic: new Traffic() }, client)
  assert.equal(cause, null)
  reactor.run()
  assert.deepEqual(cause, {
    code: 'limit',
    detail: 'connect: EADDRNOTAVAIL (address not available)',
  })
})

test('A watched descriptor calls back until its watch is closed, and stays open.', () => {
  using reactor = new EpollReactor()
  const sockets = new Sockets()
  const at = { host: host(3), port: 7000 }
  const fd = sockets.openServer(at)
  let calls = 0
  const watch = reactor.watch(fd, () => {
    if (++calls < 3) return
    watch.close()
    watch.close()
    stopAfter(reactor, 5 * MILLISECOND)
  })
  const sender = silent()
  reactor.connectDatagram({ remote: at, owner: sender, traffic: new Traffic() }, sender)
  sender.below.fromAbove(Buffer.from('stays readable'), reactor.now())
  reactor.run()
  assert.equal(calls, 3)
  assert.equal(sockets.receive(fd), 14)
  sockets.close(fd)
})

test('An event of a closed socket does not reach the connection that took its place.', () => {
  using reactor = new EpollReactor()
  const events: string[] = []
  const at = { host: host(3), port: 7000 }
  const late = silent(({ code }) => {
    events.push(code)
    reactor.stop()
  })
  late.open = () => events.push('open')
  // Both have a datagram in the same turn; the first that is served closes the other and connects anew.
  const ports = [7001, 7002].map((port) => Object.assign(silent(), { port }))
  for (const [i, receiver] of ports.entries()) {
    receiver.fromBelow = () => {
      events.push('datagram')
      ports[1 - i]?.below.close(reactor.now())
      const remote = { host: host(4), port: 7000 }
      reactor.connectStream({ remote, owner: late, traffic: new Traffic() }, late)
    }
    const local = { host: host(3), port: receiver.port }
    const traffic = new Traffic()
    reactor.connectDatagram({ local, remote: at, owner: receiver, traffic }, receiver)
  }
  const sockets = new Sockets()
  const fd = sockets.openServer(at)
  for (const { port } of ports) sockets.sendTo(fd, Buffer.from('x'), peerKey({ ...at, port }))
  reactor.run()
  sockets.close(fd)
  assert.deepEqual(events, ['datagram', 'refused'])
})

test('Who closes after a send that failed is not told of the failure.', () => {
  using reactor = new EpollReactor()
  const sockets = new Sockets()
  const remote = { host: host(3), port: 7003 }
  const listener = sockets.openListener(remote)
  const client = silent(() => assert.fail('closed'))
  let open = false
  const watch = reactor.watch(listener, () => {
    if (!open) return
    watch.close()
    closeWithReset(sockets.accept(listener))
    // The loop has not seen the reset yet: the socket itself refuses the bytes.
    assert.ok(client.below.fromAbove(Buffer.from('into the void'), reactor.now()))
    client.below.close(reactor.now())
    stopAfter(reactor, 5 * MILLISECOND)
  })
  client.open = () => {
    open = true
  }
  reactor.connectStream({ remote, owner: client, traffic: new Traffic() }, client)
  reactor.run()
  assert.ok(open)
  sockets.close(listener)
})

test('What the peer said before it reset the connection is heard, also when a send finds the reset first.', () => {
  using reactor = new EpollReactor()
  const sockets = new Sockets()
  const remote = { host: host(3), port: 7004 }
  const listener = sockets.openListener(remote)
  const heard: string[] = []
  const client = {
    ...silent(({ code }) => {
      heard.push(code)
      reactor.stop()
    }),
    fromBelow: (bytes: Uint8Array) => void heard.push(Buffer.from(bytes).toString()),
  }
  let open = false
  const watch = reactor.watch(listener, () => {
    if (!open) return
    watch.close()
    const fd = sockets.accept(listener)
    assert.equal(sockets.send(fd, Buffer.from('because'), 0), 7)
    closeWithReset(fd)
    assert.ok(client.below.fromAbove(Buffer.from('into the void'), reactor.now()))
  })
  client.open = () => {
    open = true
  }
  reactor.connectStream({ remote, owner: client, traffic: new Traffic() }, client)
  stopAfter(reactor, 5 * SECOND)
  reactor.run()
  assert.deepEqual(heard, ['because', 'reset'])
  sockets.close(listener)
})

test('A reset is one also when a send finds it and the socket is read before the loop tells of the failure.', () => {
  using reactor = new EpollReactor()
  const sockets = new Sockets()
  const [remote, at] = [7005, 7006].map((port) => ({ host: host(3), port })) as [Address, Address]
  const listener = sockets.openListener(remote)
  const bell = sockets.openServer(at)
  const heard: string[] = []
  const client = silent(({ code }) => {
    heard.push(code)
    reactor.stop()
  })
  let open = false
  const watch = reactor.watch(listener, () => {
    if (!open) return
    watch.close()
    const fd = sockets.accept(listener)
    // The loop learns of both at once, of the bell first.
    sockets.sendTo(bell, Buffer.from('x'), peerKey(at))
    closeWithReset(fd)
  })
  const rings = reactor.watch(bell, () => {
    rings.close()
    assert.ok(client.below.fromAbove(Buffer.from('into the void'), reactor.now()))
  })
  client.open = () => {
    open = true
  }
  reactor.connectStream({ remote, owner: client, traffic: new Traffic() }, client)
  stopAfter(reactor, 5 * SECOND)
  reactor.run()
  assert.deepEqual(heard, ['reset'])
  for (const fd of [listener, bell]) sockets.close(fd)
})

test('A sleep ends after its deadline, and soon.', () => {
  using reactor = new EpollReactor()
  const start = reactor.now()
  stopAfter(reactor, 3.25 * MILLISECOND)
  reactor.run()
  const slept = reactor.now() - start
  assert.ok(slept >= 3.25 * MILLISECOND)
  // Generous, because the machine may be busy.
  assert.ok(slept < 500 * MILLISECOND)
})

/** What the kernel says of a connection that was asked for so. */
const found = (asked: Partial<StreamOptions>): TcpFound | null => {
  using reactor = new EpollReactor()
  const remote = { host: host(1), port: 7006 }
  const server = silent()
  reactor.listenStream(remote, new Traffic(), () => ({ above: server, owner: server }))
  const client = { ...silent(), open: () => reactor.stop() }
  const record: TcpRecord = { found: null }
  const options = { ...asked, remote, owner: client, traffic: new Traffic(), record }
  reactor.connectStream(options, client)
  stopAfter(reactor, 5 * SECOND)
  reactor.run()
  return record.found
}

test('A connection that asks for nothing has no Nagle, no keep-alive and no user timeout.', () => {
  const tcp = found({})
  assert.ok(tcp !== null)
  const { nodelay, keepalive, userTimeout, timestamps } = tcp
  assert.deepEqual([nodelay, keepalive, userTimeout], [true, null, null])
  // Both are the machine's own here.
  assert.equal(timestamps, readSysctl('tcp_timestamps') !== '0')
  assert.equal(tcp.congestion, readSysctl('tcp_congestion_control'))
  assert.equal(tcp.initialWindow, 10)
})

test('What is asked of TCP is what the kernel says it has.', () => {
  const tcp = found({
    noDelay: false,
    keepalive: 7.5 * SECOND,
    userTimeout: 1234 * MILLISECOND,
  })
  assert.ok(tcp !== null)
  assert.equal(tcp.nodelay, false)
  assert.equal(tcp.keepalive, 8 * SECOND)
  assert.equal(tcp.userTimeout, 1234 * MILLISECOND)
})
