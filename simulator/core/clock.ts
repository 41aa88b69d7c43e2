/** Nanoseconds on the host's monotonic clock (CLOCK_MONOTONIC), or on a test's virtual clock. A double holds them exactly for 104 days. */
export type Nanoseconds = number

/** A deadline that never comes. */
export const NEVER: Nanoseconds = Infinity

export const MICROSECOND = 1e3
export const MILLISECOND = 1e6
export const SECOND = 1e9

/** The one clock of a run: the same in every process of this host, so one-way times are true. */
export const monotonic = (): Nanoseconds => Number(process.hrtime.bigint())
