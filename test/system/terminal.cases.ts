/** ./thingbench in a terminal of tmux: what it shows, keys that are typed, where the cursor is. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from './command.cases.ts'

/** Says how the command ended, and keeps the terminal: tmux hides the cursor of one whose program is gone. */
const SHELL = `trap : INT; "$0" "$@"; echo "exit code $?"; exec cat`
const ENDED = /^exit code (\d+)$/u

/** Why there is no terminal to test in; false when there is one. In CI a skip is a failure, so there it is never a reason. */
export const noTerminal = (): string | false =>
  process.env.CI === 'true' || spawnSync('tmux', ['-V']).status === 0
    ? false
    : 'needs tmux (Debian package tmux)'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export class Terminal {
  readonly #socket: string
  readonly #environment: NodeJS.ProcessEnv

  private constructor(socket: string, folder: string) {
    this.#socket = socket
    this.#environment = { ...process.env, TMUX_TMPDIR: folder }
  }

  /** Starts the command in a terminal of its own. Disposing the command ends both. */
  static async start(
    command: Command,
    words: readonly string[],
    { columns, rows }: Size,
    term = 'screen',
  ): Promise<Terminal> {
    const socket = randomUUID()
    const configuration = join(command.folder, 'tmux.conf')
    await writeFile(configuration, `set -g default-terminal ${term}\nset -g history-limit 1000\n`)
    const size = ['-x', String(columns), '-y', String(rows)]
    const session = ['new-session', '-d', ...size, 'sh', '-c', SHELL]
    const before = ['tmux', '-L', socket, '-f', configuration, ...session]
    const { code, stderr } = await command.run(words, {
      before,
      env: { TMUX_TMPDIR: command.folder, TMUX: '' },
    })
    if (code !== 0) throw new Error(`tmux did not start: ${stderr}`)
    return new Terminal(socket, command.folder)
  }

  /** All rows that were ever shown, the last ones as they are now, without the empty ones. A row that was wrapped is one. */
  rows(): string[] {
    const text = this.#tmux('capture-pane', '-p', '-J', '-S', '-')
    return text.split('\n').map((row) => row.trimEnd()).filter((row) => row !== '') // prettier-ignore
  }

  type(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  /** As if the user closed the window. */
  close(): void {
    this.#tmux('kill-server')
  }

  resize({ columns, rows }: Size): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  cursorIsVisible(): boolean {
    return this.#format('#{cursor_flag}') === '1'
  }

  /** The exit code of the command, as a shell has it; null while it runs. */
  ending(): number | null {
    const code = this.rows().map((row) => ENDED.exec(row)?.[1])
    return code.at(-1) === undefined ? null : Number(code.at(-1))
  }

  /** Waits until `found` gives something. */
  async until<T>(what: string, seconds: number, found: () => T | null | undefined | false) {
    const deadline = performance.now() + seconds * 1000
    for (;;) {
      const value = found()
      if (value !== null && value !== undefined && value !== false) return value
      if (performance.now() > deadline)
        throw new Error(`waited ${seconds} s for ${what}; it shows:\n${this.rows().join('\n')}`)
      await sleep(100)
    }
  }

  /** Waits for a row that matches. */
  row(wanted: RegExp, seconds = 30): Promise<string> {
    return this.until(String(wanted), seconds, () => {
      const found = this.rows().find((row) => wanted.test(row))
      if (found === undefined && this.ending() !== null)
        throw new Error(`it has ended:\n${this.rows().join('\n')}`)
      return found
    })
  }

  ended(seconds = 60): Promise<number> {
    return this.until('the command to end', seconds, () => this.ending() ?? undefined)
  }

  #format(what: string): string {
    return this.#tmux('display-message', '-p', what).trim()
  }

  #tmux(...words: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...words], {
      encoding: 'utf8',
      env: this.#environment,
    })
  }
}
