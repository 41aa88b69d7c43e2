import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineDescription } from '../brokers/runtimes/container/describe-engine.ts'
import { FakeEngine } from '../brokers/runtimes/container/fake-engine.cases.ts'
import { containerEngine, engineFinding } from './engine-finding.ts'

const DOCKER: EngineDescription = {
  name: 'Docker',
  version: '20.10',
  rootless: false,
  limits: { memory: true, cpu: true },
  elsewhere: null,
}

test('the doctor says of each engine what works', () => {
  assert.deepEqual(engineFinding(DOCKER, true), {
    what: 'container engine',
    state: 'ok',
    detail: 'Docker 20.10',
    remedy: null,
  })
  const user = engineFinding(DOCKER, false)
  assert.deepEqual([user.state, user.detail], ['note', 'Docker 20.10: containers need root'])
  assert.match(user.remedy ?? '', /^sudo /)
  const rootless = engineFinding({ ...DOCKER, rootless: true }, true)
  assert.deepEqual([rootless.state, rootless.detail], ['ok', 'Docker 20.10, rootless'])
  const none = { ...DOCKER, rootless: true, limits: { memory: false, cpu: false } }
  const unlimited = engineFinding(none, true)
  assert.equal(unlimited.state, 'note')
  assert.match(unlimited.detail, /^Docker 20\.10, rootless: works, but .* limit memory and cpu: /)
  assert.match(unlimited.remedy ?? '', /root's engine: sudo DOCKER_HOST=/)
  const kernel = engineFinding({ ...DOCKER, limits: { memory: false, cpu: true } }, true)
  assert.match(kernel.detail, /^Docker 20\.10: works, but .* limit memory: /)
  assert.match(kernel.remedy ?? '', /docker info/)
  const far = { ...DOCKER, name: 'Docker Desktop', elsewhere: '6.10-linuxkit' } as const
  const desktop = engineFinding(far, true)
  assert.match(desktop.detail, /^Docker Desktop 20\.10: .*elsewhere \(kernel 6\.10-linuxkit; /)
  assert.match(desktop.remedy ?? '', /^docker-compose run --rm bench run /)
})

test('the doctor asks the engine that answers, and says when none does', async () => {
  {
    await using engine = await FakeEngine.start()
    engine.version = { Version: '9' }
    assert.equal((await containerEngine(true)).detail, 'Docker 9')
  }
  const before = process.env.DOCKER_HOST
  process.env.DOCKER_HOST = 'unix:///nowhere/engine.sock'
  try {
    const { state, detail } = await containerEngine(true)
    assert.equal(state, 'note')
    assert.match(detail, /^none answers at unix:\/\/\/nowhere\/engine\.sock: /)
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = before
  }
})

test('who asks the engine that DOCKER_HOST names goes on asking it as root', async () => {
  await using engine = await FakeEngine.start()
  const { remedy } = await containerEngine(false)
  assert.match(remedy ?? '', /^sudo DOCKER_HOST=unix:\/\/.*engine\.sock \.\/thingbench run /)
  assert.equal(engine.builds, 0)
})
