/** The keys of a stack's `mqtt:` mapping, and what a session reads from them. */
import type { Nanoseconds } from '../../core/clock.ts'
import { SECOND } from '../../core/clock.ts'
import type { OptionRule, ProtocolOptions } from '../../core/types.ts'

export const mqttOptions: Readonly<Record<string, OptionRule>> = {
  version: {
    type: 'choice',
    allowed: ['3.1.1', '5'],
    default: '3.1.1',
    help: 'version of MQTT that devices and consumer speak',
  },
  keepalive: {
    type: 'duration',
    default: 60 * SECOND,
    help: 'keep alive of devices and consumer, in whole seconds up to 65535 s (a part of a second counts as one); 0 s is none',
  },
  clean_start: {
    type: 'boolean',
    default: true,
    help: 'start each connection without a session from before (clean session in 3.1.1)',
  },
}

/** Keys, and values of keys, that have no engine yet. */
export const mqttPlannedOptions: readonly string[] = [
  'clean_start: false',
  'receive_maximum',
  'retain',
  'session_expiry',
  'shared_subscription',
  'topic_alias',
  'username',
  'will',
]

const LONGEST_KEEP_ALIVE = 65_535

export interface MqttSettings {
  readonly v5: boolean
  /** Seconds, 0..65535; 0 is none. */
  readonly keepAlive: number
}

/** @throws Error for what is only planned: the scenario reader lets none through. */
export const settingsOf = (options: ProtocolOptions): MqttSettings => {
  if (options.clean_start === false) throw new Error('mqtt clean_start: false has no engine yet')
  const keepAlive: Nanoseconds = Number(options.keepalive ?? 60 * SECOND)
  return {
    v5: String(options.version ?? '3.1.1') === '5',
    keepAlive: Math.min(Math.ceil(keepAlive / SECOND), LONGEST_KEEP_ALIVE),
  }
}
