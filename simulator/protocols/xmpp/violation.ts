import type { CauseCode } from '../../core/layer.ts'

/** Defined conditions of stream errors that we send (RFC 6120 section 4.9.3). */
export type StreamCondition =
  | 'bad-format'
  | 'invalid-xml'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'undefined-condition'

/** The stream cannot go on. Thrown by what reads it, caught by the connection, which then closes. */
export class Violation extends Error {
  readonly code: CauseCode
  /** Said to the server before the stream is closed; null where the server ended it, or knows. */
  readonly condition: StreamCondition | null
  constructor(code: CauseCode, what: string, condition: StreamCondition | null) {
    super(what)
    this.name = 'Violation'
    this.code = code
    this.condition = condition
  }
}

/** The server broke XML, XMPP or one of its extensions. `clause` says where it is written. */
export const broken = (what: string, clause: string, condition: StreamCondition): Violation =>
  new Violation('protocol', `the server sent ${what} (${clause})`, condition)

/** The server ends or refuses something, by the rules. */
export const refused = (code: CauseCode, what: string): Violation => new Violation(code, what, null)
