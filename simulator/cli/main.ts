/** The command line: reads the words, calls the command, turns its outcome into an exit code. */
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { commandLine } = await import('./command-line.ts')
const { surviveReaders } = await import('./interrupt.ts')
surviveReaders()
process.exitCode = await commandLine(process.argv.slice(2))
