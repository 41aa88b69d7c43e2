import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CLEAR_LINK } from '../../core/link-profile.ts'
import { PLAIN_TCP } from '../../core/tcp.ts'
import { MILLISECOND, NEVER, SECOND } from '../../core/clock.ts'
import { SERVER_ADDRESS, deviceAddress, type LinkConfig } from '../link-protocol.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'
import { Emulator, type EmulatorAccount } from './emulator.ts'
import { tcpPacket, udpPacket } from './packet.cases.ts'
import { PacketPool } from './pool.ts'
import { shape } from './profile.cases.ts'

const SLOTS = 256
const SIZE = 256

const config = (changes: Partial<LinkConfig> = {}, direction = shape()): LinkConfig => ({
  devices: 4,
  probes: 1,
  profile: { ...CLEAR_LINK, up: direction, down: direction },
  timeline: [],
  tcp: PLAIN_TCP,
  seed: 1,
  canary: 'canary',
  cpu: null,
  ...changes,
})

class Bench {
  readonly pool = new PacketPool({ address: 0, bytes: new Uint8Array(SLOTS * SIZE) }, SLOTS, SIZE)
  readonly emulator: Emulator
  constructor(settings: LinkConfig) {
    this.emulator = new Emulator(settings, this.pool)
  }
  put(direction: DirectionIndex, packet: Uint8Array, now: number): void {
    const slot = this.pool.take()
    this.pool.slab.bytes.set(packet, this.pool.offset(slot))
    this.emulator.arrive(direction, slot, packet.length, now)
  }
  udp(direction: DirectionIndex, device: number, payload: string, now: number): void {
    const ends = [deviceAddress(device), SERVER_ADDRESS] as const
    const [source, destination] = direction === UP ? ends : ([ends[1], ends[0]] as const)
    this.put(direction, udpPacket({ source, destination, ports: [5000, 5683] }, payload), now)
  }
  /** Hands on what is due by `now`, each at its time; returns `direction time` of each. */
  deliver(now: number): string[] {
    const out: string[] = []
    while (this.emulator.nextDue() <= now) {
      const due = this.emulator.nextDue()
      const slot = this.emulator.take()
      out.push(`${this.emulator.takenDirection} ${due}`)
      this.emulator.handedOn(slot, due)
    }
    return out
  }
  account(ready = new Float64Array(4), outside = 0): EmulatorAccount {
    return this.emulator.account(ready, outside)
  }
}

test('packets of all devices and both directions come out when they are due', () => {
  const bench = new Bench(config({}, shape({ delay: 10 * MILLISECOND })))
  bench.udp(UP, 0, 'a', 0)
  bench.udp(DOWN, 3, 'b', 2)
  bench.udp(UP, 1, 'c', 1)
  bench.udp(UP, 0, 'd', 3)
  const at = (late: number): number => 10 * MILLISECOND + late
  assert.equal(bench.emulator.nextDue(), at(0))
  assert.deepEqual(bench.deliver(at(2)), [`0 ${at(0)}`, `0 ${at(1)}`, `1 ${at(2)}`])
  assert.deepEqual(bench.deliver(SECOND), [`0 ${at(3)}`])
  assert.equal(bench.emulator.nextDue(), NEVER)
})

test('packets that belong to no device are dropped and reported', () => {
  const bench = new Bench(config())
  bench.udp(UP, 5, 'one too many', 0)
  bench.put(UP, udpPacket({ source: '10.63.0.1', destination: '10.64.0.1', ports: [1, 2] }, ''), 0)
  bench.put(UP, Uint8Array.of(0x60, 0, 0, 0), 0)
  assert.equal(bench.pool.free, SLOTS)
  const account = bench.account(undefined, 2)
  assert.equal(account.unplannedDrops, 5)
  assert.equal(account.arrived, 0)
})

test('what cannot be handed on is an unplanned drop', () => {
  const bench = new Bench(config())
  bench.udp(UP, 0, 'a', 0)
  bench.emulator.failed(bench.emulator.take())
  const { unplannedDrops, delivered, wire } = bench.account()
  assert.deepEqual([unplannedDrops, delivered, wire.other.up.deliveredPackets], [1, 0, 0])
})

test('it is judged how late packets are until the connections are closed', () => {
  const bench = new Bench(config({}, shape({ delay: 10 * MILLISECOND })))
  const handOnLate = (at: number): void => {
    bench.udp(UP, 0, 'a', at)
    const due = bench.emulator.nextDue()
    bench.emulator.handedOn(bench.emulator.take(), due + 2 * MILLISECOND)
  }
  handOnLate(0)
  handOnLate(20 * MILLISECOND)
  bench.emulator.close(40 * MILLISECOND)
  handOnLate(40 * MILLISECOND)
  const { delivered, latePackets, timedPackets } = bench.account()
  assert.deepEqual([delivered, latePackets, timedPackets], [3, 2, 2])
})

