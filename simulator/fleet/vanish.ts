/** A device that goes without a word: no close_notify, no DISCONNECT, no FIN. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import type { Port } from '../io/reactor.ts'

/** Under the layers of a connection that is gone: what they say on closing reaches nobody, and is counted nowhere. */
const NOWHERE: Lower = { fromAbove: () => true, close: () => {}, traffic: new Traffic() }

interface Closing extends Pick<Upper, 'below'> {
  close(now: Nanoseconds): void
}

/** Ends all layers from the uppermost down, so that they let go of what they hold. */
export const vanish = (layers: readonly (Closing | null)[], port: Port, now: Nanoseconds): void => {
  port.vanish()
  for (const layer of layers) {
    if (layer === null) continue
    layer.below = NOWHERE
    layer.close(now)
  }
}
