/** What --help says, word for word: to accept a change, `./thingbench run --help > test/fixtures/help/run.txt`, and read the difference. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { commandLine } from '../simulator/cli/command-line.ts'

const FOLDER = join(import.meta.dirname, 'fixtures', 'help')
/** The command as a whole. */
const WHOLE = 'thingbench'

const helpOf = async (words: readonly string[], t: TestContext): Promise<string> => {
  const said: unknown[] = []
  t.mock.method(console, 'log', (text: unknown) => said.push(text))
  assert.equal(await commandLine([...words, '--help']), 0)
  return `${said.join('\n')}\n`
}

const NAMES = readdirSync(FOLDER).map((file) => basename(file, '.txt'))

for (const name of NAMES)
  test(`the help of ${name} is the expected one, in every language, and has an example`, async (t) => {
    const language = process.env.LC_ALL
    process.env.LC_ALL = 'de_DE.UTF-8'
    try {
      const help = await helpOf(name === WHOLE ? [] : [name], t)
      assert.equal(help, readFileSync(join(FOLDER, `${name}.txt`), 'utf8'))
      const example = name === WHOLE ? 'thingbench ' : `thingbench ${name}`
      assert.ok(/^Examples:\n((?: +.*\n)+)/mu.exec(help)?.[1]?.includes(example))
    } finally {
      if (language === undefined) delete process.env.LC_ALL
      else process.env.LC_ALL = language
    }
  })

test('every command has its help here', async (t) => {
  const help = await helpOf([], t)
  const commands = [...help.matchAll(/^ {2}thingbench (\w+)(?= .*[\]>]? {2})/gmu)].map((m) => m[1])
  assert.deepEqual(new Set(NAMES), new Set([WHOLE, ...commands]))
  assert.ok(commands.length >= 5)
})
