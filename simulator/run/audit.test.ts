import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expand } from '../scenario/expand.ts'
import { parseScenario } from '../scenario/load.ts'
import { Audit } from './audit.ts'
import { catalogue } from './catalogue.ts'
import type { CellResult } from './cell.ts'

const TEXT = `thingbench: 1
stacks: [mqtt-tcp, coap-udp]
links: [{ name: here }]
devices: 2
workload: { interval: 1 s }
repetitions: 2
`
const noProfiles = {
  names: [],
  read: () => {
    throw new Error('there are no profiles')
  },
}
const cells = expand(parseScenario(Buffer.from(TEXT), 'audit.yaml', catalogue, noProfiles))

const resultOf = (i: number): CellResult =>
  ({
    sysctls: { 'net.ipv4.tcp_timestamps': i === 2 ? '0' : '1' },
    brokerVersion: i < 2 ? '2.0.11' : '2.0.12',
    brokerRuntime: 'a process of this machine',
    fleet: { negotiated: { cipher: 'none' }, tcp: null },
    link: { channelDigest: i === 3 ? 'other' : `digest ${i >> 1}`, plaintextDevices: 2 },
  }) as unknown as CellResult

test('an audit that is interrupted anywhere and taken up again says what an uninterrupted one says', () => {
  const whole = new Audit()
  for (const [i, cell] of cells.entries()) whole.add(cell, resultOf(i), 400)
  const { stacks, tcp, channels, channels_agree: agree } = whole.toJSON()
  assert.deepEqual(tcp, { 'net.ipv4.tcp_timestamps': '1 | 0' })
  assert.equal(stacks.TCP_NODELAY?.['mqtt-tcp'], 'on asked for, not read back')
  assert.equal(stacks.TCP_NODELAY?.['coap-udp'], undefined)
  assert.equal(stacks.server?.['mqtt-tcp'], 'Eclipse Mosquitto 2.0.11 | Eclipse Mosquitto 2.0.12')
  assert.equal(stacks['mqtt.keepalive']?.['mqtt-tcp'], '1 min')
  assert.deepEqual(channels, { 'here 2 r1': 'digest 0', 'here 2 r2': 'digest 1 | other' })
  assert.equal(agree, false)
  for (let at = 0; at <= cells.length; at++) {
    const first = new Audit()
    for (const [i, cell] of cells.slice(0, at).entries()) first.add(cell, resultOf(i), 400)
    const second = new Audit(JSON.parse(JSON.stringify(first)) as ReturnType<Audit['toJSON']>)
    for (const [i, cell] of cells.slice(at).entries()) second.add(cell, resultOf(at + i), 400)
    assert.deepEqual(second.toJSON(), whole.toJSON(), `interrupted after ${at} cells`)
  }
})
