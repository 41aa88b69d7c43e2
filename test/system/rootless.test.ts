/** An ordinary user runs thingbench in a folder of his own: everything works, the results are his, and nothing is left behind. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { chown, cp, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, type CommandOptions } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const NOBODY = 65534
/** What a clone has, and a run needs. Packages are mounted. */
const TREE = ['simulator', 'scenarios', 'scripts', 'thingbench', 'docker-compose.yml', 'package.json', 'package-lock.json'] // prettier-ignore
const NODE_PACKAGES = 'node_modules'

/** In a mount namespace of its own, as on a machine where everybody may open /dev/net/tun; $1: the tree, the rest: a command for nobody. */
const AS_NOBODY = `
set -e
mount --bind ${join(ROOT, NODE_PACKAGES)} "$1/${NODE_PACKAGES}"
mount -t tmpfs -o mode=755 none /mnt
mknod -m "$TUN_MODE" /mnt/tun c 10 200
mount --bind /mnt/tun /dev/net/tun
umount -l /mnt
shift
exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups "$@"`

/** Without sbin, as ordinary users have it. */
const ORDINARY_PATH = '/usr/local/bin:/usr/bin:/bin'

/** A place where nobody can make a user namespace: a setting of the one around it, and no capability left. */
const WITHOUT_NAMESPACES = [
  'unshare', '--user', '--map-root-user', 'sh', '-c',
  'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"', 'sh',
] // prettier-ignore

interface User extends AsyncDisposable {
  readonly command: Command
  /** For `start` and `run` of the command. */
  readonly options: CommandOptions
}

/** A command whose folder, with a copy of this repository in it, belongs to nobody. */
const nobody = async (mode = '666'): Promise<User> => {
  const command = await Command.create()
  const tree = join(command.folder, 'tree')
  await mkdir(join(tree, NODE_PACKAGES), { recursive: true })
  for (const name of TREE) await cp(join(ROOT, name), join(tree, name), { recursive: true })
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, command.folder])
  const before = ['unshare', '--mount', 'sh', '-c', AS_NOBODY, 'sh', tree]
  return {
    command,
    options: { tree, before, env: { TUN_MODE: mode, PATH: ORDINARY_PATH } },
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  }
}

/** The question of the first run, smaller. */
const smallQuickstart = async (command: Command, measure: string): Promise<string> => {
  const text = await readFile(join(ROOT, 'scenarios/quickstart.yaml'), 'utf8')
  const small = text
    .replace(/^devices: .*$/m, 'devices: 5')
    .replace(/^ {2}interval: .*$/m, '  interval: 250 ms')
    .replace(
      /^phases: .*$/m,
      `phases: { ramp: 200 ms, warmup: 300 ms, measure: ${measure}, drain: 2 s, connect_deadline: 20 s }`,
    )
    .replace(/^repetitions: .*$/m, 'repetitions: 1')
  const file = await command.scenario(small)
  await chown(file, NOBODY, NOBODY)
  return file
}

