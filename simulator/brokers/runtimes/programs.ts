/** Where a product's programs are: this machine, or the image of a container. */
import { readFile } from 'node:fs/promises'
import { askProgram, findProgram } from './find-program.ts'

export interface Programs {
  /** The file of the program, or null when there is none. */
  find(name: string): Promise<string | null>
  /** What the program prints on both outputs, whatever its exit status; null when it is not installed. */
  ask(name: string, args: readonly string[]): Promise<string | null>
  /** The text of a file. */
  read(file: string): Promise<string>
}

export const HERE: Programs = {
  find: findProgram,
  ask: askProgram,
  read: (file) => readFile(file, 'utf8'),
}
