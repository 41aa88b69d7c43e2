/** Everything that a report is, written into the results folder that it is about. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chartsOf } from './charts/index.ts'
import { reportPage } from './page.ts'
import { createRenderer } from './render.ts'
import { readRun } from './run.ts'
import { type SummaryRow, summarise as summariseRun, writeSummaryCsv } from './summary.ts'
import { terminalTable } from './table.ts'

export interface Report {
  /** For the terminal. */
  readonly table: string
  /** What was written, relative to the folder. */
  readonly files: readonly string[]
}

/** The rows of summary.csv, from the measurements of a results folder. */
export const summarise = async (folder: string): Promise<SummaryRow[]> =>
  summariseRun(await readRun(folder))

/**
 * Writes summary.csv, charts/<name>.{vl.json,svg,png} and report.html; the same folder gives the same bytes.
 * @param width columns of the terminal that the table is for
 * @throws ThingbenchError TB_RESULTS_UNREADABLE
 */
export const writeReport = async (folder: string, width = 120): Promise<Report> => {
  const run = await readRun(folder)
  const files: string[] = []
  const write = async (file: string, content: string | Uint8Array): Promise<void> => {
    await writeFile(join(folder, file), content)
    files.push(file)
  }
  await writeSummaryCsv(join(folder, 'summary.csv'), summariseRun(run))
  files.push('summary.csv')
  const charts = chartsOf(run)
  await mkdir(join(folder, 'charts'), { recursive: true })
  const render = await createRenderer()
  for (const chart of charts) {
    const { svg, png } = await render(chart)
    await write(`charts/${chart.name}.vl.json`, `${JSON.stringify(chart.spec, null, 1)}\n`)
    await write(`charts/${chart.name}.svg`, svg)
    await write(`charts/${chart.name}.png`, png)
  }
  await write('report.html', await reportPage(run, charts))
  return { table: terminalTable(run, width), files }
}