/** The user namespace in which the process is. */
const userNamespaceOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/user`).slice(6, -1)

/** Waits until nobody is in it any more. */
const isGone = async (userNamespace: string): Promise<void> => {
  const deadline = performance.now() + 2000
  for (;;) {
    const there = execFileSync('lsns', ['-t', 'user', '-n', '-o', 'NS'], { encoding: 'utf8' })
    if (!there.includes(userNamespace)) return
    assert.ok(performance.now() < deadline, `user namespace ${userNamespace} is left:\n${there}`)
    await sleep(50)
  }
}

const inTheMiddle = async (command: Command): Promise<ReadonlySet<string>> => {
  await command.running('fleet-process.ts')
  await sleep(1000)
  const namespaces = command.namespaces()
  assert.equal(namespaces.size, 3, 'one for the runner, one for the devices, one for the server')
  return namespaces
}

/** Which owners files below the folder have, the folder itself included. */
const ownersIn = async (folder: string): Promise<string[]> => {
  const files = await readdir(folder, { recursive: true })
  const stats = await Promise.all(['', ...files].map((file) => lstat(join(folder, file))))
  return [...new Set(stats.map(({ uid, gid }) => `${uid}:${gid}`))]
}

/** What was not as for root stands in run.json. */
const recorded = async (command: Command): Promise<void> => {
  const { environment, audit } = (await command.json('run.json')) as {
    environment: { user_namespace: boolean }
    audit: { tcp: Record<string, string> }
  }
  assert.equal(environment.user_namespace, true)
  assert.match(audit.tcp['link.scheduling'] ?? '', /^SCHED_/)
}

describe('a run without root', { skip: skipReason() }, () => {
  it('measures all six stacks, and every file belongs to the user', async () => {
    await using user = await nobody()
    const { command, options } = user
    const file = await smallQuickstart(command, '1 s')
    command.start(['run', file, '--out', command.out, '--json'], options)
    const namespaces = await inTheMiddle(command)
    const userNamespace = userNamespaceOf(command.pid)
    const { code, stderr } = await command.ended(180)
    assert.equal(code, 0, stderr)
    const rows = await command.rows()
    const outcomes = rows.filter(({ metric }) => metric === 'outcome')
    assert.equal(new Set(outcomes.map(({ stack }) => stack)).size, 6)
    assert.deepEqual(
      outcomes.filter(({ outcome }) => outcome === 'failed').map(({ warnings }) => warnings),
      [],
    )
    const delivered = rows.filter(({ metric }) => metric === 'delivery.ratio')
    assert.equal(delivered.length, outcomes.length)
    for (const { stack, value } of delivered) assert.ok((value ?? 0) > 0.9, `${stack}: ${value}`)
    const owners = await ownersIn(command.out)
    assert.deepEqual(owners, [`${NOBODY}:${NOBODY}`])
    assert.ok(command.has('report.html'))
    await recorded(command)
    await command.nothingLeft(namespaces)
    assert.deepEqual(command.lockFiles(), [])
    await isGone(userNamespace)
  })

  it('is ended in order by Ctrl-C', async () => {
    await using user = await nobody()
    const { command, options } = user
    const file = await smallQuickstart(command, '5 s')
    command.start(['run', file, '--out', command.out, '--json', '--only', 'mqtt-tls'], options)
    const namespaces = await inTheMiddle(command)
    command.signalGroup('SIGINT')
    const { code, stderr } = await command.ended(15)
    assert.equal(code, 3, stderr)
    assert.match(stderr, /Interrupted by SIGINT/)
    assert.equal((await command.json('run.json')).ended, 'interrupted')
    await command.nothingLeft(namespaces)
  })

  it('leaves nothing that lives after kill -9, and the next one deletes the rest', async () => {
    await using user = await nobody()
    const { command, options } = user
    const file = await smallQuickstart(command, '5 s')
    command.start(['run', file, '--out', command.out, '--json', '--only', 'xmpp-tls'], options)
    const namespaces = await inTheMiddle(command)
    const userNamespace = userNamespaceOf(command.pid)
    process.kill(command.pid, 'SIGKILL')
    await command.ended(5)
    await command.nothingAlive(namespaces)
    await isGone(userNamespace)
    const { code, stderr } = await command.run(['run', '--resume', command.out], options)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /cleaned up after a run that was killed/)
    assert.deepEqual(command.left(namespaces), [])
  })

  it('passes wrong usage on, without a namespace', async () => {
    await using user = await nobody('600')
    const { command, options } = user
    const file = await smallQuickstart(command, '1 s')
    const { code, stderr } = await command.run(['run', file, '--only', 'foo'], options)
    assert.equal(code, 2)
    assert.match(stderr, /--only foo/)
  })
})

describe('where user namespaces are forbidden', { skip: skipReason() }, () => {
  it('run and doctor name the setting, with what mends it', async () => {
    await using user = await nobody()
    const { command, options } = user
    const before = [...(options.before ?? []), ...WITHOUT_NAMESPACES]
    const file = await smallQuickstart(command, '1 s')
    const words = ['run', file, '--out', command.out]
    const run = await command.run(words, { ...options, before })
    assert.equal(run.code, 1)
    assert.match(
      run.stderr,
      /user\.max_user_namespaces = 0\)\. Type: sudo sysctl -w user\.max_user/,
    )
    const doctor = await command.run(['doctor'], { ...options, before })
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /MISSING +link.*max_user_namespaces = 0\)\n +-> sudo sysctl -w/)
  })
})

describe('where a TUN device is forbidden', { skip: skipReason() }, () => {
  it('run and doctor say so, with what mends it', async () => {
    await using user = await nobody('600')
    const { command, options } = user
    const file = await smallQuickstart(command, '1 s')
    const run = await command.run(['run', file, '--out', command.out], options)
    assert.equal(run.code, 1)
    assert.match(run.stderr, /may not open \/dev\/net\/tun\. Type: sudo chmod 666 \/dev\/net\/tun/)
    assert.equal(command.has('run.json'), false)
    const doctor = await command.run(['doctor'], options)
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /MISSING +link.*may not open \/dev\/net\/tun\n +-> sudo chmod 666/)
  })

  it('doctor finds nothing missing where it is allowed', async () => {
    await using user = await nobody()
    const { command, options } = user
    const { code, stdout } = await command.run(['doctor'], options)
    assert.equal(code, 0, stdout)
    assert.match(stdout, /ok +link .*a TUN device in a user namespace works/)
  })

  it('calibrate measures a link in a user namespace', async () => {
    await using user = await nobody()
    const { command, options } = user
    command.start(['calibrate', 'lan', '--quick', '--json'], options)
    const { code, stdout, stderr } = await command.ended(90)
    // What is off depends on who else uses this machine.
    assert.ok(code === 0 || stderr.includes('Not what was asked'), stderr)
    assert.ok((JSON.parse(stdout) as { rows: unknown[] }).rows.length > 5)
  })
})
