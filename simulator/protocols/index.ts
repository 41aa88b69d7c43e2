/** The application protocols of thingbench. A new one is a folder and a line here. */
import type { OptionRule } from '../core/types.ts'
import { coap, coapOptions, coapPlannedOptions } from './coap/adapter.ts'
import { mqtt, mqttOptions, mqttPlannedOptions } from './mqtt/adapter.ts'
import type { ProtocolAdapter } from './session.ts'
import { xmpp, xmppOptions, xmppPlannedOptions } from './xmpp/adapter.ts'

export interface ProtocolEntry {
  readonly adapter: ProtocolAdapter
  readonly options: Readonly<Record<string, OptionRule>>
  /** Keys of the scenario format that have no engine yet. */
  readonly planned: readonly string[]
}

export const PROTOCOLS: readonly ProtocolEntry[] = [
  { adapter: mqtt, options: mqttOptions, planned: mqttPlannedOptions },
  { adapter: coap, options: coapOptions, planned: coapPlannedOptions },
  { adapter: xmpp, options: xmppOptions, planned: xmppPlannedOptions },
]

/** @throws Error for a name that the catalogue does not hold: the scenario reader lets none through. */
export const adapterOf = (protocol: string): ProtocolAdapter => {
  const entry = PROTOCOLS.find(({ adapter }) => adapter.name === protocol)
  if (entry === undefined) throw new Error(`no protocol is called ${protocol}`)
  return entry.adapter
}
