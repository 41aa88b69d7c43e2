/** A server that is a program of this Node. */
import type { Launch } from '../broker.ts'

/** @param entry its source file; `configuration` names a file, its one argument */
export const launchNode = (entry: string, configuration: string): Launch => {
  const cache = process.env.NODE_COMPILE_CACHE
  const env: Record<string, string> = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }
  return { command: process.execPath, args: [entry, configuration], env }
}
