import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { listeningPorts, portsOf } from './listening.ts'

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0000000000000000 100 0 0 10 0
   1: 0100007F:075B 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 101 1 0000000000000000 100 0 0 10 0
   2: 00000000:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1 0000000000000000 100 0 0 10 0
   3: 01003F0A:1633 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 103 1 0000000000000000 100 0 0 10 0
`
const UDP6 = `   sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  641: 00000000000000000000000000000000:1634 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 104 2 0000000000000000 0
  642: 0000000000000000FFFF00000100007F:1635 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 105 2 0000000000000000 0
`
const ports = (table: string, address: string, ...inodes: string[]): number[] =>
  [...listeningPorts(table, address, new Set(inodes))].sort((a, b) => a - b)

test('listening sockets of the process at the address, and on wildcards, count', () => {
  assert.deepEqual(ports(TCP, '127.0.0.1', '100', '101', '102', '103'), [1883, 8883])
  assert.deepEqual(ports(TCP, '10.63.0.1', '100', '101', '102', '103'), [5683, 8883])
  assert.deepEqual(ports(UDP6, '127.0.0.1', '104', '105'), [5684, 5685])
})

test('sockets of others do not count', () => {
  assert.deepEqual(ports(TCP, '127.0.0.1', '101', '102'), [8883])
  assert.deepEqual(ports(TCP, '127.0.0.1'), [])
})

test('finds the ports of a real process, which is this one', async () => {
  const tcp = createServer().listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const udp = createSocket('udp4').bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const wanted = [(tcp.address() as AddressInfo).port, udp.address().port]
  const found = await portsOf(process.pid, '127.0.0.1')
  assert.ok(wanted.every((port) => found.has(port)))
  const elsewhere = await portsOf(process.pid, '127.0.0.2')
  assert.ok(!wanted.some((port) => elsewhere.has(port)))
  tcp.close()
  udp.close()
})

test('a process that has gone listens nowhere', async () => {
  assert.equal((await portsOf(2 ** 22 + 1, '127.0.0.1')).size, 0)
})
