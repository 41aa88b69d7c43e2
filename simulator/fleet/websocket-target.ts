import type { WebSocketTarget } from '../transports/websocket-handshake.ts'
import type { FleetConfig } from './fleet-protocol.ts'

/** What devices of the stack ask a server for to speak over WebSocket; null where they do not. */
export const webSocketTarget = (
  { framing, protocol }: FleetConfig['stack'],
  { name, device }: FleetConfig['server'],
): WebSocketTarget | null =>
  framing === 'websocket'
    ? { host: `${name}:${device}`, path: '/mqtt', subprotocol: protocol }
    : null
