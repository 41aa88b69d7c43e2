/** What client and server keep of a session beyond its network connection (MQTT 5 section 4.1.1, 3.1.1 section 3.1.2.4). */
import type { SessionMemory } from '../session.ts'
import { Inbound } from './inbound.ts'
import type { MqttSettings } from './options.ts'
import { Outbound } from './outbound.ts'

export class SessionState {
  readonly outbound = new Outbound()
  readonly inbound: Inbound
  /** A CONNECT went out that let the server keep the session: it may be there, even where its CONNACK was lost. */
  begun = false

  constructor(receiveMaximum: number) {
    this.inbound = new Inbound(receiveMaximum)
  }
}

/** The state of the session that `memory` holds from an earlier connection; a new one where there is none, or with clean start. */
export const sessionState = (
  settings: MqttSettings,
  memory: SessionMemory | undefined,
): SessionState => {
  if (settings.cleanStart || memory === undefined) return new SessionState(settings.receiveMaximum)
  if (memory.kept instanceof SessionState) return memory.kept
  const state = new SessionState(settings.receiveMaximum)
  memory.kept = state
  return state
}
