import assert from 'node:assert/strict'
import { test } from 'node:test'
import { availableOf, describeMachine, diskLeft, leftInGroups } from './machine.ts'

const MIB = 2 ** 20
const files = (texts: Readonly<Record<string, string>>) => (path: string) => texts[path] ?? ''

test('available memory is what the kernel says it is', () => {
  assert.equal(availableOf('MemTotal:  100 kB\nMemAvailable:    2048 kB\n'), 2 * MIB)
})

test('the narrowest control group counts, and its dropped cache does not (version 2)', () => {
  const left = leftInGroups(
    '0::/user.slice/shell.scope\n',
    files({
      '/sys/fs/cgroup/user.slice/memory.max': `${512 * MIB}\n`,
      '/sys/fs/cgroup/user.slice/memory.current': `${300 * MIB}\n`,
      '/sys/fs/cgroup/user.slice/memory.stat': `anon 1\ninactive_file ${100 * MIB}\n`,
      '/sys/fs/cgroup/user.slice/shell.scope/memory.max': 'max\n',
      '/sys/fs/cgroup/user.slice/shell.scope/memory.current': `${200 * MIB}\n`,
    }),
  )
  assert.equal(left, 312 * MIB)
})

test('a container sees its own group at the root (version 2)', () => {
  const own = files({
    '/sys/fs/cgroup/memory.max': String(100 * MIB),
    '/sys/fs/cgroup/memory.current': String(120 * MIB),
  })
  assert.equal(leftInGroups('0::/\n', own), 0)
})

test('control groups of version 1 have other names', () => {
  const left = leftInGroups(
    '4:cpu,memory:/docker/abc\n2:cpuset:/\n',
    files({
      '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': String(64 * MIB),
      '/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': String(24 * MIB),
      '/sys/fs/cgroup/memory/docker/abc/memory.stat': `total_inactive_file ${MIB}`,
    }),
  )
  assert.equal(left, 41 * MIB)
})

test('without a limit there is no end', () => {
  assert.equal(leftInGroups('0::/\n', files({})), Infinity)
  assert.equal(leftInGroups('', files({})), Infinity)
})

test('the disk of a folder that is not there yet is that of the one above it', async () => {
  const left = await diskLeft('/tmp/thingbench-not-there/nor-there')
  assert.ok(left > 0 && Number.isFinite(left))
  assert.equal(await diskLeft('/proc/thingbench-not-there'), Infinity)
})

test('this machine has something of everything', async () => {
  const machine = await describeMachine(64, '/tmp', '4096')
  assert.ok(machine.openFiles >= 64)
  assert.ok(machine.memory > 0)
  assert.equal(machine.backlog, 4096)
})
