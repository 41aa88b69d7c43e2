/** A device that goes without a word: no close_notify, no DISCONNECT, no FIN. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Lower } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import type { Pile } from './pile.ts'

/** Under the layers of a connection that is gone: what they say on closing reaches nobody, and is counted nowhere. */
const NOWHERE: Lower = { fromAbove: () => true, close: () => {}, traffic: new Traffic() }

/** Ends all layers of the pile, so that they let go of what they hold. */
export const vanish = ({ session, security, port }: Pile, now: Nanoseconds): void => {
  port.vanish()
  for (const layer of [session, security]) {
    if (layer === null) continue
    layer.below = NOWHERE
    layer.close(now)
  }
}
