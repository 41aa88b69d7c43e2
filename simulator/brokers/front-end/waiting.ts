/** Bytes that the layer below does not take yet. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Lower } from '../../core/layer.ts'

/** What may wait for an end that takes nothing, behind one packet of any length, bytes. */
export const MOST_WAITING = 1 << 20

export class Waiting {
  readonly #pieces: Uint8Array[] = []
  #bytes = 0

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  get tooMuch(): boolean {
    return this.#bytes - (this.#pieces[0]?.length ?? 0) > MOST_WAITING
  }

  /** Hands `bytes` to `below`, or keeps a copy behind those that wait. */
  send(below: Pick<Lower, 'fromAbove'>, bytes: Uint8Array, now: Nanoseconds): void {
    if (this.isEmpty && below.fromAbove(bytes, now)) return
    this.#pieces.push(new Uint8Array(bytes))
    this.#bytes += bytes.length
  }

  /** `below` takes bytes again. Whether nothing waits any more. */
  drain(below: Pick<Lower, 'fromAbove'>, now: Nanoseconds): boolean {
    for (let next = this.#pieces[0]; next !== undefined; next = this.#pieces[0]) {
      if (!below.fromAbove(next, now)) return false
      this.#pieces.shift()
      this.#bytes -= next.length
    }
    return true
  }
}
