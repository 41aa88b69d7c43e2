/** A disk that becomes full while a run writes: what was finished is kept, and the user is told where to make room. */
import { randomFillSync } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import { diskLeft } from './machine.ts'

/** A full disk, or a user whose share of it is used up. */
const CODES = new Set(['ENOSPC', 'EDQUOT'])

/** run.json must still fit when nothing else does. */
const RESERVE = 512 * 1024

/** Does something while there is room on the disk of the folder for the words with which a run ends, whatever else fills it. */
export const withReserve = async <Result>(
  folder: string,
  action: () => Promise<Result>,
): Promise<Result> => {
  const file = join(folder, '.reserve')
  // Random, because some file systems store zeros in no room at all.
  await writeFile(file, randomFillSync(new Uint8Array(RESERVE)))
  try {
    return await action()
  } finally {
    await rm(file, { force: true })
  }
}

export const isFullDisk = (error: unknown): boolean =>
  CODES.has((error as NodeJS.ErrnoException | null)?.code ?? '')

/**
 * The error for the user where a disk is full; any other error as it is.
 * @param folder the results @param others folders in which a run writes too @param next what to type when there is room again
 */
export const orFullDisk = async (
  error: unknown,
  folder: string,
  next: string,
  others: readonly string[] = [],
): Promise<unknown> => {
  if (!isFullDisk(error)) return error
  // A failed write does not say where.
  const left = new Map<string, number>()
  for (const one of [folder, tmpdir(), ...others])
    left.set(one, await diskLeft(one).catch(() => Infinity))
  const [full = folder] = [...left.keys()].toSorted(
    (a, b) => (left.get(a) ?? 0) - (left.get(b) ?? 0),
  )
  const reason = (error as Error).message
  return new ThingbenchError('TB_OUT_FULL', { full, reason, folder, next }, { cause: error })
}
