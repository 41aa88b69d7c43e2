/** TLS of devices against real servers: who shows what, what a ticket spares, and what goes wrong, each with its name. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { BrokerPlan, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { prosody } from '../../simulator/brokers/prosody.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { MILLISECOND, SECOND } from '../../simulator/core/clock.ts'
import type { TlsOptions } from '../../simulator/core/types.ts'
import type { HistogramJson } from '../../simulator/measure/histogram.ts'
import { Histogram } from '../../simulator/measure/histogram.ts'
import type { DeviceAuthority } from '../../simulator/security/device-certificates.ts'
import { DeviceCertificates, makeDeviceAuthority } from '../../simulator/security/device-certificates.ts' // prettier-ignore
import { makePki } from '../../simulator/security/pki.ts'
import type { TlsClientOptions } from '../../simulator/transports/tls-context.ts'
import { readCredential, TlsContext } from '../../simulator/transports/tls-context.ts'
import { TlsTickets } from '../../simulator/transports/tls-tickets.ts'
import type { TlsIdentity } from '../../simulator/transports/tls.ts'
import type { Visit } from './tls-visit.cases.ts'
import { visit } from './tls-visit.cases.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.9`
const HOUR = 3600_000

const validity = (from: number, to: number) => ({
  notBefore: new Date(Date.now() + from * HOUR),
  notAfter: new Date(Date.now() + to * HOUR),
})
const pki = makePki({ dnsName: 'server.test', ...validity(-1, 1) })
const stranger = makePki({ dnsName: 'server.test', ...validity(-1, 1) })
const expired = makePki({ dnsName: 'server.test', ...validity(-2, -1) })

const TLS13 = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const
const TLS12 = { ...TLS13, version: '1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
const KEY = Buffer.from('0123456789abcdef')

const devices = makeDeviceAuthority(validity(-1, 1))

const credentialOf = (authority: DeviceAuthority) => {
  const { certificate, key } = new DeviceCertificates(authority).issue('d000000')
  return readCredential(certificate, key)
}

/** The authority, signing what has expired. */
const late = (authority: DeviceAuthority): DeviceAuthority => ({
  ...authority,
  notBefore: validity(-2, -1).notBefore.getTime(),
  notAfter: validity(-2, -1).notAfter.getTime(),
})

