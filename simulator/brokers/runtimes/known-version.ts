/** Whether a server's version is one whose configuration and defaults are known. */
import { ThingbenchError } from '../../core/errors.ts'
import type { ServerProgram } from '../broker.ts'
import { inRange } from '../versions.ts'

/**
 * @param program where it was found: a file, or an image
 * @throws ThingbenchError TB_BROKER_VERSION
 */
export const expectKnownVersion = (
  { title, versions }: ServerProgram,
  found: string,
  program: string,
): void => {
  if (versions !== null && !inRange(found, versions))
    throw new ThingbenchError('TB_BROKER_VERSION', { title, found, program, ...versions })
}
