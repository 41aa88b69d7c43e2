/** What the kernel's error numbers mean for a connection. */
import { constants } from 'node:os'
import { getSystemErrorMessage } from 'node:util'
import type { Cause, CauseCode } from '../core/layer.ts'
import { errnoName } from '../native/libc.ts'

const CODES = new Map<number, CauseCode>([
  [constants.errno.ECONNREFUSED, 'refused'],
  [constants.errno.ECONNRESET, 'reset'],
  [constants.errno.EPIPE, 'reset'],
  [constants.errno.ECONNABORTED, 'reset'],
  [constants.errno.ETIMEDOUT, 'timeout'],
  [constants.errno.EMFILE, 'limit'],
  [constants.errno.ENFILE, 'limit'],
  [constants.errno.ENOBUFS, 'limit'],
  [constants.errno.ENOMEM, 'limit'],
  [constants.errno.EADDRNOTAVAIL, 'limit'],
  [constants.errno.EADDRINUSE, 'limit'],
  [constants.errno.EMSGSIZE, 'limit'],
])

/** What is not in the table is a path that does not work: no route, network down, refused by a filter. */
export const causeOf = (error: number, attempted: string): Cause => ({
  code: CODES.get(error) ?? 'unreachable',
  detail: `${attempted}: ${errnoName(error)} (${getSystemErrorMessage(-error)})`,
})

/** FIN from the peer. */
export const PEER_CLOSED: Cause = { code: 'closed', detail: 'the peer closed the connection' }

/** What Node's sockets say of the same error numbers, which they carry as negative `errno`. */
export const causeOfNodeError = (
  { errno, message }: { readonly errno?: number | undefined; readonly message: string },
  attempted: string,
): Cause =>
  errno === undefined
    ? { code: 'reset', detail: `${attempted}: ${message}` }
    : causeOf(-errno, attempted)
