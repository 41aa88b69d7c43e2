import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import type { TimelineEvent } from '../../core/link-profile.ts'
import { LISTENER, SERVER_ADDRESS, deviceAddress } from '../link-protocol.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'
import { checksumsIn, checksumsOf, withChecksums } from './checksum.cases.ts'
import { udpPacket } from './packet.cases.ts'
import { Headers } from './packet.ts'
import { NONE } from './pool.ts'
import { bothWays, VirtualLink } from './virtual-link.cases.ts'

const T0 = 10 * SECOND
const DELAY = 5 * MILLISECOND
const hostOf = (ip: number): string =>
  [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.')

/** Links of two devices on which packets say what they are. */
class Tapped {
  readonly link: VirtualLink
  constructor(...timeline: TimelineEvent[]) {
    this.link = new VirtualLink(bothWays({ delay: DELAY }), { devices: 2, timeline })
    this.link.emulator.plan(T0 - SECOND, T0, T0 + 60 * SECOND)
  }
  put(direction: DirectionIndex, at: number, text: string, port = 40_000, device = 0): void {
    const up = direction === UP
    this.deliver(
      udpPacket(
        {
          source: up ? deviceAddress(device) : SERVER_ADDRESS,
          destination: up ? SERVER_ADDRESS : deviceAddress(device),
          ports: up ? [port, 14_567] : [14_567, port],
        },
        text,
      ),
      direction,
      at,
    )
  }
  deliver(packet: Uint8Array, direction: DirectionIndex, at: number): void {
    const { pool, emulator } = this.link
    const slot = pool.take()
    assert.notEqual(slot, NONE)
    pool.slab.bytes.set(withChecksums(packet), pool.offset(slot))
    emulator.arrive(direction, slot, packet.length, at)
  }
  /** What left the links so far, as `text @milliseconds from source:port`. */
  left(): string[] {
    this.link.run()
    return this.link.exits.splice(0).map(({ bytes, at }) => {
      assert.deepEqual(checksumsIn(bytes), checksumsOf(bytes))
      const headers = new Headers()
      assert.ok(headers.read(bytes, 0, bytes.length))
      const text = Buffer.from(bytes.subarray(28)).toString()
      return `${text} @${(at - T0) / MILLISECOND} from ${hostOf(headers.source)}:${headers.sourcePort}`
    })
  }
}

const SECONDS = (n: number): number => T0 + n * SECOND
const REPLAY = { kind: 'replay', at: 5 * SECOND, devices: 1 } as const

test('what a connection sent before the first answer comes once more, from where nobody is', () => {
  const tapped = new Tapped(REPLAY)
  tapped.put(UP, SECONDS(1), 'hello')
  tapped.put(UP, SECONDS(1), 'early')
  tapped.put(DOWN, SECONDS(2), 'welcome')
  tapped.put(UP, SECONDS(3), 'later')
  tapped.left()
  tapped.put(UP, SECONDS(6), 'next')
  assert.deepEqual(tapped.left(), [
    `hello @5005 from ${hostOf(LISTENER)}:1024`,
    `early @5005 from ${hostOf(LISTENER)}:1024`,
    `next @6005 from ${deviceAddress(0)}:40000`,
  ])
  const account = tapped.link.account()
  assert.equal(account.replayed, 2)
  assert.equal(account.unreachable, 0)
})

test('it is the latest connection that was answered, of each device its own', () => {
  const tapped = new Tapped(REPLAY)
  tapped.put(UP, SECONDS(1), 'old')
  tapped.put(DOWN, SECONDS(1.1), 'yes')
  tapped.put(UP, SECONDS(2), 'new', 40_001)
  tapped.put(DOWN, SECONDS(2.1), 'yes', 40_001)
  tapped.put(UP, SECONDS(3), 'unanswered', 40_002)
  tapped.put(UP, SECONDS(3), 'other', 40_000, 1)
  tapped.put(DOWN, SECONDS(3.1), 'yes', 40_000, 1)
  tapped.left()
  tapped.put(UP, SECONDS(6), 'next')
  assert.deepEqual(
    tapped.left().map((text) => text.split(' from')[0]),
    ['new @5005', 'other @5005', 'next @6005'],
  )
})

test('a share of the devices, once for each event, each time from another port', () => {
  const tapped = new Tapped({ ...REPLAY, devices: 0.5 }, { ...REPLAY, at: 6 * SECOND })
  for (const device of [0, 1]) {
    tapped.put(UP, SECONDS(1), `hello ${device}`, 40_000, device)
    tapped.put(DOWN, SECONDS(1.1), 'yes', 40_000, device)
  }
  tapped.left()
  tapped.put(UP, SECONDS(7), 'next')
  assert.deepEqual(tapped.left(), [
    `hello 0 @5005 from ${hostOf(LISTENER)}:1024`,
    `hello 0 @6005 from ${hostOf(LISTENER)}:1025`,
    `hello 1 @6005 from ${hostOf(LISTENER)}:1026`,
    `next @7005 from ${deviceAddress(0)}:40000`,
  ])
})

test('the answers go nowhere, and are no fault of the link', () => {
  const tapped = new Tapped(REPLAY)
  const ends = { source: SERVER_ADDRESS, destination: hostOf(LISTENER) }
  tapped.deliver(udpPacket({ ...ends, ports: [14_567, 1024] }, 'welcome'), DOWN, SECONDS(6))
  assert.deepEqual(tapped.left(), [])
  const account = tapped.link.account()
  assert.deepEqual([account.unreachable, account.unplannedDrops, account.arrived], [1, 0, 1])
})

test('what is replayed is no packet of a device: bytes on the wire stay', () => {
  const wire = (...timeline: TimelineEvent[]) => {
    const tapped = new Tapped(...timeline)
    tapped.put(UP, SECONDS(1), 'hello')
    tapped.put(DOWN, SECONDS(2), 'welcome')
    tapped.put(UP, SECONDS(6), 'next')
    tapped.left()
    return tapped.link.account().wire
  }
  assert.deepEqual(wire(REPLAY), wire())
})
