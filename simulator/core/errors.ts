/**
 * The error table. Every failure that a user can meet has a code here and a section in docs/errors.md; a test holds the two together.
 * A template names what was attempted, what was found, what is allowed and what to do next; `{name}` is filled in.
 */
export const ERRORS = {
  TB_USAGE: {
    exit: 2,
    text: 'Wrong usage: {problem}. Type "thingbench --help" for the commands and their options.',
  },
  TB_SCENARIO_INVALID: { exit: 2, text: '{file}: {count} found.\n{list}' },
  TB_INTERRUPTED: {
    exit: 3,
    text: 'Interrupted by {signal}. What was measured so far is kept in {folder}.',
  },
  TB_SYSTEM_CALL: { exit: 1, text: '{call} failed: {errno} ({meaning}). {advice}' },
} as const satisfies Record<string, { exit: number; text: string }>

export type ErrorCode = keyof typeof ERRORS

/** The one error class of thingbench: a code of the table and what fills its template. */
export class ThingbenchError extends Error {
  readonly code: ErrorCode
  readonly exit: number
  constructor(
    code: ErrorCode,
    fill: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(
      ERRORS[code].text.replace(/\{(\w+)\}/g, (_, name: string) =>
        String(fill[name] ?? `{${name}}`),
      ),
      options,
    )
    this.name = 'ThingbenchError'
    this.code = code
    this.exit = ERRORS[code].exit
  }
}
