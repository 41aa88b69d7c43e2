/** The contract of protocols/session.ts for every protocol of the catalogue, on the network in memory. */
import { MILLISECOND } from '../simulator/core/clock.ts'
import { MemoryReactor } from '../simulator/io/memory.ts'
import { adapterCases } from '../simulator/protocols/adapter.cases.ts'
import { PROTOCOLS } from '../simulator/protocols/index.ts'
import { speechCases } from '../simulator/protocols/speech.cases.ts'
import type { SessionSubject } from '../simulator/protocols/session-world.cases.ts'
import { mqttBroker, xmppBroker } from './forwarding-brokers.cases.ts'

/** What the cases need beside the adapter: a broker where the consumer subscribes, and options. */
const BESIDE: Readonly<Record<string, Pick<SessionSubject, 'options' | 'broker'>>> = {
  mqtt: { broker: mqttBroker },
  xmpp: { broker: xmppBroker, options: { sasl: 'PLAIN' } },
}

for (const { adapter } of PROTOCOLS) {
  const network = () => new MemoryReactor({ delay: 10 * MILLISECOND })
  const subject = { adapter, network, ...BESIDE[adapter.name] }
  adapterCases(subject)
  speechCases(subject)
}
