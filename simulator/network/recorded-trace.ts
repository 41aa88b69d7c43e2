import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseDeliveryTrace } from '../core/delivery-trace.ts'
import { ThingbenchError } from '../core/errors.ts'
import type { DeliveryTrace } from '../core/link-profile.ts'

/** The opportunities of a trace. Throws TB_TRACE_CHANGED where the file is not the one that was read with the scenario. */
export const readTrace = ({ file, digest }: DeliveryTrace): Uint32Array => {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new ThingbenchError('TB_TRACE_CHANGED', { file, found: String(error) })
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== digest)
    throw new ThingbenchError('TB_TRACE_CHANGED', {
      file,
      found: `its SHA-256 was ${digest} and is ${found}`,
    })
  return parseDeliveryTrace(Buffer.from(bytes).toString('latin1'))
}
