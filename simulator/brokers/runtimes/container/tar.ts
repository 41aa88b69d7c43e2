/** Archives in the ustar format (POSIX.1-1988, pax(1)), in which an engine takes files: 512-byte headers, contents padded to 512 bytes. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** User and group, by number. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

export const ROOT_OWNER: Owner = { uid: 0, gid: 0 }

export interface TarEntry {
  /** Relative, with slashes, as the archive is to name it. */
  readonly path: string
  /** Permissions. */
  readonly mode: number
  /** Null: a folder. */
  readonly content: Uint8Array | null
}

const BLOCK = 512
/** Lengths of the fields `name` and `prefix`, which are joined by a slash. */
const NAME = 100
const PREFIX = 155
const CHECKSUM = 148
const CHECKSUM_LENGTH = 8
const FILE = '0'
const FOLDER = '5'

/** Splits a path that is too long for `name` at the first slash behind which the rest fits. */
const split = (path: string): { readonly prefix: string; readonly name: string } => {
  const fits = (text: string, length: number): boolean => Buffer.byteLength(text) <= length
  if (fits(path, NAME)) return { prefix: '', name: path }
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (name !== '' && fits(name, NAME) && fits(prefix, PREFIX)) return { prefix, name }
  }
  throw new Error(`${path} is too long for an archive`)
}

const octal = (value: number, length: number): string =>
  `${value.toString(8).padStart(length - 1, '0')}\0`

const header = ({ path, mode, content }: TarEntry, { uid, gid }: Owner): Buffer => {
  const { prefix, name } = split(path)
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0)
  // The time is that of the epoch, so that equal files make equal archives.
  block.write(octal(mode, 8) + octal(uid, 8) + octal(gid, 8), NAME)
  block.write(octal(content?.length ?? 0, 12) + octal(0, 12), 124)
  block.write(content === null ? FOLDER : FILE, 156)
  block.write('ustar\u000000', 257)
  block.write(prefix, 345)
  // The sum of all bytes, with spaces in its own place.
  block.fill(' ', CHECKSUM, CHECKSUM + CHECKSUM_LENGTH)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM)
  return block
}

/**
 * @param owner of all entries
 * @throws Error for a path that is too long for the format
 */
export const tar = (entries: readonly TarEntry[], owner: Owner): Buffer => {
  const parts: Uint8Array[] = []
  for (const entry of entries) {
    parts.push(header(entry, owner))
    if (entry.content === null) continue
    const over = entry.content.length % BLOCK
    parts.push(entry.content, Buffer.alloc(over === 0 ? 0 : BLOCK - over))
  }
  // Two empty blocks end it.
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

/** All files and folders below `folder`, in order of their names, with their permissions. */
export const entriesOf = async (folder: string, prefix = ''): Promise<TarEntry[]> => {
  const entries: TarEntry[] = []
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name)
    const path = `${prefix}${name}`
    const found = await stat(file)
    const content = found.isDirectory() ? null : await readFile(file)
    entries.push({ path, mode: found.mode & 0o777, content })
    if (content === null) entries.push(...(await entriesOf(file, `${path}/`)))
  }
  return entries
}
