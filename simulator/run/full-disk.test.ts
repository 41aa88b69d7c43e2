import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ThingbenchError } from '../core/errors.ts'
import { isFullDisk, orFullDisk, withReserve } from './full-disk.ts'

const failed = (code: string): Error =>
  Object.assign(new Error(`${code}: no space left on device, write`), { code })

test('a full disk is told with the folder that is full and what to type next', async () => {
  const error = await orFullDisk(failed('ENOSPC'), tmpdir(), 'thingbench report X')
  assert.ok(error instanceof ThingbenchError)
  assert.equal(error.code, 'TB_OUT_FULL')
  assert.match(error.message, /no space left in \S+ \(ENOSPC.*type: thingbench report X$/)
})

test('so is a share that is used up', () => {
  assert.ok(isFullDisk(failed('EDQUOT')))
})

test('another error stays as it is', async () => {
  const error = failed('EIO')
  assert.equal(await orFullDisk(error, tmpdir(), ''), error)
  assert.equal(isFullDisk(null), false)
})

test('the reserve takes room, and gives it back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-reserve-'))
  try {
    const result = await withReserve(folder, async () => {
      const [file = ''] = await readdir(folder)
      assert.ok((await stat(join(folder, file))).blocks * 512 >= 256 * 1024)
      return 'done'
    })
    assert.equal(result, 'done')
    assert.deepEqual(await readdir(folder), [])
    const error = new Error('in the middle')
    await assert.rejects(
      withReserve(folder, () => Promise.reject(error)),
      error,
    )
    assert.deepEqual(await readdir(folder), [])
  } finally {
    await rm(folder, { recursive: true })
  }
})
