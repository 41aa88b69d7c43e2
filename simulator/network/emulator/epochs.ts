import { NEVER, type Nanoseconds } from '../../core/clock.ts'

/** A channel is asked in one of two epochs, each with random values and an origin of its own. */
export const CONNECT = 0
export const RUN = 1
export type EpochIndex = typeof CONNECT | typeof RUN

/**
 * Which epoch an instant belongs to. The measured window's slots count from t0, not from the start of connecting, so
 * that a stack that takes longer to connect still meets the same channel when it is measured.
 */
export class Epochs {
  #connectAt: Nanoseconds = 0
  #warmup: Nanoseconds = NEVER
  #t0: Nanoseconds = 0

  connect(at: Nanoseconds): void {
    this.#connectAt = at
  }

  plan(warmup: Nanoseconds, t0: Nanoseconds): void {
    this.#warmup = warmup
    this.#t0 = t0
  }

  epoch(now: Nanoseconds): EpochIndex {
    return now < this.#warmup ? CONNECT : RUN
  }

  /** Where the slots of `epoch` count from. */
  origin(epoch: EpochIndex): Nanoseconds {
    return epoch === CONNECT ? this.#connectAt : this.#t0
  }
}
