/**
 * Packet identifiers of the streams of one client on the one connection to its broker. Each stream counts for itself, and the
 * broker must not see an identifier twice. An identifier stays what it is unless another stream's is in flight under it: so
 * a client that uses one stream is not touched, and its flights survive a new connection ([MQTT-4.4.0-1]).
 */
const LARGEST_ID = 65_535

export interface Owner {
  readonly stream: number
  readonly id: number
}

export class StreamPacketIds {
  /** What the broker sees -> whose it is, and the other way round. */
  readonly #owners = new Map<number, Owner>()
  readonly #outward = new Map<number, number>()
  /** Where the search for a free one goes on: from the top, because clients count from 1. */
  #next = LARGEST_ID

  /** In flight. */
  get size(): number {
    return this.#owners.size
  }

  /** What stands for `id` of `stream` at the broker, from now on or since before; 0: none is free. */
  outward(stream: number, id: number): number {
    const key = keyOf(stream, id)
    const known = this.#outward.get(key)
    if (known !== undefined) return known
    const given = this.#owners.has(id) ? this.#free() : id
    if (given === 0) return 0
    this.#owners.set(given, { stream, id })
    this.#outward.set(key, given)
    return given
  }

  /** Whose identifier the broker means; undefined: nobody's that is known. */
  owner(given: number): Owner | undefined {
    return this.#owners.get(given)
  }

  /** The flight is over. */
  release(given: number): void {
    const owner = this.#owners.get(given)
    if (owner === undefined) return
    this.#owners.delete(given)
    this.#outward.delete(keyOf(owner.stream, owner.id))
  }

  #free(): number {
    if (this.#owners.size >= LARGEST_ID) return 0
    while (this.#owners.has(this.#next)) this.#step()
    const found = this.#next
    this.#step()
    return found
  }

  #step(): void {
    this.#next = this.#next === 1 ? LARGEST_ID : this.#next - 1
  }
}

const keyOf = (stream: number, id: number): number => stream * (LARGEST_ID + 1) + id
