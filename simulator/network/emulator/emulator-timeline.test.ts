import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND } from '../../core/clock.ts'
import { CLEAR_LINK, type LinkProfile, type TimelineEvent } from '../../core/link-profile.ts'
import { PLAIN_TCP } from '../../core/tcp.ts'
import { SERVER_ADDRESS, deviceAddress } from '../link-protocol.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'
import { checksumsIn, checksumsOf, withChecksums } from './checksum.cases.ts'
import { Emulator } from './emulator.ts'
import { tcpPacket, udpPacket } from './packet.cases.ts'
import { Headers } from './packet.ts'
import { NONE, PacketPool } from './pool.ts'

const SLOTS = 64
const SIZE = 256
const DEVICES = 4
const T0 = 10 * SECOND
const NAT = { udpTimeout: 30 * SECOND, tcpTimeout: 300 * SECOND }

const hostOf = (ip: number): string =>
  [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.')

class Bench {
  readonly pool = new PacketPool({ address: 0, bytes: new Uint8Array(SLOTS * SIZE) }, SLOTS, SIZE)
  readonly emulator: Emulator
  constructor(timeline: TimelineEvent[], profile: Partial<LinkProfile> = {}) {
    const settings = { devices: DEVICES, probes: 1, timeline, tcp: PLAIN_TCP, seed: 1 }
    const rest = { profile: { ...CLEAR_LINK, ...profile }, canary: 'canary', cpu: null }
    this.emulator = new Emulator({ ...settings, ...rest }, this.pool)
    this.emulator.plan(T0 - SECOND, T0, T0 + 60 * SECOND)
  }
  /** The packet as it comes out at the other end, by addresses and ports; null when it does not. */
  cross(direction: DirectionIndex, packet: Uint8Array, now: number): string | null {
    const slot = this.pool.take()
    this.pool.slab.bytes.set(withChecksums(packet), this.pool.offset(slot))
    this.emulator.arrive(direction, slot, packet.length, now)
    if (this.emulator.nextDue() === NEVER) return null
    assert.equal(this.emulator.nextDue(), now)
    const out = this.emulator.take()
    assert.notEqual(out, NONE)
    const offset = this.pool.offset(out)
    const bytes = this.pool.slab.bytes.slice(offset, offset + packet.length)
    this.emulator.handedOn(out, now)
    assert.deepEqual(checksumsIn(bytes), checksumsOf(bytes))
    const { source, sourcePort, destination, destinationPort } = read(bytes)
    return `${hostOf(source)}:${sourcePort} > ${hostOf(destination)}:${destinationPort}`
  }
  up(device: number, now: number): string | null {
    const ends = { source: deviceAddress(device), destination: SERVER_ADDRESS }
    return this.cross(UP, udpPacket({ ...ends, ports: [5000, 5683] }, 'up'), now)
  }
  /** The server answers what it saw. */
  answer(seen: string | null, now: number): string | null {
    const [host = '', port = ''] = (seen ?? '').split(' ')[0]?.split(':') ?? []
    const ends = { source: SERVER_ADDRESS, destination: host }
    return this.cross(DOWN, udpPacket({ ...ends, ports: [5683, Number(port)] }, 'down'), now)
  }
  account() {
    return this.emulator.account(new Float64Array(DEVICES), 0)
  }
}

const read = (bytes: Uint8Array): Headers => {
  const headers = new Headers()
  assert.ok(headers.read(bytes, 0, bytes.length))
  return headers
}

const DIRECT = `${deviceAddress(0)}:5000 > ${SERVER_ADDRESS}:5683`
const BACK = `${SERVER_ADDRESS}:5683 > ${deviceAddress(0)}:5000`

test('without a NAT addresses cross as they are', () => {
  const bench = new Bench([])
  assert.equal(bench.up(0, T0), DIRECT)
  assert.equal(bench.answer(DIRECT, T0), BACK)
})

test('behind a NAT the server sees external addresses, and the account those of the devices', () => {
  const bench = new Bench([], { nat: NAT })
  const seen = bench.up(0, T0)
  assert.equal(seen, `10.128.0.1:1024 > ${SERVER_ADDRESS}:5683`)
  assert.equal(bench.answer(seen, T0), BACK)
  assert.equal(bench.answer(seen, T0 + 31 * SECOND), null)
  const { unreachable, unplannedDrops, arrived, delivered, wire } = bench.account()
  assert.deepEqual([arrived, delivered, unreachable, unplannedDrops], [3, 2, 1, 0])
  assert.deepEqual([wire.steady.up.packets, wire.steady.down.packets], [1, 2])
  assert.equal(wire.steady.down.deliveredPackets, 1)
})

test('a device that sends less often than its mapping lives is still answered, on a new port each time', () => {
  const bench = new Bench([], { nat: NAT })
  const seen = [0, 1, 2].map((i) => bench.up(0, T0 + i * 40 * SECOND))
  assert.equal(new Set(seen).size, 3)
  assert.equal(bench.answer(seen[2] ?? null, T0 + 80 * SECOND + MILLISECOND), BACK)
  assert.equal(bench.account().unreachable, 0)
})

test('a rebind is due at its time, and makes old ports unreachable', () => {
  const rebind = { kind: 'rebind', at: 5 * SECOND, policy: 'reset', to: 'address', devices: 0.25 }
  const bench = new Bench([rebind as TimelineEvent])
  const before = bench.up(0, T0)
  const other = bench.up(1, T0)
  assert.equal(bench.answer(before, T0 + 5 * SECOND - 1), BACK)
  assert.equal(bench.answer(before, T0 + 5 * SECOND), null)
  assert.notEqual(bench.answer(other, T0 + 5 * SECOND), null)
  const after = bench.up(0, T0 + 6 * SECOND)
  assert.notEqual(after?.split(':')[0], before?.split(':')[0])
  assert.equal(bench.answer(after, T0 + 6 * SECOND), BACK)
})

test('a retransmission to a port that is no longer mapped is found to be one', () => {
  const rebind = { kind: 'rebind', at: 0, policy: 'reset', to: 'port', devices: 1 }
  const bench = new Bench([rebind as TimelineEvent])
  const ends = { source: deviceAddress(0), destination: SERVER_ADDRESS }
  const syn = tcpPacket({ ...ends, ports: [5000, 1883], sequence: 1, flags: 2 })
  assert.equal(bench.cross(UP, syn, T0 - 1), `10.128.0.1:1024 > ${SERVER_ADDRESS}:1883`)
  const segment = (): Uint8Array =>
    tcpPacket({ source: SERVER_ADDRESS, destination: '10.128.0.1', ports: [1883, 1024], sequence: 9, payload: 'x' }) // prettier-ignore
  assert.notEqual(bench.cross(DOWN, segment(), T0 - 1), null)
  assert.equal(bench.cross(DOWN, segment(), T0 + 1), null)
  const down = Object.values(bench.account().wire).map((phase) => phase.down.retransmittedPackets)
  assert.equal(
    down.reduce((sum, count) => sum + count),
    1,
  )
})

test('in a blackout packets are lost, and the NAT does not see those that go up', () => {
  const blackout = { kind: 'blackout', at: SECOND, for: SECOND, direction: 'up', devices: 1 }
  const bench = new Bench([blackout as TimelineEvent], { nat: { ...NAT, udpTimeout: SECOND } })
  const seen = bench.up(0, T0 + 0.9 * SECOND)
  assert.equal(bench.up(0, T0 + 1.5 * SECOND), null)
  assert.equal(bench.answer(seen, T0 + 1.89 * SECOND), BACK, 'the other direction is alive')
  assert.notEqual(bench.up(0, T0 + 2 * SECOND), null)
  const { lost, unreachable, arrived, delivered } = bench.account()
  assert.deepEqual([lost, unreachable, arrived, delivered], [1, 0, 4, 3])
})

test('probes meet neither', () => {
  const blackout = { kind: 'blackout', at: 0, for: null, direction: 'both', devices: 1 }
  const bench = new Bench([blackout as TimelineEvent], { nat: NAT })
  const probe = bench.up(DEVICES, T0)
  assert.equal(probe, `${deviceAddress(DEVICES)}:5000 > ${SERVER_ADDRESS}:5683`)
  assert.notEqual(bench.answer(probe, T0), null)
})

test('a change of delay holds for the devices that it meets, as long as it lasts', () => {
  const change = { kind: 'change', at: 0, for: SECOND, up: { delay: 7 }, down: {}, devices: 0.5 }
  const { emulator, pool } = new Bench([change as TimelineEvent])
  const due = (device: number, now: number): number => {
    const ends = { source: deviceAddress(device), destination: SERVER_ADDRESS }
    const packet = udpPacket({ ...ends, ports: [1, 2] }, '')
    const slot = pool.take()
    pool.slab.bytes.set(packet, pool.offset(slot))
    emulator.arrive(UP, slot, packet.length, now)
    const at = emulator.nextDue()
    emulator.handedOn(emulator.take(), at)
    return at - now
  }
  assert.deepEqual([due(1, T0), due(2, T0), due(1, T0 + SECOND)], [7, 0, 0])
})
