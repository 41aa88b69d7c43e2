import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { Stack } from '../core/types.ts'
import { silenceWords } from './silence-audit.ts'

const RETRIES = { 'net.ipv4.tcp_retries2': '15' }
const stack = (changes: Partial<Stack>): Stack => ({
  name: 'x',
  kind: 'mqtt-tcp',
  protocol: 'mqtt',
  carrier: 'stream',
  framing: 'none',
  security: 'none',
  client: 'lean',
  broker: 'mosquitto',
  via: 'direct',
  reliability: 'acknowledged',
  tls: null,
  dtls: null,
  quic: null,
  tcp: PLAIN_TCP,
  options: { keepalive: 0 },
  ...changes,
})
const dtls = (rehandshakeAfter: number | null) => ({ rehandshakeAfter, cipher: 'c', mtu: 1280 })
const coap = { protocol: 'coap', carrier: 'datagram', options: {} } as const

test('the timers that decide are named, with their values', () => {
  const cases: [Partial<Stack>, string][] = [
    [{}, 'tcp_retries2 of the kernel, 15 retransmissions'],
    [{ tcp: { ...PLAIN_TCP, userTimeout: 5 * SECOND } }, 'TCP user timeout 5 s'],
    [
      { tcp: { ...PLAIN_TCP, keepalive: 8 * SECOND } },
      'tcp_retries2 of the kernel, 15 retransmissions; TCP keep-alive 8 s, while nothing is unacknowledged',
    ],
    [
      { options: { keepalive: 5 * SECOND } },
      'tcp_retries2 of the kernel, 15 retransmissions; MQTT keep alive: PINGREQ after 5 s in which nothing was sent, PINGRESP due within 2.5 s',
    ],
    [{ protocol: 'xmpp', options: {} }, 'tcp_retries2 of the kernel, 15 retransmissions'],
    [coap, 'no association to lose'],
    [{ ...coap, dtls: dtls(null) }, 'nothing: the association lasts as long as the run'],
    [{ ...coap, dtls: dtls(2) }, 'another handshake after 2 retransmissions without an answer'],
    [
      { ...coap, dtls: dtls(1), reliability: 'best-effort' },
      'nothing: what is not acknowledged is not missed',
    ],
  ]
  for (const [changes, words] of cases) assert.equal(silenceWords(stack(changes), RETRIES), words)
})

test('a kernel that does not show its limit is not guessed at', () => {
  assert.equal(silenceWords(stack({}), {}), 'tcp_retries2 of the kernel')
})
