/** Looks after the parties of a cell: when one ends before its time, whatever the cell waits for, the wait ends with the reason. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker } from '../brokers/broker.ts'
import { ThingbenchError } from '../core/errors.ts'
import { identityOf } from './process-identity.ts'

/** What is looked at of a role's process. */
export interface Watched {
  /** Why it failed; null while it has not. */
  readonly failure: ThingbenchError | null
}

/** Milliseconds between two looks. */
const PERIOD = 100
/** After so many of them what has happened is known. */
const LOOKS = 3
/** So many are given to an engine that knows why a container ended, and is busy with the end of it. */
const MOST_LOOKS = 50
const LAST_LINES = 20

export class Watch implements Disposable {
  /** Fires when the run is interrupted, and when a party has failed. */
  readonly signal: AbortSignal
  readonly #servers: Broker[] = []
  readonly #roles: Watched[] = []
  readonly #failed = new AbortController()
  readonly #timer: NodeJS.Timeout
  #seen = false
  #unexplained = 0

  constructor(interrupt: AbortSignal) {
    this.signal = AbortSignal.any([interrupt, this.#failed.signal])
    this.#timer = setInterval(() => this.#look(), PERIOD)
  }

  /** The role is looked at from now on; those added first are blamed first. */
  role<Role extends Watched>(role: Role): Role {
    this.#roles.push(role)
    return role
  }

  /** The server, or the front end before it, is looked at from now on. */
  server(broker: Broker): void {
    this.#servers.push(broker)
  }

  /** After a wait that failed: which party is to blame for it; null when none is, or the run was interrupted. */
  async blame(): Promise<ThingbenchError | null> {
    for (let looks = 0; looks < LOOKS || this.#isUnexplained(); looks++) {
      if (this.signal.aborted) break
      await sleep(PERIOD, undefined, { signal: this.signal }).catch(() => {})
    }
    return this.#failed.signal.aborted ? (this.#failed.signal.reason as ThingbenchError) : null
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const failure = this.#failure()
    // At the second look: what one party's end does to the others may be heard before that end itself, and before its last words.
    if (failure !== null && this.#seen && !this.#isUnexplained()) this.#failed.abort(failure)
    this.#seen = failure !== null
    if (this.#isUnexplained()) this.#unexplained++
  }

  /** Whether the process of a server has gone, but nobody has said how: it may be to blame, and will be told of soon. */
  #isUnexplained(): boolean {
    if (this.#unexplained >= MOST_LOOKS) return false
    return this.#servers.some((server) => {
      const [first] = server.pids()
      return server.ended() === null && first !== undefined && identityOf(first) === null
    })
  }

  /** A server that has died is blamed before those who lost their connection to it. */
  #failure(): ThingbenchError | null {
    for (const server of this.#servers) {
      const how = server.ended()
      if (how === null) continue
      const lines = server.log().trimEnd().split('\n')
      return new ThingbenchError('TB_BROKER_DIED', {
        broker: server.product.title,
        how,
        log: lines.slice(-LAST_LINES).join('\n'),
      })
    }
    return this.#roles.find(({ failure }) => failure !== null)?.failure ?? null
  }
}
