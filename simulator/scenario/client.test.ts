import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../core/types.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES } from './load.ts'

const clientOf = (stack: string): Client | undefined => {
  const text = `thingbench: 1\nstacks: [${stack}]\nlinks: [lan]\ndevices: 10\nworkload: { interval: 1 s }\n`
  const bytes = new TextEncoder().encode(text)
  const profiles = folderProfiles(PROFILES)
  return parseScenario(bytes, 'question.yaml', CATALOGUE, profiles).stacks[0]?.client
}

test('client sessions are ours, unless the stack asks for the reference client', () => {
  assert.equal(clientOf('mqtt-tls'), 'lean')
  assert.equal(clientOf('{ stack: mqtt-tls, client: reference }'), 'reference')
  assert.equal(clientOf('{ stack: coap-udp, client: lean }'), 'lean')
})

test('a stack without a reference client says which ones have it', () => {
  assert.throws(
    () => clientOf('{ stack: coap-udp, client: reference }'),
    /2:37 +stacks\[0\]\.client: found "reference", which coap-udp does not have; allowed: lean\. mqtt-tcp, mqtt-tls have it\./,
  )
})
