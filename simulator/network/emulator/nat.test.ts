import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SECOND } from '../../core/clock.ts'
import { peerKey } from '../../core/endpoint.ts'
import { SERVER_ADDRESS, deviceAddress } from '../link-protocol.ts'
import { checksumsIn, checksumsOf, withChecksums } from './checksum.cases.ts'
import { Nat } from './nat.ts'
import { tcpPacket, udpPacket } from './packet.cases.ts'
import { ACK, Headers, SYN } from './packet.ts'

const TIMEOUTS = { udpTimeout: 30 * SECOND, tcpTimeout: 300 * SECOND }
const ipOf = (host: string): number => peerKey({ host, port: 0 }) / 65536
const hostOf = (ip: number): string =>
  [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.')

/** A packet as the server, or the device, sees it behind the box; null when the box dropped it. */
type Seen = { readonly host: string; readonly port: number } | null

const udp = (device: number, port: number): Uint8Array =>
  udpPacket(
    { source: deviceAddress(device), destination: SERVER_ADDRESS, ports: [port, 5683] },
    'up',
  )
const tcp = (device: number, port: number, flags: number): Uint8Array =>
  tcpPacket({
    source: deviceAddress(device),
    destination: SERVER_ADDRESS,
    ports: [port, 1883],
    sequence: 1,
    flags,
  })

const read = (packet: Uint8Array): Headers => {
  const headers = new Headers()
  assert.ok(headers.read(packet, 0, packet.length))
  return headers
}

class Box {
  readonly nat: Nat
  constructor(timeouts: ConstructorParameters<typeof Nat>[1] = TIMEOUTS, devices = 4) {
    this.nat = new Nat(devices, timeouts)
  }
  up(device: number, packet: Uint8Array, now = 0): Seen {
    withChecksums(packet)
    if (!this.nat.up(device, packet, 0, read(packet), now)) return null
    assert.deepEqual(checksumsIn(packet), checksumsOf(packet))
    const { source, sourcePort } = read(packet)
    return { host: hostOf(source), port: sourcePort }
  }
  /** The server answers to what it saw. */
  down(to: Seen, now = 0, isTcp = false): Seen {
    assert.ok(to)
    const ends = { source: SERVER_ADDRESS, destination: to.host, ports: [1883, to.port] as const }
    const packet = withChecksums(isTcp ? tcpPacket({ ...ends, sequence: 9 }) : udpPacket(ends, 'd'))
    const headers = read(packet)
    if (!this.nat.down(packet, 0, headers, now)) return null
    assert.deepEqual(checksumsIn(packet), checksumsOf(packet))
    const { destination, destinationPort } = read(packet)
    assert.deepEqual([headers.destination, headers.destinationPort], [destination, destinationPort])
    return { host: hostOf(destination), port: destinationPort }
  }
}

test('what the server answers comes back to the port that it came from', () => {
  const box = new Box()
  for (const device of [0, 3])
    for (const port of [40_000, 40_001]) {
      const seen = box.up(device, udp(device, port))
      assert.ok(seen && seen.host.startsWith('10.128.0.'))
      assert.deepEqual(box.down(seen), { host: deviceAddress(device), port })
      assert.deepEqual(box.up(device, udp(device, port)), seen, 'the mapping is used again')
    }
})

test('TCP and UDP of one port, and the same port of two devices, have mappings of their own', () => {
  const box = new Box()
  const all = [udp(0, 5), tcp(0, 5, SYN), udp(1, 5)].map((packet, i) =>
    box.up(i === 2 ? 1 : 0, packet),
  )
  assert.equal(new Set(all.map((seen) => JSON.stringify(seen))).size, 3)
})

test('a mapping lives for the timeout of its protocol after the latest packet of either direction', () => {
  const box = new Box()
  const first = box.up(0, udp(0, 7), 0)
  assert.ok(box.down(first, 30 * SECOND), 'a packet that goes down keeps it alive')
  assert.ok(box.down(first, 60 * SECOND))
  assert.equal(box.down(first, 90 * SECOND + 1), null)
  const second = box.up(0, udp(0, 7), 91 * SECOND)
  assert.notDeepEqual(second, first)
  assert.equal(box.down(first, 91 * SECOND), null, 'the old port reaches nobody')
  assert.ok(box.down(second, 91 * SECOND))
  const connection = box.up(1, tcp(1, 7, SYN), 0)
  assert.ok(box.down(connection, 300 * SECOND, true))
  assert.equal(box.down(connection, 601 * SECOND, true), null)
})

test('without timeouts a mapping lives until a rebind', () => {
  const box = new Box(null)
  const seen = box.up(0, udp(0, 7), 0)
  assert.ok(box.down(seen, 1e6 * SECOND))
})

test('a box that only translates passes segments of old connections, from a new port', () => {
  const box = new Box()
  const old = box.up(0, tcp(0, 7, SYN))
  box.nat.rebind(1, 'reset', 'port')
  assert.equal(box.down(old, 0, true), null)
  const next = box.up(0, tcp(0, 7, ACK))
  assert.equal(next?.host, old?.host)
  assert.notEqual(next?.port, old?.port)
  assert.deepEqual(box.down(next, 0, true), { host: deviceAddress(0), port: 7 }, 'the RST')
})

test('a box that drops passes nothing of an old connection, and new ones', () => {
  const box = new Box()
  const old = box.up(0, tcp(0, 7, SYN))
  box.nat.rebind(1, 'drop', 'port')
  assert.equal(box.up(0, tcp(0, 7, ACK)), null)
  assert.equal(box.up(0, tcp(0, 7, SYN | ACK)), null)
  assert.equal(box.down(old, 0, true), null)
  const next = box.up(0, tcp(0, 8, SYN))
  assert.ok(box.down(next, 0, true))
  assert.ok(box.up(0, tcp(0, 8, ACK)))
  assert.ok(box.up(0, udp(0, 7)), 'datagrams have no state')
})

test('a rebind to another address changes it, for the first devices only', () => {
  const box = new Box()
  const before = [0, 1, 2].map((device) => box.up(device, udp(device, 7)))
  box.nat.rebind(2, 'reset', 'address')
  const after = [0, 1, 2].map((device) => box.up(device, udp(device, 7)))
  assert.deepEqual(after[2], before[2])
  const hosts = [...before, ...after].map((seen) => seen?.host)
  assert.equal(new Set(hosts).size, 5)
  assert.equal(box.down(before[0] ?? null), null)
  assert.ok(box.down(after[0] ?? null))
})

test('packets to addresses that no box has pass as they are', () => {
  const box = new Box()
  const probe = { host: deviceAddress(9), port: 7 }
  assert.deepEqual(box.down(probe), probe)
})

test('an external address without a mapping names its device, and reaches nobody', () => {
  const box = new Box()
  const ends = { source: SERVER_ADDRESS, destination: '10.128.0.3', ports: [1, 2] as const }
  const packet = udpPacket(ends, '')
  const headers = read(packet)
  assert.equal(box.nat.down(packet, 0, headers, 0), false)
  assert.equal(headers.destination, ipOf(deviceAddress(2)))
  assert.equal(read(packet).destination, ipOf('10.128.0.3'))
})

test('fragments behind the first follow their device, other protocols do not cross', () => {
  const box = new Box()
  const fragment = (): Uint8Array => {
    const packet = withChecksums(udp(1, 7))
    packet[7] = 100
    return packet
  }
  const packet = fragment()
  assert.ok(box.nat.up(1, packet, 0, read(packet), 0))
  assert.equal(hostOf(read(packet).source), '10.128.0.2')
  assert.deepEqual(packet.subarray(20), fragment().subarray(20), 'there are no ports to change')
  const back = fragment()
  back.set([10, 128, 0, 2], 16)
  assert.ok(box.nat.down(back, 0, read(back), 0))
  assert.equal(hostOf(read(back).destination), deviceAddress(1))
  const icmp = udp(1, 7)
  icmp[9] = 1
  assert.equal(box.nat.up(1, icmp, 0, read(icmp), 0), false)
  icmp.set([10, 128, 0, 2], 16)
  assert.equal(box.nat.down(icmp, 0, read(icmp), 0), false)
})

test('whatever devices send, two that live never share an external port, and answers find their way', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ device: fc.nat(3), port: fc.nat(4), wait: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ rebind: fc.integer({ min: 1, max: 4 }), to: fc.constantFrom('port' as const, 'address' as const) }) }, // prettier-ignore
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const box = new Box()
      const alive = new Map<string, { device: number; port: number; used: number }>()
      let now = 0
      for (const one of steps) {
        if ('rebind' in one) {
          box.nat.rebind(one.rebind, 'reset', one.to)
          for (const [key, { device }] of alive) if (device < one.rebind) alive.delete(key)
          continue
        }
        const { device, port, wait } = one
        now += wait * SECOND
        const seen = box.up(device, udp(device, port), now)
        const key = JSON.stringify(seen)
        const other = alive.get(key)
        assert.ok(!other || (other.device === device && other.port === port))
        alive.set(key, { device, port, used: now })
        for (const [to, owner] of alive) {
          const lives = now - owner.used <= TIMEOUTS.udpTimeout
          const found = box.down(JSON.parse(to) as Seen, now)
          assert.deepEqual(found, lives ? { host: deviceAddress(owner.device), port: owner.port } : null) // prettier-ignore
          if (lives) owner.used = now
          else alive.delete(to)
        }
      }
    }),
  )
})

test('external ports come again after all have been used', () => {
  const box = new Box()
  const ports = new Set<number | undefined>()
  for (let i = 0; i < 65536 - 1024 + 1; i++) {
    box.nat.rebind(1, 'reset', 'port')
    const packet = udp(0, 7)
    box.nat.up(0, packet, 0, read(packet), 0)
    ports.add(read(packet).sourcePort)
  }
  assert.equal(ports.size, 65536 - 1024)
})
