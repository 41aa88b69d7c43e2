/** The servers that thingbench can start. A new one is a file and a line here; the first that serves a stack is its default. */
import { aedes } from './aedes.ts'
import type { BrokerProduct } from './broker.ts'
import { ejabberd } from './ejabberd.ts'
import { emqx } from './emqx.ts'
import { libcoap } from './libcoap.ts'
import { mosquitto } from './mosquitto.ts'
import { prosody } from './prosody.ts'
import { thingbenchCoap } from './thingbench-coap.ts'

export const BROKERS: readonly BrokerProduct[] = [
  mosquitto,
  thingbenchCoap,
  libcoap,
  prosody,
  aedes,
  ejabberd,
  emqx,
]

/** @throws Error for a name that the catalogue does not hold: the scenario reader lets none through. */
export const brokerNamed = (name: string): BrokerProduct => {
  const product = BROKERS.find((broker) => broker.name === name)
  if (product === undefined) throw new Error(`no broker is called ${name}`)
  return product
}
