import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineDescription } from '../brokers/runtimes/container/describe-engine.ts'
import { FakeEngine } from '../brokers/runtimes/container/fake-engine.cases.ts'
import { containerEngine, engineFinding } from './engine-finding.ts'

const DOCKER: EngineDescription = {
  name: 'Docker',
  version: '20.10',
  rootless: false,
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
  const rootless = engineFinding({ ...DOCKER, name: 'Podman', rootless: true }, true)
  assert.match(rootless.detail, /^Podman 20\.10, rootless: .*belong to a user/)
  assert.match(rootless.remedy ?? '', /DOCKER_HOST/)
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
