/** Strangers at the front end while a run with MQTT over QUIC goes on: they cost its clients nothing, and hear why they are not welcome. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SECOND } from '../../simulator/core/clock.ts'
import type { Measurement } from '../../simulator/core/types.ts'
import { LIMITS } from '../../simulator/transports/quic-server.ts'
import { clientContext } from '../../simulator/transports/quic-world.cases.ts'
import { Command } from './command.cases.ts'
import { Flood, hellos, trustingContext, Visitor } from './flood.cases.ts'
import { SlicedReactor } from './layered.cases.ts'
import { inside, skip } from './link-ends.cases.ts'

const DEVICES = 30
const PORT = 14_567
/** s. */
const FLOOD = 5
/** MiB that a handshake under way may cost: quiche's connection with BoringSSL's, measured 0.09. */
const PER_HANDSHAKE = 0.125
/** The name in the certificate of a run. */
const NAME = 'thingbench.test'

const SCENARIO = `
thingbench: 1
name: flood
stacks: [mqtt-quic]
links: [{ name: near, delay: 5 ms }]
devices: ${DEVICES}
workload: { interval: 500 ms, payload: 50 B }
phases: { ramp: 500 ms, warmup: 500 ms, measure: 14 s, drain: 2 s }
repetitions: 1
`

/** Made before the run: that takes a second of processor time. */
const HELLOS = hellos(FLOOD * 400)

/** Resident memory of a process, MiB. */
const resident = (pid: number): number =>
  (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096) / 2 ** 20

/** UDP datagrams that the namespace of a process has taken in. */
const datagramsIn = (pid: number): number => {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, 'latin1').split('\n')
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf('InDatagrams')])
}

/** What strangers hear, and the front end's figures around the flood. */
interface Found {
  readonly sent: number
  readonly arrived: number
  readonly sentBytes: number
  readonly answeredBytes: number
  /** MiB. */
  readonly growth: number
  readonly ends: Readonly<Record<string, string>>
}

const flooded = async (command: Command): Promise<Found> => {
  const front = (await command.running('front-end.json')).pid
  const fleet = (await command.running('fleet-process.ts')).pid
  while (!command.stdout.includes('"phase":"measure"') && !command.hasEnded) await sleep(20)
  const namespace = `/proc/${fleet}/ns/net`
  using reactor = new SlicedReactor()
  const within = async (seconds: number, done = (): boolean => false): Promise<void> =>
    reactor.until(done, seconds * SECOND)
  const ends: Record<string, string> = {}
  const visit = async (who: string, context = trustingContext(), port = PORT): Promise<void> => {
    let visitor: Visitor | undefined
    inside(namespace, () => (visitor = new Visitor(reactor, context, NAME, port)))
    await within(2, () => visitor?.hasHeard === true)
    ends[who] = visitor?.end ?? ''
  }
  const before = resident(front)
  const datagrams = datagramsIn(front)
  let flood: Flood | undefined
  inside(namespace, () => (flood = new Flood(reactor, DEVICES, 8, PORT, HELLOS)))
  if (flood === undefined) throw new Error('no flood')
  await within(FLOOD / 2)
  await visit('during')
  await within(FLOOD / 2)
  flood.stop()
  await within(0.1)
  const { sent, sentBytes } = flood
  const [growth, arrived] = [resident(front) - before, datagramsIn(front) - datagrams]
  await visit('after')
  await visit('untrusting', clientContext())
  await visit('misled', clientContext({ alpn: 'http/1.1' }))
  await visit('elsewhere', trustingContext(), PORT + 1)
  return { sent, arrived, sentBytes, answeredBytes: flood.heardBytes, growth, ends }
}

describe(
  'a front end flooded with garbage, forged Initials and half-open handshakes',
  { skip },
  () => {
    let found: Found
    let rows: Measurement[]

    before(async () => {
      await using command = await Command.create()
      const file = await command.scenario(SCENARIO)
      command.start(['run', file, '--out', command.out, '--json', '--no-repeat'])
      found = await flooded(command)
      const { code, stderr } = await command.ended(60)
      assert.equal(code, 0, stderr)
      rows = await command.rows()
    })

    it('takes in all of it, and answers with less than it was sent', () => {
      assert.ok(found.sent > 5000, `${found.sent} datagrams`)
      assert.ok(found.arrived > 0.98 * found.sent, `${found.arrived} of ${found.sent} arrived`)
      assert.ok(found.answeredBytes < found.sentBytes, JSON.stringify(found))
    })

    it('delivers everything that its clients send, and loses none of them', () => {
      const value = (name: string) => rows.find(({ metric }) => metric === name)?.value
      assert.equal(value('devices.connected'), DEVICES)
      assert.equal(value('devices.reconnects'), 0)
      assert.equal(value('delivery.ratio'), 1)
    })

    it('keeps no more of it than the handshakes that it begins without Retry', (t) => {
      t.diagnostic(`${found.growth.toFixed(1)} MiB more resident`)
      assert.ok(found.growth < LIMITS.retryFrom * PER_HANDSHAKE + 16, `${found.growth} MiB`)
    })

    it('lets new clients in, in the middle of it and afterwards', () => {
      assert.deepEqual([found.ends.during, found.ends.after], ['ready', 'ready'])
    })

    it('has words for a client that does not trust it, one of another protocol, and one that knocks elsewhere', () => {
      const { untrusting = '', misled = '', elsewhere = '' } = found.ends
      assert.match(
        untrusting,
        /^certificate: the certificate of thingbench\.test was refused \(.+\)/,
      )
      assert.match(
        misled,
        /^alert: the two ends have no application protocol in common.* http\/1\.1/,
      )
      assert.match(elsewhere, /^refused: /)
    })
  },
)