test('probes cross the link without being on the wire', () => {
  const bench = new Bench(config())
  bench.udp(UP, 4, 'canary', 0)
  bench.deliver(0)
  const { arrived, delivered, plaintextDevices, wire } = bench.account()
  assert.deepEqual([arrived, delivered, plaintextDevices], [1, 1, 0])
  assert.equal(
    Object.values(wire).reduce((sum, { up }) => sum + up.packets, 0),
    0,
  )
})

test('the canary is found in early payloads of either direction, once per device', () => {
  const bench = new Bench(config())
  bench.udp(UP, 0, 'a canary', 0)
  bench.udp(UP, 0, 'a canary', 0)
  bench.udp(DOWN, 1, 'canary bird', 0)
  bench.udp(UP, 2, 'canar', 0)
  bench.udp(UP, 2, 'yes', 0)
  for (let i = 0; i < 20; i++) bench.udp(UP, 3, 'ciphertext', 0)
  bench.udp(UP, 3, 'canary', 0)
  assert.equal(bench.account().plaintextDevices, 2)
})

test('the account closes, and layers add up, whatever crosses the link', () => {
  const packets = fc.array(
    fc.record({
      gap: fc.integer({ min: 0, max: 8 * MILLISECOND }),
      device: fc.integer({ min: 0, max: 4 }),
      down: fc.boolean(),
      tcp: fc.boolean(),
      payload: fc.string({ minLength: 0, maxLength: 100, unit: fc.constantFrom('c', 'a', 'n') }),
    }),
    { maxLength: 150 },
  )
  const direction = shape({
    delay: 5 * MILLISECOND,
    jitter: 2 * MILLISECOND,
    rate: 100_000,
    queue: { limit: 3, unit: 'packets' },
    loss: { kind: 'time', ratio: 0.1, burst: 20 * MILLISECOND },
  })
  fc.assert(
    fc.property(fc.integer(), packets, (seed, all) => {
      const bench = new Bench(config({ seed }, direction))
      let now = 0
      let bytes = 0
      for (const { gap, device, down, tcp, payload } of all) {
        now += gap
        bench.deliver(now)
        const between = {
          source: SERVER_ADDRESS,
          destination: SERVER_ADDRESS,
          ports: [9, 9] as const,
        }
        const ends = { ...between, [down ? 'destination' : 'source']: deviceAddress(device) }
        const packet = tcp ? tcpPacket({ ...ends, sequence: 0, payload }) : udpPacket(ends, payload)
        bench.put(down ? DOWN : UP, packet, now)
        if (device < 4) bytes += packet.length
      }
      const before = bench.account()
      assert.equal(before.arrived, all.length)
      assert.equal(
        before.arrived,
        before.delivered + before.lost + before.overflowed + before.queued,
      )
      const counts = Object.values(before.wire).flatMap(({ up, down }) => [up, down])
      assert.equal(
        counts.reduce((sum, count) => sum + count.bytes, 0),
        bytes,
      )
      for (const count of counts) {
        const { ipHeader, transportHeader, transportPayload, retransmittedBytes } = count
        assert.equal(
          count.bytes,
          ipHeader + transportHeader + transportPayload + retransmittedBytes,
        )
      }
      assert.equal(bench.deliver(1e15).length, before.queued)
      assert.equal(bench.account().queued, 0)
      assert.equal(bench.pool.free, SLOTS)
    }),
    { numRuns: 100 },
  )
})

test('a packet missing from the account is an error, not a number', () => {
  const bench = new Bench(config({}, shape({ delay: SECOND })))
  bench.udp(UP, 0, 'a', 0)
  bench.emulator.take()
  assert.throws(() => bench.account(), { code: 'TB_LINK_ACCOUNT' })
})

test('the digest is a function of the channel, not of the traffic', () => {
  const lossy = shape({ loss: { kind: 'time', ratio: 0.2, burst: 0 } })
  const digest = (seed: number, traffic: number, t0: number): string => {
    const bench = new Bench(config({ seed }, lossy))
    bench.emulator.plan(t0 - SECOND, t0, t0 + SECOND)
    for (let i = 0; i < traffic; i++) bench.udp(UP, 0, 'a', t0 + i)
    return bench.account().channelDigest
  }
  assert.equal(digest(1, 0, 5 * SECOND), digest(1, 50, 9 * SECOND))
  assert.notEqual(digest(1, 0, 5 * SECOND), digest(2, 0, 5 * SECOND))
})

test('5 000 devices cost less than 1 KiB each', () => {
  // All that grows with devices is typed arrays; what else the heap does meanwhile is not the emulator's.
  const before = process.memoryUsage().arrayBuffers
  const emulator = new Emulator(config({ devices: 5000, probes: 50 }), new Bench(config()).pool)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.equal(emulator.nextDue(), NEVER)
  assert.ok(grown / 5050 < 1024, `${grown / 5050} bytes per device`)
})
