import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scenario } from '../../core/types.ts'
import { CATALOGUE } from '../../scenario/catalogue.fixture.ts'
import { expand } from '../../scenario/expand.ts'
import { folderProfiles, parseScenario, PROFILES } from '../../scenario/load.ts'
import { packetRateOf, packetRateWarning } from './packet-rate.ts'
import type { StoredCalibration } from './store.ts'

const scenarioOf = (
  devices: number,
  payload = '50 B',
  reliability = 'acknowledged',
  stacks = 'mqtt-tcp, coap-udp',
): Scenario =>
  parseScenario(
    new TextEncoder().encode(`thingbench: 1
stacks: [${stacks}]
links: [lan]
devices: [10, ${devices}]
workload: { interval: 500 ms, payload: ${payload}, reliability: ${reliability} }
`),
    'x.yaml',
    CATALOGUE,
    folderProfiles(PROFILES),
  )

const ratesOf = (scenario: Scenario): Record<string, number> =>
  Object.fromEntries(expand(scenario).map((cell) => [`${cell.stack.name} ${cell.devices}`, packetRateOf(cell)])) // prettier-ignore

const calibrated = (trusted: number): StoredCalibration => ({
  schema: 1,
  made: '',
  machine: { processor: '', kernel: '', processors: 2, thingbench: '' },
  trusted,
  cost: [],
})

test('packets per second: messages, what an exchange takes, and what does not fit one packet', () => {
  const rates = ratesOf(scenarioOf(1000))
  assert.equal(rates['mqtt-tcp 1000'], 6000)
  assert.equal(rates['coap-udp 1000'], 4000)
  assert.equal(rates['mqtt-tcp 10'], 60)
  assert.equal(ratesOf(scenarioOf(1000, '50 B', 'best-effort'))['coap-udp 1000'], 2000)
  assert.equal(
    ratesOf(scenarioOf(1000, '4000 B', 'acknowledged', 'mqtt-tcp'))['mqtt-tcp 1000'],
    10_000,
  )
})

test('a run within what is trusted says nothing; one beyond it names its largest cell', () => {
  assert.equal(packetRateWarning(scenarioOf(1000), calibrated(6000)), null)
  const warning = packetRateWarning(scenarioOf(1000), calibrated(5999))
  assert.match(warning?.text ?? '', /^mqtt-tcp\.lan\.1000\..* about 6 000 packets\/s.*up to 6 000$/)
  assert.match(warning?.remedy ?? '', /fewer devices/)
})

test('a machine that was never calibrated is believed a little, and then the command is named', () => {
  assert.equal(packetRateWarning(scenarioOf(800), null), null)
  const warning = packetRateWarning(scenarioOf(1000), null)
  assert.match(warning?.remedy ?? '', /thingbench calibrate$/)
})
