import { join } from 'node:path'
import { type Report, writeReport } from '../../report/report.ts'
import { orFullDisk } from '../../run/full-disk.ts'

/** Writes a report; a full disk is told with what to do. */
export const reportOn = async (folder: string): Promise<Report> => {
  try {
    return await writeReport(folder)
  } catch (error) {
    throw await orFullDisk(error, folder, `thingbench report ${folder}`)
  }
}

/** Tables and charts again from a results folder. */
export const report = async (folder: string): Promise<number> => {
  const { table } = await reportOn(folder)
  process.stdout.write(`${table.trimEnd()}\n\nreport: ${join(folder, 'report.html')}\n`)
  return 0
}
