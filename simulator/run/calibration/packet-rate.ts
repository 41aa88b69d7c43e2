/** How many packets per second a run puts on the link, known before its first cell, and whether that is too many for this machine. */
import { SECOND } from '../../core/clock.ts'
import type { Cell, Reliability, Scenario } from '../../core/types.ts'
import { connectInterval, messageInterval, messagesOf } from '../../core/workload.ts'
import { expand } from '../../scenario/expand.ts'
import type { StoredCalibration } from './store.ts'

/**
 * Packets in both directions per message. MQTT over TCP: PUBLISH and its acknowledgement by TCP; PUBACK, which carries that, and
 * the acknowledgement of it; PUBREC, PUBREL and PUBCOMP, of which TCP acknowledges the first and the last by themselves. CoAP:
 * NON with No-Response; CON and ACK. XMPP: the stanza as for MQTT, and its answer. (2 000 messages of each gave 3.0 and 3.1,
 * 2.0, 2.9 and 3.2 for acknowledged ones; 200 of QoS 2 gave 6.0.)
 */
const PACKETS: Readonly<Record<string, Readonly<Record<Reliability, number>>>> = {
  mqtt: { 'best-effort': 2, acknowledged: 3, 'exactly-once': 6 },
  coap: { 'best-effort': 1, acknowledged: 2, 'exactly-once': 2 },
  xmpp: { 'best-effort': 2, acknowledged: 3, 'exactly-once': 3 },
}
const MOST_PACKETS = 6
/** More than over TCP: the front end acknowledges before it has the broker's answer. (1 200 messages gave 4.0.) */
const QUIC_PACKETS = 1
/** To end a connection and to make another, in both directions: between MQTT over TCP and XMPP over TLS. */
const CONNECT_PACKETS = 20
/** Of IP, transport, security and application, per message. */
const HEADERS = 150
/** A machine that has not been calibrated is believed so much: the least that two shared processors carried. */
const BELIEVED = 5000

/** About how many packets per second a cell puts on its link while it measures: a plan, not a promise. */
export const packetRateOf = ({ stack, workload, devices, link }: Cell): number => {
  const messages = (devices * SECOND) / messageInterval(workload)
  const own = PACKETS[stack.protocol]?.[stack.reliability] ?? MOST_PACKETS
  const exchange = own + (stack.security === 'quic' ? QUIC_PACKETS : 0)
  // A command and its answer are a message each; the response of CoAP is both.
  const spoken = workload.kind === 'command' && stack.protocol !== 'coap' ? 2 : 1
  const payload = messagesOf(workload)?.payload ?? 0
  const further = Math.ceil((payload + HEADERS) / link.mtu) - 1
  const connects = (devices * SECOND) / connectInterval(workload)
  return spoken * messages * (exchange + further) + connects * CONNECT_PACKETS
}

/** A sentence without its full stop for the cell that puts most on its link, when that is too much; null: all is well. */
export const packetRateWarning = (
  scenario: Scenario,
  calibration: StoredCalibration | null,
): { readonly text: string; readonly remedy: string } | null => {
  const cells = expand(scenario).map((cell) => ({ cell, rate: packetRateOf(cell) }))
  const { cell, rate } = cells.reduce((a, b) => (b.rate > a.rate ? b : a))
  const believed = calibration?.trusted ?? BELIEVED
  if (rate <= believed) return null
  const text = `${cell.id} puts about ${rounded(rate)} packets/s on the link`
  if (calibration === null)
    return {
      text: `${text}, and nobody knows whether this machine can keep up with that`,
      remedy: 'To find out, type: thingbench calibrate',
    }
  return {
    text: `${text}, and the calibration of this machine trusts it up to ${rounded(believed)}`,
    remedy: 'Take fewer devices or a longer interval, or expect cells to be censored',
  }
}

/** To three digits. */
const rounded = (value: number): string =>
  String(Number(value.toPrecision(3))).replaceAll(/\B(?=(\d{3})+$)/gu, ' ')
