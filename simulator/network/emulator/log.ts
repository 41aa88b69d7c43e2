import type { Nanoseconds } from '../../core/clock.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'

/** Rows of a chunk: small enough that making one does not hold packets up (21 bytes each). */
const CHUNK = 16384
const DIRECTION = 1
const RETRANSMITTED = 2
const DELIVERED = 4

class Chunk {
  readonly time = new Float64Array(CHUNK)
  readonly device = new Int32Array(CHUNK)
  readonly length = new Uint16Array(CHUNK)
  readonly ipHeader = new Uint8Array(CHUNK)
  readonly transportHeader = new Uint8Array(CHUNK)
  readonly flags = new Uint8Array(CHUNK)
  readonly connection = new Int32Array(CHUNK)
}

/** One logged packet. `length` is that of the whole IP packet; time is that of its arrival at the link. */
export interface WireRow {
  time: Nanoseconds
  device: number
  direction: DirectionIndex
  length: number
  ipHeader: number
  transportHeader: number
  retransmitted: boolean
  delivered: boolean
  /** Its number in Connections; -1: of none. */
  connection: number
}

/** Every packet that came to the link, in columns that grow; phases are assigned when all is over. */
export class WireLog {
  readonly #chunks: Chunk[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Returns the packet's row. */
  add(
    time: Nanoseconds,
    device: number,
    direction: DirectionIndex,
    length: number,
    ipHeader: number,
    transportHeader: number,
    retransmitted: boolean,
    connection = -1,
  ): number {
    const row = this.#size++
    const at = row % CHUNK
    if (at === 0) this.#chunks.push(new Chunk())
    const chunk = this.#chunks.at(-1) as Chunk
    chunk.time[at] = time
    chunk.device[at] = device
    chunk.length[at] = length
    chunk.ipHeader[at] = ipHeader
    chunk.transportHeader[at] = transportHeader
    chunk.flags[at] = (direction === DOWN ? DIRECTION : 0) | (retransmitted ? RETRANSMITTED : 0)
    chunk.connection[at] = connection
    return row
  }

  /** The packet has left the link at the other end. */
  markDelivered(row: number): void {
    const chunk = this.#chunks[Math.floor(row / CHUNK)] as Chunk
    const at = row % CHUNK
    chunk.flags[at] = (chunk.flags[at] as number) | DELIVERED
  }

  /** The rows in order of arrival. The same object is filled again for each. */
  *rows(): Generator<Readonly<WireRow>> {
    const row: WireRow = {
      time: 0,
      device: 0,
      direction: UP,
      length: 0,
      ipHeader: 0,
      transportHeader: 0,
      retransmitted: false,
      delivered: false,
      connection: -1,
    }
    for (let i = 0; i < this.#size; i++) {
      const chunk = this.#chunks[Math.floor(i / CHUNK)] as Chunk
      const at = i % CHUNK
      const flags = chunk.flags[at] as number
      row.time = chunk.time[at] as number
      row.device = chunk.device[at] as number
      row.direction = (flags & DIRECTION) === 0 ? UP : DOWN
      row.length = chunk.length[at] as number
      row.ipHeader = chunk.ipHeader[at] as number
      row.transportHeader = chunk.transportHeader[at] as number
      row.retransmitted = (flags & RETRANSMITTED) !== 0
      row.delivered = (flags & DELIVERED) !== 0
      row.connection = chunk.connection[at] as number
      yield row
    }
  }
}
