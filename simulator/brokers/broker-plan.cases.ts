/** Plans for tests. */
import type { StackQuic } from '../core/types.ts'
import type { BrokerPlan } from './broker.ts'

/** As a scenario has it that says nothing of it. */
export const QUIC: StackQuic = {
  engine: 'quiche',
  congestion: 'bbr',
  streams: 'single',
  resumption: false,
  earlyData: false,
  group: 'X25519',
}

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
  quic: null,
  psk: new Map(),
  devices: 10,
  options: {},
  ...more,
})
