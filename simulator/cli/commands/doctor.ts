import { examine } from '../../run/doctor.ts'

const MARK = { ok: 'ok     ', missing: 'MISSING', note: 'note   ' } as const

/** Prints what this machine can run; exit code 1 when something is missing. */
export const doctor = async (): Promise<number> => {
  const findings = await examine()
  const width = Math.max(...findings.map((f) => f.what.length))
  for (const { what, state, detail, remedy } of findings) {
    process.stdout.write(`${MARK[state]}  ${what.padEnd(width)}  ${detail}\n`)
    if (remedy !== null) process.stdout.write(`${' '.repeat(width + 11)}-> ${remedy}\n`)
  }
  const missing = findings.filter((f) => f.state === 'missing').map((f) => f.what)
  process.stdout.write(
    missing.length === 0 ? '\nEverything is here.\n' : `\nMissing: ${missing.join(', ')}\n`,
  )
  return missing.length === 0 ? 0 : 1
}
