import type { LossModel } from './loss.ts'

/** Exactly these packets of each device are lost, numbered from 1 from its first packet on. For tests: a function of the traffic. */
export class LossByList implements LossModel {
  readonly #packets: ReadonlySet<number>

  constructor(packets: readonly number[]) {
    this.#packets = new Set(packets)
  }

  loses(_device: number, _length: number, packet: number): boolean {
    return this.#packets.has(packet)
  }
}
