/** SASL mechanisms (RFC 4422) as a client uses them: text in, text out; base64 and XML are for login.ts. */
import { refused } from './violation.ts'

export interface Mechanism {
  /** As registered with IANA. */
  readonly name: string
  /** The initial response. */
  initial(): string
  /** The response to a challenge. Throws a Violation where the server cannot be trusted. */
  respond(challenge: string): string
  /** The server says that all is well, with additional data. Throws a Violation where it cannot be trusted. */
  succeed(data: string): void
}

/** PLAIN (RFC 4616): the password itself. */
export class Plain implements Mechanism {
  readonly name = 'PLAIN'
  readonly #credentials: string

  constructor(username: string, password: string) {
    this.#credentials = `\0${username}\0${password}`
  }

  initial(): string {
    return this.#credentials
  }

  respond(): string {
    throw refused('authentication', 'PLAIN: the server sent a challenge')
  }

  succeed(): void {}
}
