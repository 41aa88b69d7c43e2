/** What every QUIC client does, whatever its library, against our server: one suite. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { monotonic } from '../core/clock.ts'
import type { QuicSubject, TicketCounts } from './quic-contract.cases.ts'
import { caseWords, newWorld, PEER } from './quic-contract.cases.ts'
import { quicEndingCases } from './quic-endings.cases.ts'
import { forged, mischief } from './quic-mischief.cases.ts'
import type { Datagram } from './quic-world.cases.ts'
import { serverContext, World, write } from './quic-world.cases.ts'

export const quicClientCases = <T extends TicketCounts>(subject: QuicSubject<T>): void => {
  const { check, opened } = caseWords(subject)
  quicEndingCases(subject)

  check('a handshake opens the session above, and bytes go both ways', () => {
    const world = newWorld()
    const device = subject.join(world)
    assert.equal(device.top.opens, 0)
    world.pump()
    assert.equal(device.top.opens, 1)
    assert.ok(device.client.isOpen)
    assert.ok(device.client.establishedAt >= device.client.openedAt)
    assert.equal(world.server.openConnections, 1)
    assert.ok(write(device, 'hello'))
    world.pump()
    assert.equal(world.session().top().text, 'hello')
    assert.equal(world.session().top().opens, 1)
    assert.ok(world.session().top().below.fromAbove(Buffer.from('good day'), monotonic()))
    world.pump()
    assert.equal(device.top.text, 'good day')
    const { version, congestion, resumed } = device.client.negotiated()
    assert.deepEqual([version, congestion], ['QUIC 1, TLS 1.3', subject.congestion])
    assert.equal(resumed, undefined, 'it has no tickets')
  })

  check('the first answer takes 2 round trips', async () => {
    const world = newWorld(true)
    const device = subject.join(world)
    device.top.onOpen = () => void write(device, 'hello')
    await world.slowRoundTrip()
    assert.deepEqual([device.top.opens, device.top.text], [1, ''])
    await world.slowRoundTrip()
    assert.equal(device.top.text, 'hello')
  })

  check('a server that wants the address proven (Retry) costs one round trip more', async () => {
    const world = new World(PEER, { retryFrom: 0 })
    world.echo = true
    const device = subject.join(world)
    device.top.onOpen = () => void write(device, 'hello')
    for (let trips = 0; trips < 2; trips++) await world.slowRoundTrip()
    assert.deepEqual([device.top.opens, device.top.text], [1, ''])
    await world.slowRoundTrip()
    assert.equal(device.top.text, 'hello')
  })

  check('no datagram is longer than 1200 bytes, and the first one is as long', () => {
    const world = newWorld(true)
    const device = opened(world)
    write(device, Buffer.alloc(20_000))
    world.pump()
    assert.equal(world.sizes(true)[0], 1200)
    for (const { bytes } of world.log) assert.ok(bytes.length <= 1200)
  })

  check('traffic counts what crosses the upper boundary', () => {
    const world = newWorld(true)
    const device = opened(world)
    write(device, 'four')
    write(device, 'letters')
    world.pump()
    const { traffic } = device.client
    assert.deepEqual([traffic.sentBytes, traffic.sentCalls, traffic.receivedBytes], [11, 2, 11])
    assert.deepEqual([world.server.traffic.receivedBytes, world.server.traffic.sentBytes], [11, 11])
  })

  check('nothing can be sent before the session is open', () => {
    const device = subject.join(newWorld())
    assert.equal(write(device, 'early'), false)
    assert.deepEqual(device.client.negotiated(), {})
  })

  check(
    'more than the congestion window is taken whole, then nothing until there is room',
    async () => {
      const world = newWorld()
      const device = opened(world)
      const large = Buffer.alloc(600_000, 'abcdefg')
      assert.equal(write(device, large), true)
      assert.equal(write(device, 'more'), false)
      assert.equal(device.top.readies, 0)
      await world.until(() => device.top.readies === 1)
      assert.equal(write(device, 'more'), true)
      const session = world.session()
      await world.until(() => session.top().text.endsWith('more'))
      const all = Buffer.concat([large, Buffer.from('more')])
      assert.ok(Buffer.concat(session.top().received).equals(all))
    },
  )

  check('more than all windows comes from the server, whole', async () => {
    const world = newWorld()
    const device = opened(world)
    write(device, 'please')
    world.pump()
    const large = Buffer.alloc(3_000_000, 'abcdefg')
    assert.ok(world.session().streams.get(0)?.fromAbove(large, monotonic()))
    const { traffic } = device.client
    await world.until(() => traffic.receivedBytes === large.length)
    assert.ok(Buffer.concat(device.top.received).equals(large))
  })

  check('a datagram that the socket refuses goes out when it takes them again', () => {
    const world = newWorld()
    const device = opened(world)
    device.port.full = true
    assert.ok(write(device, 'kept'))
    world.pump()
    assert.equal(world.sessions.length, 0)
    device.port.full = false
    device.client.ready(monotonic())
    world.pump()
    assert.equal(world.session().top().text, 'kept')
  })

  check('losses are made good', async () => {
    const world = newWorld(true)
    world.lost = (number) => number % 5 === 0
    const device = subject.join(world)
    await world.until(() => device.top.opens === 1)
    let said = ''
    for (let i = 0; i < 20; i++) {
      said += `message ${i};`
      write(device, `message ${i};`)
    }
    await world.until(() => device.top.text.endsWith('message 19;'))
    assert.deepEqual([device.top.text, world.session().top().text], [said, said])
  })

  check('datagrams that are late, and come twice, change nothing of the stream', async () => {
    const world = newWorld()
    const device = opened(world)
    const said = Buffer.alloc(30_000, 'abcdefg').toString()
    const late: Datagram[] = []
    world.lost = (number, datagram) => {
      if (number % 3 !== 0) return false
      late.push(datagram, datagram)
      return true
    }
    write(device, said)
    await world.until(() => {
      world.queue.push(...late.splice(0))
      return world.sessions[0]?.top().text.length === said.length
    })
    assert.equal(world.session().top().text, said)
    assert.ok(write(device, ' and on'))
    await world.until(() => world.session().top().text === `${said} and on`)
  })

  check('a device that has a ticket resumes, and another one does not', () => {
    const world = newWorld()
    const tickets = subject.newTickets()
    opened(world, { tickets }).client.close(monotonic())
    world.pump()
    const resumed = opened(world, { tickets })
    const other = opened(world, { tickets, device: 1 })
    assert.equal(resumed.client.negotiated()['resumed'], 'yes')
    assert.equal(other.client.negotiated()['resumed'], 'no')
    assert.deepEqual([tickets.offered, tickets.accepted], [1, 1])
  })

  check('a ticket of another key means a full handshake', () => {
    const world = newWorld()
    const tickets = subject.newTickets()
    opened(world, { tickets }).client.close(monotonic())
    world.restart(serverContext())
    const device = opened(world, { tickets })
    assert.equal(device.client.negotiated()['resumed'], 'no')
    assert.deepEqual([tickets.offered, tickets.accepted], [1, 0])
  })

  check('the server may see it come from another address, again and again', async () => {
    const world = newWorld(true)
    const device = opened(world)
    let said = ''
    for (let i = 0; i < 10; i++) {
      world.rebind(device)
      said += `from place ${i};`
      write(device, `from place ${i};`)
      await world.until(() => device.top.text === said)
    }
    assert.equal(world.sessions.length, 1)
  })

  check('garbage and late copies change nothing', () => {
    const world = newWorld()
    const device = opened(world)
    const copies = world.log.filter(({ up }) => !up)
    device.client.fromBelow(Buffer.alloc(40, 0x41), monotonic())
    device.client.fromBelow(new Uint8Array(0), monotonic())
    for (const { bytes } of copies) device.client.fromBelow(new Uint8Array(bytes), monotonic())
    world.pump()
    assert.ok(write(device, 'still here'))
    world.pump()
    assert.equal(world.session().top().text, 'still here')
  })

  check('a client in whose name and to whom strangers write keeps its connection', () => {
    const world = newWorld(true)
    const device = opened(world)
    write(device, 'before')
    world.pump()
    const [up, down] = [world.sent(true), world.sent(false)]
    fc.assert(
      fc.property(mischief, fc.boolean(), (one, toServer) => {
        if (toServer) world.server.fromPeer(device.port.peer, forged(up, one), monotonic())
        else device.client.fromBelow(forged(down, one), monotonic())
        world.pump()
      }),
      { numRuns: 300 },
    )
    assert.equal(device.top.cause, null)
    write(device, ' and after')
    world.pump()
    assert.equal(device.top.text, 'before and after')
  })

  check('a client that only ever hears nonsense gives up in its own time', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 1300 }), { maxLength: 5 }), (list) => {
        const device = subject.join(newWorld())
        for (const bytes of list) device.client.fromBelow(new Uint8Array(bytes), monotonic())
        assert.equal(device.top.cause, null)
        assert.ok(device.client.deadline() > monotonic())
        device.client.close(monotonic())
      }),
      { numRuns: 50 },
    )
  })
}
