/** The stanzas that we sent and of which the server has not said that it handled them, in order (XEP-0198 section 4). */
import { broken } from './violation.ts'

/** One that is no message: presence, an iq. */
export const NO_MESSAGE = -1

export class Unhandled {
  readonly #messages: number[] = []
  /** Those that are messages. */
  #outstanding = 0
  /** The last h. */
  #h = 0

  get outstanding(): number {
    return this.#outstanding
  }

  /** @param message whatever number the message has for the session, or NO_MESSAGE */
  push(message: number): void {
    this.#messages.push(message)
    if (message !== NO_MESSAGE) this.#outstanding++
  }

  /** How many stanzas a count says are newly handled. Throws a Violation where so many were not sent. */
  newly(h: number): number {
    const newly = (h - this.#h) >>> 0
    if (newly > this.#messages.length)
      throw broken(
        `h='${h}' where ${this.#h + this.#messages.length} stanzas were sent`,
        'XEP-0198 section 4',
        'undefined-condition',
      )
    this.#h = h
    return newly
  }

  /** The oldest; it is handled. */
  shift(): number {
    const message = this.#messages.shift() ?? NO_MESSAGE
    if (message !== NO_MESSAGE) this.#outstanding--
    return message
  }
}
