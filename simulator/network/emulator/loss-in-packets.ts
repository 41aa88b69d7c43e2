import { uniformAt } from '../../core/random.ts'
import { BAD_RUN, type Channel } from './channel.ts'
import { RUN } from './epochs.ts'
import type { LossModel } from './loss.ts'
import type { Slots } from './slots.ts'

const BAD = 1
const IN_RUN = 2
const BEGUN = 4

/**
 * The Gilbert model counted in packets of the device (Gilbert 1960; netem's `loss gemodel` with two parameters): of mean
 * loss L and mean bad run B, it leaves the bad state, in which all are lost, with r = 1/B, and enters it with
 * p = L/(B(1 - L)). Who sends more packets lives through more states: not comparable between stacks.
 */
export class LossInPackets implements LossModel {
  readonly #slots: Slots
  readonly #ratio: number
  readonly #enter: number
  readonly #stay: number
  /** Packets of each device in its epoch, and its state. */
  readonly #count: Uint32Array
  readonly #state: Uint8Array

  /** `burst` is at least 1, and p at most 1, which means `ratio` at most burst/(burst + 1) unless it is 1. */
  constructor(channel: Channel, slots: Slots, ratio: number, burst: number) {
    this.#slots = slots
    this.#ratio = ratio
    this.#enter = ratio >= 1 ? 1 : ratio / (burst * (1 - ratio))
    this.#stay = ratio >= 1 ? 1 : 1 - 1 / burst
    this.#count = new Uint32Array(channel.devices)
    this.#state = new Uint8Array(channel.devices)
  }

  loses(device: number): boolean {
    const { key, epoch } = this.#slots
    const begun = BEGUN | (epoch === RUN ? IN_RUN : 0)
    const state = this.#state[device] as number
    let toBad = (state & BAD) > 0 ? this.#stay : this.#enter
    if ((state & ~BAD) !== begun) {
      // Its first packet in this epoch meets the chain in equilibrium.
      toBad = this.#ratio
      this.#count[device] = 0
    }
    const number = this.#count[device] as number
    const bad = uniformAt(key ^ BAD_RUN, number) < toBad
    this.#count[device] = number + 1
    this.#state[device] = begun | (bad ? BAD : 0)
    return bad
  }
}
