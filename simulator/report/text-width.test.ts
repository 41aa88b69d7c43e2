import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { readTextWidth } from './text-width.ts'

const fonts = join(
  dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
  'ttf',
)

test('knows the advance widths of DejaVu Sans', async () => {
  // From the font's own metrics, in units of 1/2048 em: i 569, M 1767, space 651, ≥ 1716.
  const width = await readTextWidth(join(fonts, 'DejaVuSans.ttf'))
  assert.equal(width('i', 2048), 569)
  assert.equal(width('M', 2048), 1767)
  assert.equal(width(' ', 2048), 651)
  assert.equal(width('≥', 2048), 1716)
  assert.equal(width('Mi', 1024), (569 + 1767) / 2)
  assert.equal(width('', 12), 0)
})

test('bold letters are wider', async () => {
  const plain = await readTextWidth(join(fonts, 'DejaVuSans.ttf'))
  const bold = await readTextWidth(join(fonts, 'DejaVuSans-Bold.ttf'))
  assert.ok(bold('mqtt-tls', 12) > plain('mqtt-tls', 12))
})
