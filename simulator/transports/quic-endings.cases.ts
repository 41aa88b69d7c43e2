/** How connections end, in the same words whatever the library. */
import assert from 'node:assert/strict'
import { MILLISECOND, monotonic, NEVER, SECOND } from '../core/clock.ts'
import type { QuicSubject, TicketCounts } from './quic-contract.cases.ts'
import { caseWords, newWorld, PEER } from './quic-contract.cases.ts'
import { OTHER_PKI, World, write } from './quic-world.cases.ts'

export const quicEndingCases = <T extends TicketCounts>(subject: QuicSubject<T>): void => {
  const { check, opened } = caseWords(subject)

  check('our close reaches the server, which tells its piles, and nobody above us', () => {
    const world = newWorld()
    const device = opened(world)
    write(device, 'last words')
    device.client.close(monotonic())
    world.pump()
    assert.equal(device.top.cause, null)
    assert.ok(device.port.closed)
    assert.equal(device.client.deadline(), NEVER)
    assert.equal(world.session().top().text, 'last words')
    assert.equal(world.session().top().cause?.code, 'closed')
    assert.equal(world.session().cause?.code, 'closed')
    assert.equal(world.server.openConnections, 0)
    device.client.close(monotonic())
    assert.equal(write(device, 'too late'), false)
  })

  check('whoever closes in the middle of what it is told hears no more', () => {
    const world = newWorld(true)
    const device = opened(world)
    device.top.onBytes = (_, now) => device.client.close(now)
    write(device, 'hello')
    world.pump()
    assert.deepEqual([device.top.text, device.top.cause], ['hello', null])
    assert.ok(device.port.closed)
    assert.equal(world.server.openConnections, 0)
  })

  check('the close of the server ends the session above with its words', () => {
    const world = newWorld()
    const device = opened(world)
    write(device, 'hello')
    world.pump()
    world.session().streams.get(0)?.fromAbove(Buffer.from('farewell'), monotonic())
    world.session().peer.close(monotonic())
    world.pump()
    assert.equal(device.top.text, 'farewell')
    const detail = 'the peer closed the QUIC connection'
    assert.deepEqual(device.top.cause, { code: 'closed', detail })
    assert.ok(device.port.closed)
  })

  check('an error of the application is told with its number', () => {
    const world = newWorld()
    const device = opened(world)
    write(device, 'hello')
    world.pump()
    world.session().peer.close(monotonic(), 77)
    world.pump()
    const detail = 'the peer ended the QUIC connection with application error 77'
    assert.deepEqual(device.top.cause, { code: 'reset', detail })
  })

  check('who does not hear the close learns of it when he goes on, at once and later', () => {
    for (const [forgotten, said] of [
      [false, /application error 77/],
      // For OpenSSL a stateless reset is a close without an error.
      [true, /stateless reset|the peer closed the QUIC connection$/],
    ] as const) {
      const world = newWorld()
      const device = opened(world)
      write(device, 'hello')
      world.pump()
      world.lost = () => true
      world.session().peer.close(monotonic(), 77)
      world.lost = () => false
      if (forgotten) world.forget()
      write(device, 'more')
      world.pump()
      assert.match(device.top.cause?.detail ?? '', said)
      assert.ok(device.port.closed)
    }
  })

  check('the end of the stream is the end of the session above', () => {
    const world = newWorld()
    const device = opened(world)
    write(device, 'hello')
    world.pump()
    const stream = world.session().streams.get(0)
    stream?.fromAbove(Buffer.from('and bye'), monotonic())
    stream?.close(monotonic())
    world.pump()
    assert.equal(device.top.text, 'and bye')
    assert.deepEqual(device.top.cause, { code: 'closed', detail: 'the peer ended the stream' })
    assert.equal(world.server.openConnections, 0, 'the client closed the connection')
  })

  check('two ends without a protocol in common say so', () => {
    const world = newWorld()
    const device = subject.join(world, { alpn: 'http/1.1' })
    world.pump()
    assert.equal(device.top.cause?.code, 'alert')
    assert.match(device.top.cause.detail, /no application protocol in common.*http\/1\.1/)
    assert.equal(device.top.opens, 0)
    assert.equal(world.server.handshakes, 0)
  })

  check('a certificate of another authority, or for another name, is refused', () => {
    const world = newWorld()
    const stranger = subject.join(world, { authority: OTHER_PKI.authority })
    const elsewhere = subject.join(world, { name: 'other.test' })
    world.pump()
    assert.equal(stranger.top.cause?.code, 'certificate')
    assert.match(stranger.top.cause.detail, /certificate of server\.test was refused \(.+\)/)
    assert.equal(elsewhere.top.cause?.code, 'certificate')
    assert.match(elsewhere.top.cause.detail, /certificate of other\.test was refused \(.+\)/)
    assert.equal(world.server.handshakes + world.server.openConnections, 0)
  })

  check('a server that takes no more connections says so', () => {
    const world = new World(PEER, { connections: 1 })
    opened(world)
    const second = subject.join(world)
    world.pump()
    assert.equal(second.top.cause?.code, 'refused')
  })

  check(
    'silence: the first flight is to be sent again after 1 s, and the handshake ends after 30 s',
    () => {
      const world = newWorld()
      world.lost = () => true
      const device = subject.join(world)
      // Twice the initial round trip of 333 ms and more (RFC 9002 sections 6.2.1 and 6.2.2).
      const left = world.nextDeadline()
      assert.ok(left > 800 && left <= 1001, `${left} ms`)
      device.client.expire(monotonic() + 31 * SECOND)
      const detail = 'no QUIC handshake within its time: no answer at all'
      assert.deepEqual(device.top.cause, { code: 'timeout', detail })
      assert.ok(device.port.closed)
    },
  )

  check('a server that falls silent is given up at the idle timeout', async () => {
    const world = newWorld()
    const device = opened(world, { idleTimeout: 300 * MILLISECOND })
    world.lost = () => true
    await world.until(() => device.top.cause !== null)
    const detail = 'nothing came from the peer for 0.3 s (idle timeout)'
    assert.deepEqual(device.top.cause, { code: 'timeout', detail })
  })

  check('the error of the socket ends the connection', () => {
    const device = subject.join(newWorld())
    device.client.closed({ code: 'refused', detail: 'nobody is there' }, monotonic())
    assert.deepEqual(device.top.cause, { code: 'refused', detail: 'nobody is there' })
    assert.equal(device.client.deadline(), NEVER)
  })
}
