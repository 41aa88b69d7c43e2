import type { Argv } from 'yargs'
import yargs from 'yargs'
import { ThingbenchError } from '../core/errors.ts'
import { catalogue } from '../run/catalogue.ts'
import { wrongNode } from '../run/environment.ts'
import { calibrateCommand } from './commands/calibrate.ts'
import { check } from './commands/check.ts'
import { doctor } from './commands/doctor.ts'
import { list, TOPICS } from './commands/list.ts'
import { report } from './commands/report.ts'
import { run } from './commands/run.ts'
import { asksForEvents, JsonEvents } from './json-events.ts'

const RUNTIMES = ['auto', 'process', 'container', 'embedded'] as const
const LINK_ENGINES = ['auto', 'userspace', 'netem'] as const

type Parser = Argv<object>
type Done = (code: number) => void

/** An option that is given twice comes as a list. */
const once = (value: string | readonly string[]): string => {
  if (typeof value === 'string') return value
  throw new Error(`${value.join(' and ')} for one option`)
}

const addRun = (
  y: Parser,
  words: readonly string[],
  events: JsonEvents | null,
  done: Done,
): Parser =>
  y.command(
    'run [scenario]',
    'measure what the scenario asks, and write tables and charts',
    (c) =>
      c
        .positional('scenario', {
          type: 'string',
          describe: 'a YAML file, such as scenarios/quickstart.yaml',
        })
        .options({
          only: { type: 'string', array: true, describe: 'run only these stacks of the scenario' },
          repetitions: { type: 'number', describe: "instead of the scenario's" },
          seed: { type: 'number', describe: "instead of the scenario's" },
          out: {
            type: 'string',
            coerce: once,
            describe: 'the run folder itself; must be new or empty',
          },
          runtime: { choices: RUNTIMES, default: 'auto', describe: 'how servers are started' },
          link: { choices: LINK_ENGINES, default: 'auto', describe: 'the link engine' },
          setup: { type: 'boolean', default: false, describe: 'first install missing servers' },
          repeat: {
            type: 'boolean',
            default: true,
            describe: 'run a cell that something disturbed once more (--no-repeat: do not)',
          },
          'dry-run': {
            type: 'boolean',
            default: false,
            describe: 'print cells, order and expected time, and run nothing',
          },
          json: {
            type: 'boolean',
            default: false,
            describe: 'machine-readable events on standard output, nothing else',
          },
          capture: { type: 'boolean', default: false, describe: 'not available yet' },
          resume: {
            type: 'string',
            coerce: once,
            describe: 'continue the run in this folder, which was interrupted',
          },
        })
        // Otherwise `--out` alone would mean the folder that one stands in, and `--only` alone no stack.
        .requiresArg(['only', 'repetitions', 'seed', 'out', 'runtime', 'link', 'resume'])
        .example('$0 run scenarios/quickstart.yaml', 'six stacks on LTE-M, in five minutes')
        .example('$0 run --resume results/first', 'what an interrupted run had not measured yet'),
    async (argv) => done(await run(argv, words, events)),
  )

const addCheck = (y: Parser, done: Done): Parser =>
  y.command(
    'check <scenarios..>',
    'all problems of scenario files at once, with line, what was found, what is allowed',
    (c) =>
      c
        .positional('scenarios', { type: 'string', array: true, demandOption: true })
        .example('$0 check scenarios/*.yaml', 'check every scenario'),
    (argv) => done(check(argv.scenarios, catalogue, (text) => process.stdout.write(text))),
  )

const addList = (y: Parser, done: Done): Parser =>
  y.command(
    'list [topic]',
    'what a scenario can ask for',
    (c) =>
      c
        .positional('topic', { choices: TOPICS, describe: 'default: all' })
        .example('$0 list metrics', 'every metric with its unit'),
    (argv) => done(list(argv.topic)),
  )

const addReport = (y: Parser, done: Done): Parser =>
  y.command(
    'report <folder>',
    'tables and charts again from a results folder',
    (c) =>
      c
        .positional('folder', { type: 'string', demandOption: true })
        .example('$0 report results/quickstart-2026-11-22T163435Z', 'write report and charts anew'),
    async (argv) => done(await report(argv.folder)),
  )

const addDoctor = (y: Parser, done: Done): Parser =>
  y.command(
    'doctor',
    'what this machine can run, what is missing, and the command that adds it',
    (c) => c.example('$0 doctor', 'before the first run'),
    async () => done(await doctor()),
  )

const addCalibrate = (y: Parser, done: Done): Parser =>
  y.command(
    'calibrate [profiles..]',
    'what the link is asked against what it does on this machine, and how many packets it carries',
    (c) =>
      c
        .positional('profiles', {
          type: 'string',
          array: true,
          default: [],
          describe: 'names of link profiles, or YAML files; default: built-in checks, and lte-m',
        })
        .options({
          quick: { type: 'boolean', default: false, describe: 'shorter, and kept for no run' },
          json: {
            type: 'boolean',
            default: false,
            describe: 'one JSON object on standard output instead of tables',
          },
        })
        .example('$0 calibrate wifi lte-m', 'whether these two links can be had here'),
    async (argv) => done(await calibrateCommand(argv)),
  )

const parser = (words: readonly string[], events: JsonEvents | null, done: Done): Parser => {
  const base = yargs(words)
    .scriptName('thingbench')
    // What commands say is English, so yargs' own words are, whatever the user's language.
    .locale('en')
    .usage('$0 <command>\n\nMeasures what IoT protocol stacks cost and what they protect.')
    .example('$0 run scenarios/quickstart.yaml', 'the first question')
  const withRun = addRun(base, words, events, done)
  const withFiles = addReport(addList(addCheck(withRun, done), done), done)
  return addCalibrate(addDoctor(withFiles, done), done)
    .demandCommand(1, 'no command was given')
    .strict()
    .version(false)
    .help()
    .wrap(110)
    .exitProcess(false)
    .fail((message, error) => {
      // YError is yargs' own word of wrong usage; any other error comes from a command.
      if (error && error.name !== 'YError') throw error
      throw new ThingbenchError('TB_USAGE', { problem: message ?? error?.message ?? 'unclear' })
    })
}

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage or scenario, 3 interrupted, 99 a threshold was crossed */
export const commandLine = async (words: readonly string[]): Promise<number> => {
  const events = asksForEvents(words) ? new JsonEvents((line) => process.stdout.write(line)) : null
  let code = 0
  try {
    const node = wrongNode()
    if (node !== null) throw new ThingbenchError('TB_NODE', node)
    await parser(words, events, (c) => (code = c)).parseAsync()
  } catch (error) {
    code = complain(error, events)
  }
  events?.end(code)
  return code
}

/** Says what went wrong, to people and to programs; returns the exit code. */
const complain = (error: unknown, events: JsonEvents | null): number => {
  if (error instanceof ThingbenchError) {
    process.stderr.write(`thingbench: ${error.message}\n`)
    events?.failed(error.code, error.message)
    return error.exit
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`thingbench: this is a defect of thingbench, please report it:\n${what}\n`)
  events?.failed(null, what)
  return 1
}
