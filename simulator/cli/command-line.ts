import yargs from 'yargs'
import { ThingbenchError } from '../core/errors.ts'
import { catalogue } from '../run/catalogue.ts'
import { wrongNode } from '../run/environment.ts'
import { check } from './commands/check.ts'
import { doctor } from './commands/doctor.ts'
import { list, TOPICS } from './commands/list.ts'
import { report } from './commands/report.ts'
import { run } from './commands/run.ts'

const parser = (words: readonly string[], done: (code: number) => void) =>
  yargs(words)
    .scriptName('thingbench')
    .usage('$0 <command>\n\nMeasures what IoT protocol stacks cost and what they protect.')
    .command(
      'run <scenario>',
      'measure what the scenario asks, and write tables and charts',
      (y) =>
        y
          .positional('scenario', {
            type: 'string',
            demandOption: true,
            describe: 'a YAML file, such as scenarios/quickstart.yaml',
          })
          .option('only', {
            type: 'string',
            array: true,
            describe: 'run only these stacks of the scenario',
          })
          .option('repetitions', { type: 'number', describe: "instead of the scenario's" })
          .option('seed', { type: 'number', describe: "instead of the scenario's" })
          .option('out', {
            type: 'string',
            describe: 'the run folder itself; must be new or empty',
          })
          .option('runtime', {
            choices: ['auto', 'process', 'container', 'embedded'] as const,
            default: 'auto' as const,
            describe: 'how servers are started',
          })
          .option('link', {
            choices: ['auto', 'userspace', 'netem'] as const,
            default: 'auto' as const,
            describe: 'the link engine',
          })
          .option('setup', {
            type: 'boolean',
            default: false,
            describe: 'first install missing servers (Debian packages)',
          })
          .option('dry-run', {
            type: 'boolean',
            default: false,
            describe: 'print cells, order and expected time, and run nothing',
          })
          .option('capture', { type: 'boolean', default: false, describe: 'not available yet' })
          .option('resume', { type: 'string', describe: 'not available yet' })
          .option('json', {
            type: 'boolean',
            default: false,
            describe: 'machine-readable events on standard output, nothing else',
          })
          .example(
            '$0 run scenarios/quickstart.yaml',
            'six stacks on an LTE-M link, in five minutes',
          ),
      async (argv) => done(await run(argv, words)),
    )
    .command(
      'check <scenarios..>',
      'all problems of scenario files at once, with line, what was found, what is allowed',
      (y) =>
        y
          .positional('scenarios', { type: 'string', array: true, demandOption: true })
          .example('$0 check scenarios/*.yaml', 'check every scenario'),
      (argv) => done(check(argv.scenarios, catalogue, (text) => process.stdout.write(text))),
    )
    .command(
      'list [topic]',
      'what a scenario can ask for',
      (y) =>
        y
          .positional('topic', { choices: TOPICS, describe: 'default: all' })
          .example('$0 list metrics', 'every metric with its unit and meaning'),
      async (argv) => done(await list(argv.topic)),
    )
    .command(
      'report <folder>',
      'tables and charts again from a results folder',
      (y) =>
        y
          .positional('folder', { type: 'string', demandOption: true })
          .example(
            '$0 report results/quickstart-2026-11-22T163435Z',
            'write report.html and charts anew',
          ),
      async (argv) => done(await report(argv.folder)),
    )
    .command(
      'doctor',
      'what this machine can run, what is missing, and the command that adds it',
      (y) => y.example('$0 doctor', 'before the first run'),
      async () => done(await doctor()),
    )
    .demandCommand(1, 'no command was given')
    .strict()
    .version(false)
    .help()
    .wrap(110)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new ThingbenchError('TB_USAGE', { problem: message })
    })

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage or scenario, 3 interrupted, 99 a threshold was crossed */
export const commandLine = async (words: readonly string[]): Promise<number> => {
  let code = 0
  try {
    const node = wrongNode()
    if (node !== null) throw new ThingbenchError('TB_NODE', node)
    await parser(words, (c) => (code = c)).parseAsync()
    return code
  } catch (error) {
    if (!(error instanceof ThingbenchError)) {
      process.stderr.write(
        `thingbench: this is a defect of thingbench, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`,
      )
      return 1
    }
    process.stderr.write(`thingbench: ${error.message}\n`)
    return error.exit
  }
}
