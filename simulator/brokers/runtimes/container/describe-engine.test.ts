import assert from 'node:assert/strict'
import { release } from 'node:os'
import { test } from 'node:test'
import { Containers } from './containers.ts'
import { engineWords } from './describe-engine.ts'
import { probeEngine } from './engine.ts'
import { FakeEngine } from './fake-engine.cases.ts'

const describe = async (): Promise<string> => {
  const probe = await probeEngine()
  assert.ok(probe.ok)
  return engineWords(probe.about)
}

/** As Docker Desktop and Podman (of a user, it has an option of its own) answer, as far as it matters here. */
const DESKTOP = {
  version: {
    Platform: { Name: 'Docker Desktop 4.41.2 (191736)' },
    Components: [
      { Name: 'Engine', Version: '28.1.1' },
      { Name: 'containerd', Version: '1.7.27' },
    ],
    Version: '28.1.1',
    Os: 'linux',
    KernelVersion: '6.10.14-linuxkit',
  },
  info: {
    Name: 'docker-desktop',
    OperatingSystem: 'Docker Desktop',
    OSType: 'linux',
    KernelVersion: '6.10.14-linuxkit',
    SecurityOptions: ['name=seccomp,profile=unconfined', 'name=cgroupns'],
  },
}
const PODMAN = {
  version: { Version: '4.3.1', Components: [{ Name: 'Podman Engine', Version: '4.3.1' }] },
  info: { OperatingSystem: 'debian', SecurityOptions: ['name=seccomp'], Rootless: true },
}

test('Docker, Docker Desktop, Podman and engines of users are told apart', async () => {
  await using engine = await FakeEngine.start()
  assert.equal(await describe(), 'Docker 1.0')
  Object.assign(engine, DESKTOP)
  assert.equal(await describe(), 'Docker Desktop 28.1.1')
  Object.assign(engine, PODMAN)
  assert.equal(await describe(), 'Podman 4.3.1, rootless')
  engine.info = { SecurityOptions: null }
  engine.version = {}
  assert.equal(await describe(), 'Docker 1.0')
})

test('an engine of a user tells what it can limit, whatever it says of control groups that belong to root', async () => {
  await using engine = await FakeEngine.start()
  const limits = async (info: object): Promise<boolean[]> => {
    engine.info = info
    const probe = await probeEngine()
    assert.ok(probe.ok)
    return [probe.about.rootless, probe.about.limits.memory, probe.about.limits.cpu]
  }
  const all = { MemoryLimit: true, CpuCfsQuota: true }
  assert.deepEqual(await limits({ ...all, CgroupVersion: '1' }), [false, true, true])
  assert.deepEqual(await limits({ ...all, CgroupVersion: '1', Rootless: true }), [
    true,
    false,
    false,
  ])
  assert.deepEqual(await limits({ ...all, CgroupVersion: '2', Rootless: true }), [true, true, true])
  const docker = { ...all, CpuCfsQuota: false, SecurityOptions: ['name=rootless'] }
  assert.deepEqual(await limits({ ...docker, CgroupVersion: '2' }), [true, true, false])
})

test('an engine whose containers are elsewhere is refused before anything is built', async () => {
  await using engine = await FakeEngine.start()
  Object.assign(engine, DESKTOP)
  await assert.rejects(Containers.open(), {
    code: 'TB_ENGINE_ELSEWHERE',
    message:
      /\(Docker Desktop 28\.1\.1\) runs its containers elsewhere \(kernel 6\.10\.14-linuxkit; .* docker-compose run --rm bench run SCENARIO/,
  })
  assert.equal(engine.builds, 0)
})

test('Docker Desktop is elsewhere on Windows as well, where it has the kernel of this machine', async () => {
  await using engine = await FakeEngine.start()
  engine.info = { ...DESKTOP.info, KernelVersion: release() }
  await assert.rejects(Containers.open(), { code: 'TB_ENGINE_ELSEWHERE' })
})
