import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeSmallRun } from './fixtures/small-run.ts'

test('test/fixtures/run-small is what its generator writes', async () => {
  const kept = join(import.meta.dirname, 'fixtures', 'run-small')
  const fresh = await mkdtemp(join(tmpdir(), 'thingbench-fixture-'))
  try {
    await writeSmallRun(fresh)
    const files = async (folder: string): Promise<string[]> => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .toSorted()
    }
    const names = await files(fresh)
    assert.deepEqual(await files(kept), names)
    for (const name of names)
      assert.equal(
        await readFile(join(kept, name), 'utf8'),
        await readFile(join(fresh, name), 'utf8'),
        `${name} differs; write the fixture again with writeSmallRun`,
      )
  } finally {
    await rm(fresh, { recursive: true })
  }
})
