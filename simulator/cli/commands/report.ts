import { join } from 'node:path'
import { writeReport } from '../../report/report.ts'

/** Tables and charts again from a results folder. */
export const report = async (folder: string): Promise<number> => {
  const { table } = await writeReport(folder)
  process.stdout.write(`${table.trimEnd()}\n\nreport: ${join(folder, 'report.html')}\n`)
  return 0
}
