import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs' // prettier-ignore
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { FakeEngine } from '../brokers/runtimes/container/fake-engine.cases.ts'
import { libc } from '../native/libc.ts'
import { LOCK_EX, LOCK_NB } from '../native/linux.ts'
import type { LockEntry } from './lock-record.ts'
import { RunLock } from './lock.ts'
import { identityOf, processWorld, type ProcessIdentity } from './process-identity.ts'

const root = mkdtempSync(join(tmpdir(), 'thingbench-locks-'))
after(() => rmSync(root, { recursive: true }))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(root, 'lock-'))
})

const take = (): Promise<RunLock> => RunLock.take([folder])

/** The name of our own lock file. */
const ownFile = async (): Promise<string> => {
  using lock = await take()
  assert.equal(lock.cleaned, null)
  return lockFile()
}

const lockFile = (): string =>
  join(folder, readdirSync(folder).find((name) => name.endsWith('.lock')) ?? '')

/** Leaves what a run that was killed leaves. */
const leave = async (...entries: LockEntry[]): Promise<void> => {
  const run = { pid: 4_194_305, started: 1 }
  const lines = [{ run, world: processWorld(), since: 'then' }, ...entries]
  writeFileSync(await ownFile(), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

const sleeper = async (): Promise<ProcessIdentity> => {
  const child = spawn('sleep', ['20'], { stdio: 'ignore' })
  after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return identityOf(child.pid ?? 0) as ProcessIdentity
}

const own = (): ProcessIdentity => identityOf(process.pid) as ProcessIdentity

test('a second run is refused with the process and the folder of the first, until that has ended', async () => {
  const first = await take()
  first.results('/there/first')
  await assert.rejects(take(), {
    code: 'TB_RUN_BUSY',
    message: new RegExp(`process ${process.pid}, since 20.*, results in /there/first`),
  })
  first[Symbol.dispose]()
  assert.deepEqual(readdirSync(folder), [])
  using second = await take()
  assert.equal(second.cleaned, null)
})

test('a run of another user is respected', async () => {
  const path = join(folder, 'thingbench-4242.lock')
  writeFileSync(path, `${JSON.stringify({ run: own(), world: processWorld(), since: 'then' })}\n`)
  const fd = openSync(path, 'r')
  assert.equal(libc().flock(fd, LOCK_EX | LOCK_NB), 0)
  await assert.rejects(take(), { code: 'TB_RUN_BUSY', message: /since then, results in a folder/ })
  assert.deepEqual(readdirSync(folder), ['thingbench-4242.lock'], 'who is refused leaves nothing')
  closeSync(fd)
  using lock = await take()
  assert.equal(lock.cleaned, null)
})

test('the first folder that can be written is taken', async () => {
  using lock = await RunLock.take([join(folder, 'nowhere'), folder])
  assert.equal(lock.cleaned, null)
  assert.equal(readdirSync(folder).length, 1)
  await assert.rejects(RunLock.take([join(folder, 'nowhere')]), { code: 'TB_SYSTEM_CALL' })
})

test('what a killed run left is ended and deleted, and said in one line', async () => {
  const child = await sleeper()
  const temporary = join(folder, 'thingbench-left')
  mkdirSync(temporary)
  writeFileSync(join(temporary, 'server.key'), 'secret')
  await leave({ results: '/there' }, { child }, { folder: temporary })
  using lock = await take()
  assert.equal(identityOf(child.pid), null)
  assert.equal(existsSync(temporary), false)
  assert.equal(
    lock.cleaned,
    `cleaned up after a run that was killed (process 4194305, results in /there): ended 1 process (${child.pid}), deleted 1 temporary folder (${temporary})`,
  )
})

test('the container of a killed run is removed, and one that is no longer known is not missed', async () => {
  await using engine = await FakeEngine.start()
  {
    using first = await take()
    const name = first.containerName()
    assert.match(readFileSync(lockFile(), 'utf8'), new RegExp(`{"container":"${name}"}`))
    assert.match(name, /^thingbench-/)
  }
  engine.leave('thingbench-left', 'thingbench-left')
  engine.leave('thingbench-foreign', 'another')
  await leave(
    { container: 'thingbench-gone' },
    { container: 'thingbench-left' },
    { container: 'thingbench-foreign' },
  )
  using lock = await take()
  assert.match(String(lock.cleaned), /: removed 1 container \(thingbench-left\)$/)
  assert.deepEqual([...engine.containers.keys()], ['thingbench-foreign'])
})

test('when no engine answers, the containers of a killed run are not forgotten in silence', async () => {
  await leave({ container: 'thingbench-left' })
  const before = process.env.DOCKER_HOST
  process.env.DOCKER_HOST = 'unix:///nowhere/engine.sock'
  try {
    using lock = await take()
    assert.match(String(lock.cleaned), /could not see whether containers are left: .*ENOENT/)
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = before
  }
})

test('a process that was given the same number later is left alone', async () => {
  const { pid, started } = await sleeper()
  await leave({ child: { pid, started: started + 1 } }, { child: { ...own(), started: 1 } })
  using lock = await take()
  assert.equal(lock.cleaned, null)
  assert.notEqual(identityOf(pid), null)
})

test('what an earlier boot or another container wrote names no process of ours', async () => {
  const child = await sleeper()
  writeFileSync(
    await ownFile(),
    `${JSON.stringify({ run: own(), world: 'elsewhere', since: 'then' })}\n${JSON.stringify({ child })}\n`,
  )
  using lock = await take()
  assert.equal(lock.cleaned, null)
  assert.notEqual(identityOf(child.pid), null)
})

test('nothing but a temporary folder of ours is deleted', async () => {
  const other = join(folder, 'precious')
  const link = join(folder, 'thingbench-link')
  const file = join(folder, 'thingbench-file')
  mkdirSync(other)
  symlinkSync(other, link)
  writeFileSync(file, '')
  await leave({ folder: other }, { folder: link }, { folder: file }, { folder: join(root, 'gone') })
  using lock = await take()
  assert.equal(lock.cleaned, null)
  for (const path of [other, link, file]) assert.ok(existsSync(path), path)
})

test('a lock file that was cut off is read as far as it goes', async () => {
  const temporary = join(folder, 'thingbench-left')
  mkdirSync(temporary)
  await leave({ folder: temporary })
  const path = lockFile()
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"child":{"pi`)
  using lock = await take()
  assert.match(String(lock.cleaned), /deleted 1 temporary folder/)
})

test('a temporary folder is for us alone, is written down, and goes when it is disposed', async () => {
  using lock = await take()
  let path = ''
  {
    await using temporary = await lock.temporaryFolder()
    path = temporary.path
    assert.equal(statSync(path).mode & 0o777, 0o700)
    assert.match(readFileSync(lockFile(), 'utf8'), new RegExp(`{"folder":"${path}"}`))
    writeFileSync(join(path, 'server.key'), 'secret')
  }
  assert.equal(existsSync(path), false)
})

test('where no temporary folder can be made, the error says what to do', async () => {
  using lock = await take()
  const before = process.env.TMPDIR
  process.env.TMPDIR = join(folder, 'nowhere')
  try {
    await assert.rejects(lock.temporaryFolder(), {
      code: 'TB_SYSTEM_CALL',
      message: /mkdir of .*nowhere.* failed: ENOENT .*TMPDIR/,
    })
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
})

test('the lock goes with its holder, also by kill -9', async () => {
  const script = `
    const { RunLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))})
    await RunLock.take([${JSON.stringify(folder)}])
    console.log('taken')
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  await assert.rejects(take(), {
    code: 'TB_RUN_BUSY',
    message: new RegExp(`process ${holder.pid},`),
  })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  using lock = await take()
  assert.equal(lock.cleaned, null)
})
