/** What the kernel says of a TCP socket that Node has. */
import type { Socket } from 'node:net'
import type { TcpFound } from '../core/tcp.ts'
import { Sockets } from './sockets.ts'
import { foundTcp } from './tcp-options.ts'

/** Node has no getsockopt, but tells the descriptor to its own modules. Null when it does not. */
export const tcpOfNode = (socket: Socket): TcpFound | null => {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd ?? -1
  return fd < 0 ? null : foundTcp(new Sockets(), fd)
}
