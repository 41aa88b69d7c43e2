import { test } from 'node:test'
import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { NativeMemory, errno, libc, raiseOpenFiles, systemCall, writeTimespec } from './libc.ts'
import { F_GETFL, RLIMIT_NOFILE } from './linux.ts'

test('A failed call throws with what was attempted, the error by name and the advice.', () => {
  const attempt = (): number =>
    systemCall('open /no/such/file', libc().open('/no/such/file', 0, 0), 'Look elsewhere.')
  assert.throws(attempt, {
    code: 'TB_SYSTEM_CALL',
    message: 'open /no/such/file failed: ENOENT (no such file or directory). Look elsewhere.',
  })
})

test('A call that succeeds passes its result on.', () => {
  const fd = systemCall('open /dev/zero', libc().open('/dev/zero', 0, 0))
  const memory = new NativeMemory(64)
  memory.bytes.fill(7)
  assert.equal(libc().read(fd, memory.address + 8, 8), 8)
  assert.deepEqual(memory.bytes.subarray(0, 24), new Uint8Array(24).fill(7).fill(0, 8, 16))
  libc().close(fd)
  assert.equal(libc().fcntl(fd, F_GETFL, 0), -1)
  assert.equal(errno(), constants.errno.EBADF)
})

test('A time of more than a second is split into seconds and nanoseconds.', () => {
  const memory = new NativeMemory(16)
  memory.bytes.fill(0xff)
  writeTimespec(memory, 0, 12_345_678_901_234)
  assert.equal(memory.view.getBigInt64(0, true), 12_345n)
  assert.equal(memory.view.getBigInt64(8, true), 678_901_234n)
})

test('The limit of open files is raised to the hard limit.', () => {
  const hard = raiseOpenFiles(1)
  const limits = new NativeMemory(16)
  systemCall('getrlimit', libc().getrlimit(RLIMIT_NOFILE, limits.address))
  assert.deepEqual(
    [limits.view.getBigUint64(0, true), limits.view.getBigUint64(8, true)],
    [BigInt(hard), BigInt(hard)],
  )
})
