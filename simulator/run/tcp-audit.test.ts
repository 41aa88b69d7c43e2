import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { PLAIN_TCP, type TcpFound } from '../core/tcp.ts'
import { tcpProperties } from './tcp-audit.ts'

const FOUND: TcpFound = {
  nodelay: true,
  congestion: 'cubic',
  initialWindow: 10,
  keepalive: null,
  userTimeout: null,
  notsentLowat: null,
  timestamps: true,
}
const KERNEL = { 'net.ipv4.tcp_rto_min_us': '200000' }

test('what nobody asked for is told as the default of the kernel that it is', () => {
  assert.deepEqual(tcpProperties(PLAIN_TCP, FOUND, KERNEL), {
    TCP_NODELAY: 'on',
    'TCP congestion control': 'cubic',
    'TCP initial window': "10 segments (the kernel's default)",
    'TCP least retransmission timeout': "200 ms (the kernel's default)",
    'TCP keep-alive': 'off',
    'TCP user timeout': 'off',
    'TCP unsent bytes at most': 'no limit',
    'TCP timestamps': 'on',
  })
})

test('what was asked for and found is told once', () => {
  const asked = {
    nodelay: false,
    congestion: 'bbr',
    initialWindow: 1,
    keepalive: 60 * SECOND,
    rtoMin: 25 * MILLISECOND,
    userTimeout: 1.5 * SECOND,
    notsentLowat: 16_384,
    timestamps: false,
  } as const
  const settings = { ...KERNEL, 'route.rto_min': '25ms' }
  assert.deepEqual(tcpProperties(asked, { ...asked }, settings), {
    TCP_NODELAY: 'off',
    'TCP congestion control': 'bbr',
    'TCP initial window': '1 segment',
    'TCP least retransmission timeout': '25 ms',
    'TCP keep-alive': '1 min',
    'TCP user timeout': '1.5 s',
    'TCP unsent bytes at most': '16 KiB',
    'TCP timestamps': 'off',
  })
})

test('what was found instead of what was asked for is told with both', () => {
  const asked = { ...PLAIN_TCP, keepalive: 7.5 * SECOND, rtoMin: 1.5 * SECOND }
  const found = { ...FOUND, congestion: 'reno', keepalive: 8 * SECOND }
  const said = tcpProperties(asked, found, { 'route.rto_min': '1s' })
  assert.equal(said['TCP congestion control'], 'reno (cubic was asked for)')
  assert.equal(said['TCP keep-alive'], '8 s (7.5 s was asked for)')
  assert.equal(said['TCP least retransmission timeout'], '1 s (1.5 s was asked for)')
})

test('what could not be read back is not told as if it had been', () => {
  const said = tcpProperties(PLAIN_TCP, null, {})
  assert.equal(said['TCP congestion control'], 'cubic asked for, not read back')
  assert.equal(said['TCP initial window'], "the kernel's default, not read back")
  assert.equal(said['TCP least retransmission timeout'], "the kernel's default, not read back")
})
