/** How all charts look: one font that travels with the package, colours that colour-blind readers can tell apart, room to read. */
import type { Outcome } from '../../core/types.ts'
import { type Run, commonLabelOf } from '../run.ts'

/** A Vega-Lite specification, within the features of version 5. */
export type Spec = Readonly<Record<string, unknown>>

export interface Chart {
  /** File name without extension. */
  readonly name: string
  /** The question it answers. */
  readonly title: string
  /** How to read it. */
  readonly caption: string
  readonly spec: Spec
}

export const SCHEMA = 'https://vega.github.io/schema/vega-lite/v5.json'
export const INK = '#1f2933'
export const MUTED = '#5f6c7b'
export const GRID = '#e4e8ee'

/** Hue says the protocol, lightness the security: dark is protected. Hues after Okabe and Ito (2008). */
const COLOURS: Readonly<Record<string, string>> = {
  'mqtt-tcp': '#56b4e9',
  'mqtt-tls': '#0072b2',
  'mqtt-ws': '#8ab6d6',
  'mqtt-wss': '#2f5d8a',
  'mqtt-quic': '#0b2f57',
  'coap-udp': '#e69f00',
  'coap-dtls-psk': '#d55e00',
  'coap-dtls-rpk': '#a84300',
  'coap-dtls-x509': '#7a2f00',
  'coap-ipsec': '#8c6d1f',
  'coap-tcp': '#f0c75e',
  'coap-tls': '#b8860b',
  'xmpp-tcp': '#5cc8a5',
  'xmpp-tls': '#009e73',
  'xmpp-starttls': '#00644a',
  'amqp-tcp': '#e3a6c8',
  'amqp-tls': '#cc79a7',
  'amqp-quic': '#7d3c63',
}
/** For stacks beside another of the same kind, and kinds that have no colour yet. */
const SPARE = ['#444c56', '#9467bd', '#8c564b', '#17a2b8', '#bcbd22', '#7f7f7f']

/** Stack name -> colour: the same in every chart and every report, as long as one stack of a kind is there. */
export const coloursOf = (run: Run): Map<string, string> => {
  const colours = new Map<string, string>()
  const taken = new Set<string>()
  let spare = 0
  for (const stack of run.scenario.stacks) {
    let colour = COLOURS[stack.kind]
    if (colour === undefined || taken.has(colour)) colour = SPARE[spare++ % SPARE.length] as string
    taken.add(colour)
    colours.set(stack.name, colour)
  }
  return colours
}

/** Axis labels with the thousands apart as everywhere else in a report, not by commas. */
export const PLAIN_LABELS =
  "replace(replace(format(datum.value, ',~r'), ',', '\u00a0'), ',', '\u00a0')"

/** A colour scale with exactly the stacks that are shown. */
export const stackScale = (run: Run, shown: readonly string[]): Spec => {
  const colours = coloursOf(run)
  return { domain: shown, range: shown.map((name) => colours.get(name) ?? '#444c56') }
}

/** What is printed behind a stack's name when its cells were not simply measured. */
export const markOf = (outcome: Outcome): string => (outcome === 'measured' ? '' : ` (${outcome})`)

/** A bar whose value is not simply measured is pale. */
export const opacityOf = (outcome: Outcome): number => (outcome === 'measured' ? 1 : 0.35)

const CONFIG: Spec = {
  font: 'DejaVu Sans, Verdana, sans-serif',
  background: '#ffffff',
  padding: { left: 12, top: 12, right: 12, bottom: 12 },
  view: { stroke: null },
  axis: {
    labelColor: INK,
    labelFontSize: 11,
    titleColor: MUTED,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
    gridColor: GRID,
    domainColor: '#b8c1cc',
    tickColor: '#b8c1cc',
    labelLimit: 260,
  },
  legend: {
    labelColor: INK,
    labelFontSize: 11,
    titleColor: MUTED,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    symbolSize: 90,
    labelLimit: 260,
  },
  title: {
    color: INK,
    fontSize: 15,
    fontWeight: 'bold',
    anchor: 'start',
    subtitleColor: MUTED,
    subtitleFontSize: 11.5,
    subtitleLineHeight: 16,
    subtitlePadding: 6,
    offset: 14,
  },
  header: { labelColor: INK, labelFontSize: 12, labelFontWeight: 'bold' },
  text: { color: INK, fontSize: 11 },
}

/** The outermost part of a chart: title, question, look, and the panels in it. */
export const page = (run: Run, title: string, subtitle: string, body: Spec): Spec => ({
  $schema: SCHEMA,
  title: { text: title, subtitle: [subtitle, commonLabelOf(run)] },
  config: CONFIG,
  ...body,
})

/** The heading over a panel; several panels differ by their condition. */
export const panelTitle = (text: string): Spec => ({
  text,
  fontSize: 12,
  anchor: 'start',
  offset: 8,
  color: INK,
})
