/** Where a run is watched: on a terminal in place, elsewhere as lines; in both, what stays is the same. */
import type { Nanoseconds } from '../core/clock.ts'
import { monotonic } from '../core/clock.ts'
import type { Progress } from '../run/progress.ts'
import { LiveBlock, type Screen } from './live-block.ts'
import { LiveText } from './live-text.ts'
import { endedCell } from './progress.ts'

export interface Display {
  readonly tell: Progress
  /** A line that stays. */
  say(line: string): void
  /** What is done while no cell runs, until the next one starts. */
  busy(what: string): void
  /** Leaves nothing behind but lines that stay. To be called before anything else writes to the same terminal. */
  clear(): void
}

/** How often what is shown is brought up to date when nothing is told, milliseconds. */
const PERIOD = 1000

/** Whether the stream is a terminal that can be painted on. */
export const isLive = (
  { isTTY, columns = 0 }: Screen & { readonly isTTY?: boolean },
  term: string | undefined,
): boolean => isTTY === true && columns > 0 && term !== 'dumb'

export class LiveDisplay implements Display {
  readonly #text = new LiveText()
  readonly #block: LiveBlock
  readonly #clock: () => Nanoseconds
  #timer: NodeJS.Timeout | null = null

  constructor(screen: Screen, clock: () => Nanoseconds = monotonic) {
    this.#block = new LiveBlock(screen)
    this.#clock = clock
  }

  readonly tell: Progress = (event) => {
    this.#text.tell(event, this.#clock())
    if (event.event === 'cell-ended') this.#block.write(endedCell(event))
    this.#paint()
  }

  say(line: string): void {
    this.#block.write(line)
    if (this.#timer !== null) this.#paint()
  }

  busy(what: string): void {
    this.#text.busy(what)
    this.#paint()
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#block.clear()
  }

  #paint(): void {
    this.#block.paint(this.#text.lines(this.#clock()))
    if (this.#timer !== null) this.#timer.refresh()
    else this.#timer = setTimeout(() => this.#paint(), PERIOD).unref()
  }
}

export class LineDisplay implements Display {
  readonly #screen: Screen

  constructor(screen: Screen) {
    this.#screen = screen
  }

  readonly tell: Progress = (event) => {
    if (event.event === 'cell-ended') this.say(endedCell(event))
  }

  say(line: string): void {
    this.#screen.write(`${line}\n`)
  }

  busy(): void {}

  clear(): void {}
}

export const displayOn = (
  stream: Screen & { readonly isTTY?: boolean },
  term: string | undefined,
): Display => (isLive(stream, term) ? new LiveDisplay(stream) : new LineDisplay(stream))
