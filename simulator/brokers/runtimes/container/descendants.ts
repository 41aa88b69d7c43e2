/** The processes of a container, as this machine numbers them. */
import { readdirSync, readFileSync } from 'node:fs'

const childrenOf = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
      readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1')
        .split(' ')
        .filter((word) => word.trim() !== '')
        .map(Number),
    )
  } catch {
    // It has ended.
    return []
  }
}

/**
 * The process and all that descend from it (proc(5), /proc/PID/task/TID/children). Of a container's first process these are all
 * that it has started: a child whose parent ends becomes a child of the first (pid_namespaces(7)).
 */
export const withDescendants = (pid: number): number[] => [
  pid,
  ...childrenOf(pid).flatMap(withDescendants),
]
