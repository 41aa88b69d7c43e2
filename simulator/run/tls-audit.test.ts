import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stack, StackTls } from '../core/types.ts'
import { tlsProperties } from './tls-audit.ts'

const TLS: StackTls = {
  version: '1.3',
  group: 'X25519',
  cipher: 'TLS_AES_128_GCM_SHA256',
  auth: 'server',
  resumption: false,
  earlyData: false,
}
const stack = (more: Partial<StackTls> | null): Stack =>
  ({ tls: more === null ? null : { ...TLS, ...more } }) as Stack

test('the audit says who shows what, how long it is, and what became of tickets', () => {
  const none = { tickets: null, certificateBytes: null }
  assert.deepEqual(tlsProperties(stack(null), none, 400), {})
  assert.deepEqual(tlsProperties(stack({}), none, 400), {
    'TLS authentication': 'the server, by certificate; devices show none',
    'TLS certificates': 'of the server 400 B',
    'TLS resumption': 'no: every handshake is a full one',
    'TLS early data': 'none',
  })
  const mutual = tlsProperties(
    stack({ auth: 'x509', resumption: true }),
    { tickets: { offered: 7, accepted: 5 }, certificateBytes: 416 },
    400,
  )
  assert.equal(mutual['TLS certificates'], 'of the server 400 B, of a device 416 B')
  assert.equal(mutual['TLS resumption'], '5 of 7 session tickets that were offered were taken')
  const early = tlsProperties(
    stack({ resumption: true, earlyData: true }),
    {
      tickets: { offered: 7, accepted: 5, early: { sent: 6, accepted: 4 } },
      certificateBytes: null,
    },
    400,
  )
  assert.equal(
    early['TLS early data'],
    'with the first flight of 6 connections; the server took it of 4',
  )
  assert.equal(tlsProperties(stack({ auth: 'psk' }), none, 400)['TLS certificates'], 'none')
})
