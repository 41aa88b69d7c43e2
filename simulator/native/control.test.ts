import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { enterNamespace } from './control.ts'

const control = new URL('./control.ts', import.meta.url).href

type Child = ChildProcessByStdio<Writable, Readable, null>
const start = (program: string): Child =>
  spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })

/** A child that answers each order with itself, and exits with 7 when the runner is gone. */
const echo = `
  import { ControlChannel } from '${control}'
  const channel = new ControlChannel()
  const pause = new Int32Array(new SharedArrayBuffer(4))
  channel.send({ event: 'ready' })
  while (!channel.closed) {
    for (const order of channel.orders()) channel.send(order)
    Atomics.wait(pause, 0, 0, 1)
  }
  process.exit(7)
`

test('Orders and events of several megabytes cross whole, in order, and cut anywhere.', async () => {
  const child = start(echo)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string)
  assert.deepEqual(await next(), { event: 'ready' })
  const orders = [{ text: 'ä€😀'.repeat(300_000) }, { order: 'stop' }, [1, null]]
  const wire = Buffer.from(orders.map((order) => `${JSON.stringify(order)}\n`).join(''))
  // The second cut falls into the middle of a character.
  for (const [from, to] of [
    [0, 5],
    [5, 12],
    [12, wire.length - 3],
    [wire.length - 3, wire.length],
  ])
    child.stdin.write(wire.subarray(from, to))
  for (const order of orders) assert.deepEqual(await next(), order)
  child.stdin.end()
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 7)
})

test('A child dies with the process that started it.', async () => {
  const child = `import { becomeChild } from '${control}'
    becomeChild({ cpu: null, timerSlack: 1 })
    console.log(process.pid)
    setInterval(() => {}, 1000)`
  const parent = start(`
    import { spawn } from 'node:child_process'
    const args = ['--input-type=module', '-e', ${JSON.stringify(child)}]
    spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] })
    setInterval(() => {}, 1000)
  `)
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  assert.ok(running(pid))
  parent.kill('SIGKILL')
  for (let i = 0; i < 200 && running(pid); i++) await new Promise((done) => setTimeout(done, 10))
  assert.ok(!running(pid))
})

/** Exists and is no zombie that waits for its new parent. */
const running = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test('A placed child stays on its processor with all its threads.', async () => {
  const allowed = /Cpus_allowed_list:\t(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  const cpu = Number(allowed?.[1])
  const child = start(`
    import { readFileSync, readdirSync } from 'node:fs'
    import { becomeChild } from '${control}'
    becomeChild({ cpu: ${cpu}, timerSlack: 1 })
    const status = (thread) => readFileSync('/proc/self/task/' + thread + '/status', 'utf8')
    const list = (thread) => /Cpus_allowed_list:\\t(.*)/.exec(status(thread))[1]
    console.log(JSON.stringify([...new Set(readdirSync('/proc/self/task').map(list))]))
    console.log(readFileSync('/proc/self/timerslack_ns', 'utf8').trim())
    process.exit(0)
  `)
  let output = ''
  for await (const part of child.stdout) output += String(part)
  assert.equal(output, `["${cpu}"]\n1\n`)
})

test('A line that is not JSON, and a namespace that is not there, are said.', async () => {
  const child = start(`
    import { ControlChannel } from '${control}'
    const channel = new ControlChannel()
    const pause = new Int32Array(new SharedArrayBuffer(4))
    try {
      for (;;) { channel.orders(); Atomics.wait(pause, 0, 0, 1) }
    } catch (error) {
      channel.send(error.name)
    }
    process.exit(0)
  `)
  child.stdin.write('{"order":\n')
  let output = ''
  for await (const part of child.stdout) output += String(part)
  assert.equal(output, '"SyntaxError"\n')
  assert.throws(() => enterNamespace('/run/netns/there-is-no-such'), {
    code: 'TB_SYSTEM_CALL',
    message: /^open \/run\/netns\/there-is-no-such failed: ENOENT/,
  })
})
