/**
 * One run at a time on a machine: a second one would falsify the processor times of both. Whoever measures says so in a lock
 * file, with all that must not outlive the run; when it is killed, the next start cleans up what the file names.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, fchmodSync, ftruncateSync, rmSync, writeSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemError } from '../native/libc.ts'
import { isFullDisk } from './full-disk.ts'
import { readRecord, takeLockFile, type LockFile } from './lock-file.ts'
import { cleanUp, FOLDER_PREFIX, type LockEntry } from './lock-record.ts'
import { identityOf, processWorld } from './process-identity.ts'

/** A folder that only we may enter. Disposing deletes it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

export class RunLock implements Disposable {
  /** What a killed run had left and is gone now, in words; null when there was nothing. */
  readonly cleaned: string | null
  readonly #file: LockFile
  readonly #folders = new Set<string>()
  readonly #atExit = (): void => this.#deleteFolders()

  private constructor(file: LockFile, cleaned: string | null) {
    this.#file = file
    this.cleaned = cleaned
    ftruncateSync(file.fd)
    // Others must be able to read who measures, whatever the umask.
    fchmodSync(file.fd, 0o644)
    const run = identityOf(process.pid)
    if (run) this.#write({ run, world: processWorld(), since: new Date().toISOString() })
    process.on('exit', this.#atExit)
  }

  /**
   * Takes the lock, and cleans up after an earlier run of this user that was killed.
   * @throws ThingbenchError TB_RUN_BUSY when a run is on its way on this machine
   */
  static async take(folders: readonly string[]): Promise<RunLock> {
    const file = await takeLockFile(folders)
    return new RunLock(file, await cleanUp(readRecord(file.path)))
  }

  /** Tells others where the results go. */
  results(folder: string): void {
    this.#write({ results: folder })
  }

  /** Notes a process that must not outlive the run. */
  started(pid: number): void {
    const child = identityOf(pid)
    if (child) this.#write({ child })
  }

  /** A name for a container, which must not outlive the run either. */
  containerName(): string {
    const name = `${FOLDER_PREFIX}${randomUUID()}`
    this.#write({ container: name })
    return name
  }

  /**
   * Makes an empty folder for what nobody else may read.
   * @throws ThingbenchError TB_SYSTEM_CALL where that cannot be done
   */
  async temporaryFolder(): Promise<TemporaryFolder> {
    const path = join(tmpdir(), `${FOLDER_PREFIX}${randomUUID()}`)
    // First the word, then the deed: so no folder is ever forgotten.
    this.#write({ folder: path })
    this.#folders.add(path)
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (isFullDisk(error)) throw error
      const advice = 'Servers need a temporary folder: name one that you may write in TMPDIR.'
      throw systemError(`mkdir of ${path}`, -(error.errno ?? 0), advice)
    })
    return {
      path,
      [Symbol.asyncDispose]: async () => {
        await rm(path, { recursive: true, force: true })
        this.#folders.delete(path)
      },
    }
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit)
    this.#deleteFolders()
    rmSync(this.#file.path, { force: true })
    closeSync(this.#file.fd)
  }

  #write(entry: LockEntry): void {
    writeSync(this.#file.fd, `${JSON.stringify(entry)}\n`)
  }

  #deleteFolders(): void {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true })
    this.#folders.clear()
  }
}
