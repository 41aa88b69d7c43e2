import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs' // prettier-ignore
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { entriesOf, ROOT_OWNER, tar } from './tar.ts'

const root = mkdtempSync(join(tmpdir(), 'thingbench-tar-'))
after(() => rmSync(root, { recursive: true }))

test("what this archives, the system's tar gives back: names, contents and permissions", async () => {
  const [from, to] = [join(root, 'from'), join(root, 'to')]
  const long = `${'folder-with-a-long-name/'.repeat(5)}file-with-a-long-name`
  const files: Readonly<Record<string, string>> = {
    empty: '',
    short: 'x',
    block: 'b'.repeat(512),
    more: 'm'.repeat(513),
    'päth/ä.txt': 'ä\n',
    [long]: 'deep',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(from, name, '..'), { recursive: true })
    writeFileSync(join(from, name), text)
  }
  chmodSync(join(from, 'short'), 0o600)
  mkdirSync(join(from, 'nothing'), { mode: 0o700 })
  mkdirSync(to)
  const input = tar(await entriesOf(from, 'inner/'), ROOT_OWNER)
  const { status, stderr } = spawnSync('tar', ['-xp', '-C', to], { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  for (const [name, text] of Object.entries(files))
    assert.equal(readFileSync(join(to, 'inner', name), 'utf8'), text, name)
  const modeOf = (name: string): number => statSync(join(to, 'inner', name)).mode & 0o777
  assert.equal(modeOf('short'), 0o600)
  assert.equal(modeOf('nothing'), 0o700)
})

test('a path that the format cannot hold is an error, not another path', () => {
  const one = (path: string) => tar([{ mode: 0o600, content: new Uint8Array(), path }], ROOT_OWNER)
  assert.throws(() => one('x'.repeat(101)), /too long/)
  assert.throws(() => one(`${'x'.repeat(156)}/x`), /too long/)
  assert.equal(one('x'.repeat(100)).length, 3 * 512)
})

test('all entries belong to the owner, with the permissions that they have', () => {
  const content = new Uint8Array()
  const entries = [
    { path: 'folder', mode: 0o700, content: null },
    { path: 'folder/key', mode: 0o600, content },
  ]
  const input = tar(entries, { uid: 1000, gid: 1001 })
  const list = ['-tv', '--numeric-owner']
  const { stdout } = spawnSync('tar', list, { input, encoding: 'utf8' })
  assert.match(
    stdout,
    /^drwx------ 1000\/1001 .* folder\/?\n-rw------- 1000\/1001 .* folder\/key\n$/,
  )
})
