/** A plan for tests. */
import type { BrokerPlan } from './broker.ts'

export const brokerPlan = (more: Partial<BrokerPlan> = {}): BrokerPlan => ({
  folder: '/nowhere',
  address: '127.0.0.1',
  protocol: 'mqtt',
  framing: 'none',
  security: 'none',
  serverName: 'server.test',
  password: 'secret',
  certificate: null,
  tls: null,
  psk: new Map(),
  devices: 10,
  options: {},
  ...more,
})
