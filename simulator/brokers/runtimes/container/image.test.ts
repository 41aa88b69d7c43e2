import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emqx } from '../../emqx.ts'
import { mosquitto } from '../../mosquitto.ts'
import { LogRing } from '../log-ring.ts'
import { Containers } from './containers.ts'
import { notAnswering } from './engine.ts'
import { FakeEngine } from './fake-engine.cases.ts'
import { buildRemedy, followBuild } from './image.ts'
import { removeContainers } from './leftovers.ts'

const { signal } = new AbortController()
// Of whoever runs these tests.
delete process.env.EMQX_IMAGE

test('an image is built once, step by step, and again when its folder has changed', async () => {
  await using engine = await FakeEngine.start()
  const said: string[] = []
  const prepare = async (): Promise<void> =>
    (await Containers.open()).prepare([mosquitto], (line) => said.push(line), signal)
  await prepare()
  assert.equal(said.length, 2)
  assert.match(said[0] ?? '', /^building the image thingbench-mosquitto from .*docker\/mosquitto$/)
  assert.equal(said[1], 'thingbench-mosquitto: Step 1/1 : FROM debian')
  await prepare()
  assert.equal(engine.builds, 1)
  engine.images.set('thingbench-mosquitto', 'another source')
  await prepare()
  assert.equal(engine.builds, 2)
})

test('a build that fails says why, what to do, and its last lines', async () => {
  await using engine = await FakeEngine.start()
  engine.buildLines = [
    { stream: 'Step 1/3 : FROM debian:bookworm-slim\n' },
    { error: 'pull access denied for debian' },
  ]
  const containers = await Containers.open()
  await assert.rejects(
    containers.prepare([mosquitto], () => {}, signal),
    {
      code: 'TB_IMAGE_BUILD',
      message: /: pull access denied for debian\. The base image [^]*\nStep 1\/3 : FROM debian/,
    },
  )
})

test('an image of the makers is fetched once, with its layers, and taken as it is when it is here', async () => {
  await using engine = await FakeEngine.start()
  const said: string[] = []
  const prepare = async (): Promise<void> =>
    (await Containers.open()).prepare([emqx], (line) => said.push(line), signal)
  await prepare()
  const name = 'emqx/emqx:5.8.8'
  assert.deepEqual(said, [
    `fetching the image ${name}`,
    `${name}: Pulling from emqx/emqx 5.8.8`,
    `${name}: Pull complete abc`,
  ])
  await prepare()
  assert.deepEqual([engine.pulls, engine.builds], [1, 0])
})

test('an image that cannot be fetched is told in the words of the engine, with what to do', async () => {
  await using engine = await FakeEngine.start()
  const prepare = async (aborting = signal): Promise<void> =>
    (await Containers.open()).prepare([emqx], () => {}, aborting)
  const told = (reason: RegExp) => ({
    code: 'TB_IMAGE_PULL',
    message: new RegExp(
      `^The image emqx/emqx:5\\.8\\.8 is not here.*: ${reason.source}\\. .*docker save.*EMQX_IMAGE\\.$`,
    ),
  })
  engine.pullLines = [{ status: 'Pulling from emqx/emqx', id: '5.8.8' }, { error: 'manifest unknown' }] // prettier-ignore
  await assert.rejects(prepare(), told(/manifest unknown/))
  engine.pullLines = []
  await assert.rejects(prepare(), told(/the engine knows no such image afterwards/))
  engine.refusals.set('POST images', { status: 500, message: 'dial tcp: connection refused' })
  await assert.rejects(prepare(), told(/dial tcp: connection refused/))
  await assert.rejects(prepare(AbortSignal.abort()), { name: 'AbortError' })
})

test("the engine's answer is read however it is cut", async () => {
  const text = `${JSON.stringify({ stream: 'Step 1/2 : ä\n' })}\r\n${JSON.stringify({ stream: 'x' })}\r\n${JSON.stringify({ error: 'no' })}\r\n`
  const bytes = Buffer.from(text)
  for (const size of [1, 7, bytes.length]) {
    const steps: string[] = []
    const log = new LogRing()
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    assert.equal(await followBuild(chunks(), log, (step) => steps.push(step)), 'no')
    assert.deepEqual(steps, ['Step 1/2 : ä'])
    assert.equal(log.last(), 'Step 1/2 : ä\nxno')
  }
})

test('each failure of a build has its own advice', () => {
  assert.match(buildRemedy('Get "https://registry-1.docker.io/v2/": dial tcp'), /docker pull/)
  assert.match(buildRemedy('certificate verify failed'), /EXTRA_CA/)
  assert.match(buildRemedy('write /x: no space left on device'), /system prune/)
  assert.match(buildRemedy('exit status 100'), /http_proxy/)
})

test('no engine, one that has ended and one that is not for us have each a remedy', async () => {
  const before = process.env.DOCKER_HOST
  process.env.DOCKER_HOST = 'unix:///nowhere/engine.sock'
  try {
    await assert.rejects(Containers.open(), {
      code: 'TB_ENGINE_SILENT',
      message: /at unix:\/\/\/nowhere\/engine\.sock: connect ENOENT .*docker\.io/,
    })
    const { removed, problem } = await removeContainers(['thingbench-x'])
    assert.deepEqual(removed, [])
    assert.match(problem ?? '', /ENOENT/)
    assert.deepEqual(await removeContainers([]), { removed: [], problem: null })
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = before
  }
  const failed = (code: string): string => notAnswering(Object.assign(new Error('x'), { code })).remedy // prettier-ignore
  assert.match(failed('ECONNREFUSED'), /systemctl start docker/)
  assert.match(failed('EACCES'), /sudo/)
  assert.match(failed('ETIMEDOUT'), /docker version/)
})
