/** The path of a delivery trace: read and checked, so that a broken file is told before a run and not in it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { DeliveryTraceError, parseDeliveryTrace } from '../core/delivery-trace.ts'
import type { DeliveryTrace } from '../core/link-profile.ts'
import { refined, type Rule } from './rule.ts'
import { text } from './scalars.ts'

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'which is not there'
  return code === 'EISDIR' ? 'which is a folder' : `which cannot be read (${message})`
}

/** `folder`: from where relative paths count. */
export const deliveryTrace = (folder: string): Rule<DeliveryTrace> =>
  refined(text('the path of a file'), (path, node, where, problems) => {
    const file = resolve(folder, path)
    let bytes: Uint8Array
    try {
      bytes = readFileSync(file)
    } catch (error) {
      problems.add(node, where, {
        found: `the file "${path}", ${reasonOf(error)}`,
        allowed: 'the path of a trace, seen from the folder of this file',
      })
      return undefined
    }
    try {
      parseDeliveryTrace(Buffer.from(bytes).toString('latin1'))
      return { file, digest: createHash('sha256').update(bytes).digest('hex') }
    } catch (error) {
      if (!(error instanceof DeliveryTraceError)) throw error
      problems.add(node, where, {
        found: `a broken trace, "${path}", ${error.message}`,
        allowed:
          'one whole number in each line, the millisecond at which a packet may leave, never falling',
      })
      return undefined
    }
  })
