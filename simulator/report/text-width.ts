/** How wide DejaVu Sans draws a text: read from the font itself, because Vega without a canvas can only guess. */
import { readFile } from 'node:fs/promises'

/** Pixels that `text` takes at `size` pixels per em. */
export type TextWidth = (text: string, size: number) => number

const tablesOf = (font: DataView): Map<string, number> => {
  const tables = new Map<string, number>()
  for (let i = 0; i < font.getUint16(4); i++) {
    const entry = 12 + 16 * i
    const tag = String.fromCharCode(...[0, 1, 2, 3].map((at) => font.getUint8(entry + at)))
    tables.set(tag, font.getUint32(entry + 8))
  }
  return tables
}

/** The `cmap` subtable of format 4 (OpenType 1.9, cmap): character -> glyph. */
const glyphsOf = (font: DataView, cmap: number): ((character: number) => number) => {
  const subtables = Array.from({ length: font.getUint16(cmap + 2) }, (_, i) => ({
    platform: font.getUint16(cmap + 4 + 8 * i),
    at: cmap + font.getUint32(cmap + 8 + 8 * i),
  }))
  const table = subtables.find(({ platform, at }) => platform === 3 && font.getUint16(at) === 4)
  if (!table) throw new RangeError('the font has no Unicode character map of format 4')
  const doubled = font.getUint16(table.at + 6)
  const ends = table.at + 14
  const starts = ends + doubled + 2
  const deltas = starts + doubled
  const offsets = deltas + doubled
  return (character) => {
    for (let i = 0; i < doubled; i += 2) {
      if (character > font.getUint16(ends + i)) continue
      const start = font.getUint16(starts + i)
      if (character < start) return 0
      const offset = font.getUint16(offsets + i)
      const delta = font.getUint16(deltas + i)
      if (offset === 0) return (character + delta) & 0xffff
      const glyph = font.getUint16(offsets + i + offset + 2 * (character - start))
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff
    }
    return 0
  }
}

/** Advance widths from `hmtx`; kerning is left out, as resvg's and browsers' is below a pixel here. */
export const readTextWidth = async (file: string): Promise<TextWidth> => {
  const bytes = await readFile(file)
  const font = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tables = tablesOf(font)
  const at = (tag: string): number => tables.get(tag) ?? 0
  const unitsPerEm = font.getUint16(at('head') + 18)
  const metrics = font.getUint16(at('hhea') + 34)
  const glyphOf = glyphsOf(font, at('cmap'))
  const known = new Map<string, number>()
  const advance = (character: string): number => {
    const found = known.get(character)
    if (found !== undefined) return found
    const glyph = glyphOf(character.codePointAt(0) ?? 0)
    const width = font.getUint16(at('hmtx') + 4 * Math.min(glyph, metrics - 1)) / unitsPerEm
    known.set(character, width)
    return width
  }
  return (text, size) => {
    let width = 0
    for (const character of text) width += advance(character)
    return width * size
  }
}
