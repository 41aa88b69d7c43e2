import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { withDescendants } from './descendants.ts'

test('a process is counted with its children and theirs, and alone when it has gone', async () => {
  const shell = spawn('sh', ['-c', 'sh -c "sleep 20 & echo; wait" & wait'], { detached: true })
  try {
    await once(shell.stdout, 'data')
    const pid = shell.pid ?? 0
    const [first, ...others] = withDescendants(pid)
    assert.equal(first, pid)
    assert.equal(others.length, 2)
  } finally {
    process.kill(-(shell.pid ?? 0), 'SIGKILL')
    await once(shell, 'close')
  }
  assert.deepEqual(withDescendants(shell.pid ?? 0), [shell.pid])
})
