/** Processes that a run inside this test process has started. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const isOurs = (pid: number, words: string): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])
    return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words)
  } catch {
    return false
  }
}

/** The child of this process whose command line holds the words, as soon as there is one; within 20 s. */
export const childWith = async (words: string): Promise<number> => {
  for (let tries = 0; tries < 200; tries++) {
    const pid = readdirSync('/proc')
      .map(Number)
      .find((candidate) => candidate > 0 && isOurs(candidate, words))
    if (pid !== undefined) return pid
    await sleep(100)
  }
  throw new Error(`no child of this process has "${words}" in its command line`)
}