/** A server with a TLS listener, until it is disposed. */
const serverOf = async (
  product: BrokerProduct,
  tls: TlsOptions,
  more: Partial<BrokerPlan> = {},
): Promise<AsyncDisposable> => {
  const [protocol = '', ports] = Object.entries(product.ports)[0] ?? []
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-tls-'))
  const certificate = { chain: pki.certificate, key: pki.key }
  const plan = brokerPlan({
    folder,
    address: HOST,
    protocol,
    security: 'tls',
    certificate,
    tls,
    ...more,
  })
  const { signal } = new AbortController()
  const broker = await startProcess(product, plan, { namespace: null, cpu: null, signal })
  await waitListening(broker, HOST, [ports?.secure ?? 0], 10_000, signal)
  return {
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const context = (tls: TlsOptions, more: Partial<TlsClientOptions> = {}): TlsContext =>
  TlsContext.client({ ...tls, authority: pki.authority, ...more })

/** What happens at a server that asks devices for nothing. */
const withServer = async <T>(tls: TlsOptions, then: () => T): Promise<T> => {
  await using _ = await serverOf(mosquitto, tls)
  return then()
}

const connect = (tls: TlsContext, identity?: TlsIdentity): Visit =>
  visit({ host: HOST, port: 8883 }, tls, identity, { session: 'mqtt', limit: 5 * SECOND })

const missing = async (product: BrokerProduct): Promise<string | false> =>
  (await product.version()) === null ? `${product.name} is missing` : false

const noMosquitto = await missing(mosquitto)

/** Round trips of TLS and MQTT until CONNACK, after TCP's one: how often the device waits for an answer. */
const FULL = { '1.3': 2, '1.2': 3 } as const

for (const tls of [TLS13, TLS12])
  describe(`TLS ${tls.version} against mosquitto`, { skip: noMosquitto }, () => {
    it('a ticket spares certificates, and in TLS 1.2 a round trip', async (t) => {
      await using _ = await serverOf(mosquitto, tls)
      const tickets = new TlsTickets()
      const resuming = context(tls, { resumption: true })
      const [full, ...resumed] = [0, 1, 2, 3].map(() => connect(resuming, { device: 0, tickets }))
      const plain = connect(context(tls))
      for (const one of [full, plain, ...resumed]) assert.equal(one?.end, 'ready')
      assert.ok(full !== undefined)
      assert.equal(full.negotiated.resumed, 'no')
      assert.equal(full.roundTrips, FULL[tls.version])
      assert.equal(plain.roundTrips, full.roundTrips)
      for (const short of resumed) {
        assert.equal(short.negotiated.resumed, 'yes')
        assert.equal(short.roundTrips, 2)
        // The chain is gone, and the signature of the server (about 71 bytes) with it; a ticket comes anew.
        const less: number = full.received - short.received
        assert.ok(less >= pki.chainBytes + 71, `${less} bytes less down`)
      }
      assert.deepEqual([tickets.offered, tickets.accepted], [3, 3])
      const last = resumed.at(-1)
      t.diagnostic(
        `full ${full.sent} + ${full.received} B, resumed ${last?.sent} + ${last?.received} B`,
      )
    })

    it('a device shows its certificate, and nothing more of chains is sent; it resumes with it', async (t) => {
      const plain = await withServer(tls, () => connect(context(tls)))
      await using _ = await serverOf(mosquitto, tls, { clientAuthority: devices.certificate })
      const tickets = new TlsTickets()
      const { certificate, key, bytes } = new DeviceCertificates(devices).issue('d000000')
      const credential = readCredential(certificate, key)
      const resuming = context(tls, { resumption: true })
      const [full, resumed] = [0, 1].map(() =>
        connect(resuming, { device: 0, credential, tickets }),
      )
      assert.ok(full !== undefined && resumed !== undefined)
      assert.deepEqual([full.end, resumed.end], ['ready', 'ready'])
      assert.equal(full.roundTrips, FULL[tls.version])
      assert.equal(resumed.roundTrips, 2)
      assert.equal(resumed.negotiated.resumed, 'yes')
      // Certificate and CertificateVerify; no other certificate, of more than 300 bytes, has room.
      const up = full.sent - plain.sent
      assert.ok(up > bytes && up < bytes + 300, `${up} bytes more up`)
      // CertificateRequest, and the device's certificate in each ticket: two of TLS 1.3.
      const down = full.received - plain.received
      const each = tls.version === '1.3' ? 2 : 1
      assert.ok(down > each * bytes && down < each * bytes + 300, `${down} bytes more down`)
      t.diagnostic(
        `plain ${plain.sent} + ${plain.received} B, full ${full.sent} + ${full.received} B, resumed ${resumed.sent} + ${resumed.received} B`,
      )
    })

    it('a device without a certificate, with one of a stranger, or an expired one, is told so', async () => {
      await using _ = await serverOf(mosquitto, tls, { clientAuthority: devices.certificate })
      // More than once: its CONNECT may meet the reset that follows the alert.
      const [without = '', ...more] = Array.from({ length: 10 }, () => connect(context(tls)).end)
      for (const one of more) assert.equal(one, without)
      // TLS 1.2 has no alert of its own for it (RFC 5246 section 7.4.6).
      if (tls === TLS12) assert.match(without, /^alert: .*handshake failure/)
      else
        assert.equal(
          without,
          'certificate: the peer refused our certificate (alert certificate_required) (before CONNACK)',
        )
      const shown = (authority: DeviceAuthority): string =>
        connect(context(tls), { device: 0, credential: credentialOf(authority) }).end
      assert.equal(
        shown(makeDeviceAuthority(validity(-1, 1))),
        'certificate: the peer refused our certificate (alert unknown_ca) (before CONNACK)',
      )
      assert.equal(
        shown(late(devices)),
        'certificate: the peer refused our certificate (alert certificate_expired) (before CONNACK)',
      )
    })

    it('a server whose certificate is of a stranger, or expired, is refused', async () => {
      {
        await using _ = await serverOf(mosquitto, tls)
        assert.match(
          connect(context(tls, { authority: stranger.authority })).end,
          /^certificate: the certificate of server\.test was refused: unable to get local issuer/,
        )
      }
      const certificate = { chain: expired.certificate, key: expired.key }
      await using _ = await serverOf(mosquitto, tls, { certificate })
      assert.match(
        connect(context(tls, { authority: expired.authority })).end,
        /^certificate: the certificate of server\.test was refused: certificate has expired/,
      )
    })
  })

const KEYED: readonly TlsOptions[] = [
  TLS13,
  { ...TLS13, cipher: 'TLS_CHACHA20_POLY1305_SHA256' },
  { ...TLS13, cipher: 'TLS_AES_128_CCM_SHA256' },
  { ...TLS13, cipher: 'TLS_AES_128_CCM_8_SHA256' },
  { ...TLS12, cipher: 'PSK-AES128-GCM-SHA256' },
  { ...TLS12, cipher: 'PSK-AES256-GCM-SHA384' },
  { ...TLS12, cipher: 'PSK-CHACHA20-POLY1305' },
  { ...TLS12, cipher: 'PSK-AES128-CCM' },
  { ...TLS12, cipher: 'PSK-AES128-CCM8' },
  { ...TLS12, cipher: 'ECDHE-PSK-CHACHA20-POLY1305' },
]

describe('a pre-shared key against mosquitto', { skip: noMosquitto }, () => {
  const psk = new Map([['d000000', KEY]])

  for (const tls of KEYED)
    it(`opens TLS ${tls.version} with ${tls.cipher}; another key or name is told so`, async (t) => {
      await using _ = await serverOf(mosquitto, tls, { psk, certificate: null })
      const keyed = context(tls, { authority: null })
      const known = (identity: string, key: Uint8Array): Visit =>
        connect(keyed, { device: 0, psk: { identity, key } })
      const good = known('d000000', KEY)
      assert.equal(good.end, 'ready')
      assert.equal(good.negotiated.cipher, tls.cipher)
      assert.equal(good.roundTrips, FULL[tls.version])
      t.diagnostic(`${good.sent} + ${good.received} B`)
      assert.match(
        known('d000000', Buffer.from('fedcba9876543210')).end,
        /^authentication: pre-shared key: the server has another key \(alert (bad_record_mac|illegal_parameter)\)/,
      )
      assert.match(
        known('d000001', KEY).end,
        /^authentication: pre-shared key: the server knows no such identity/,
      )
    })

  it('does not open a server that has a certificate only', async () => {
    await using _ = await serverOf(mosquitto, TLS13)
    const { end } = connect(context(TLS13, { authority: null }), {
      device: 0,
      psk: { identity: 'd000000', key: KEY },
    })
    assert.match(end, /^certificate: the certificate of server\.test was refused/)
  })
})

for (const tls of [TLS13, TLS12])
  it(
    `Prosody takes no tickets of TLS ${tls.version}`,
    { skip: await missing(prosody) },
    async () => {
      await using _ = await serverOf(prosody, tls)
      const tickets = new TlsTickets()
      const resuming = context(tls, { resumption: true })
      const there = { host: HOST, port: prosody.ports.xmpp?.secure ?? 0 }
      // It stays a moment, because TLS 1.3 brings tickets after the handshake.
      const stay = { session: 'none', limit: 300 * MILLISECOND } as const
      const visits = [0, 1].map(() => visit(there, resuming, { device: 0, tickets }, stay))
      assert.deepEqual(
        visits.map(({ negotiated }) => negotiated.resumed),
        ['no', 'no'],
      )
      // Of TLS 1.2 it gives none (options.no_ticket).
      assert.deepEqual([tickets.offered, tickets.accepted], [tls === TLS13 ? 1 : 0, 0])
    },
  )

const DEVICES = 5
const ROUND_TRIP = 100

/** Every device loses its connection once, in the window, and makes another. */
const RECONNECTING = `
thingbench: 1
name: tickets
stacks:
  - { stack: mqtt-tls, name: full, tls: { version: '1.2' } }
  - { stack: mqtt-tls, name: resumed, tls: { version: '1.2', resumption: true } }
  - { stack: mqtt-tls, name: mutual, auth: x509, tls: { resumption: true } }
  - { stack: mqtt-tls, name: keyed, auth: psk }
links: [{ name: far, delay: ${ROUND_TRIP / 2} ms }]
devices: ${DEVICES}
workload: { interval: 1 s, payload: 100 B, reliability: acknowledged }
phases: { ramp: 200 ms, warmup: 1 s, measure: 3 s, drain: 2 s }
timeline: [{ at: 1 s, rebind: all, policy: reset, to: address }]
repetitions: 1
`

describe('a run with reconnections', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(RECONNECTING)
  })
  after(() => result[Symbol.asyncDispose]())

  const audit = (property: string, stack: string): string | undefined =>
    result.run.audit.stacks[property]?.[stack]

  it('every message arrives, and every device has reconnected', () => {
    for (const stack of ['full', 'resumed', 'mutual', 'keyed']) {
      assert.equal(result.value('delivery.ratio', stack), 1, stack)
      assert.equal(result.value('devices.reconnects', stack), DEVICES, stack)
      assert.equal(result.value('wire.plaintext_devices', stack), 0, stack)
    }
  })

  it('devices with tickets resume; the others have no such number', () => {
    for (const stack of ['resumed', 'mutual']) {
      assert.equal(result.value('devices.resumed', stack), DEVICES)
      assert.equal(
        audit('TLS resumption', stack),
        `${DEVICES} of ${DEVICES} session tickets that were offered were taken`,
      )
    }
    for (const stack of ['full', 'keyed']) {
      assert.deepEqual(result.values('devices.resumed', stack), [])
      assert.equal(audit('TLS resumption', stack), 'no: every handshake is a full one')
    }
  })

  /** Of the latest message of each device the median (some had one on the way, and learn earlier), and twice the worst error of a probe, in round trips. */
  const latest = async (stack: string): Promise<readonly [number, number]> => {
    const last = result.rows.findLast((r) => r.metric === 'outcome' && r.stack === stack)
    const folder = last?.attempt === 2 ? `${last.cell}.attempt2` : String(last?.cell)
    const file = join(result.folder, 'cells', folder, 'histograms.json')
    const series = JSON.parse(await readFile(file, 'utf8')) as Record<string, HistogramJson>
    const of = (name: string): Histogram => Histogram.fromJSON(series[name] as HistogramJson)
    const latency = of('latency')
    const value = latency.quantile(1 - DEVICES / 2 / latency.count) ?? NaN
    return [value, 2 * (of('probe.error').max ?? 0)].map(
      (ns) => ns / MILLISECOND / ROUND_TRIP,
    ) as unknown as readonly [number, number]
  }

  /** RST, TCP, TLS, CONNACK, and half of one for the message. */
  for (const [stack, roundTrips] of [
    ['full', 5.5],
    ['resumed', 4.5],
  ] as const)
    it(`${stack}: the message that found the connection lost arrives after ${roundTrips} round trips`, async (t) => {
      const [measured, disturbance] = await latest(stack)
      t.diagnostic(`${measured.toFixed(2)} round trips, disturbed by ${disturbance.toFixed(2)}`)
      assert.ok(measured >= roundTrips - 0.1, `${measured} round trips`)
      assert.ok(measured < roundTrips + 0.8 + disturbance, `${measured} round trips`)
    })

  it('the audit says who shows what', () => {
    assert.match(
      audit('TLS certificates', 'mutual') ?? '',
      /^of the server \d+ B, of a device \d+ B$/,
    )
    assert.match(audit('TLS authentication', 'keyed') ?? '', /^both ends, by a key/)
    assert.equal(audit('TLS certificates', 'keyed'), 'none')
  })

  it('connecting takes most bytes with two certificates and fewest with a key', () => {
    const bytes = (stack: string): number =>
      result.value('wire.connect_bytes.up', stack) + result.value('wire.connect_bytes.down', stack)
    assert.ok(bytes('mutual') > bytes('full') && bytes('full') > bytes('keyed'))
  })
})
