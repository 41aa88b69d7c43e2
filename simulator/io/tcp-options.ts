/** TCP of one socket: what is asked of the kernel (tcp(7)), and what it says it has. */
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { TcpFound } from '../core/tcp.ts'
import * as linux from '../native/linux.ts'
import type { StreamOptions } from './reactor.ts'
import type { Sockets } from './sockets.ts'

const { IPPROTO_TCP, SOL_SOCKET } = linux

/** Before the socket connects. */
export const askTcp = (sockets: Sockets, fd: number, options: StreamOptions): void => {
  const { noDelay = true, keepalive = null, userTimeout = null, notsentLowat = null } = options
  if (noDelay) sockets.option(fd, IPPROTO_TCP, linux.TCP_NODELAY, 1)
  if (keepalive !== null) {
    const seconds = Math.max(1, Math.ceil(keepalive / SECOND))
    sockets.option(fd, SOL_SOCKET, linux.SO_KEEPALIVE, 1)
    sockets.option(fd, IPPROTO_TCP, linux.TCP_KEEPIDLE, seconds)
    sockets.option(fd, IPPROTO_TCP, linux.TCP_KEEPINTVL, seconds)
  }
  if (userTimeout !== null) {
    // 0 would mean the kernel's own.
    const milliseconds = Math.max(1, Math.round(userTimeout / MILLISECOND))
    sockets.option(fd, IPPROTO_TCP, linux.TCP_USER_TIMEOUT, milliseconds)
  }
  if (notsentLowat !== null) sockets.option(fd, IPPROTO_TCP, linux.TCP_NOTSENT_LOWAT, notsentLowat)
}

/** Of a connection that stands and has sent nothing yet. */
export const foundTcp = (sockets: Sockets, fd: number): TcpFound => {
  const number = (level: number, name: number): number =>
    sockets.readOption(fd, level, name, 4).getInt32(0, true)
  const probes = number(SOL_SOCKET, linux.SO_KEEPALIVE) !== 0
  const idle = number(IPPROTO_TCP, linux.TCP_KEEPIDLE) * SECOND
  const timeout = number(IPPROTO_TCP, linux.TCP_USER_TIMEOUT) * MILLISECOND
  const unsent = number(IPPROTO_TCP, linux.TCP_NOTSENT_LOWAT)
  const nodelay = number(IPPROTO_TCP, linux.TCP_NODELAY) !== 0
  const name = sockets.readOption(fd, IPPROTO_TCP, linux.TCP_CONGESTION, linux.TCP_CA_NAME_MAX)
  const congestion = new TextDecoder()
    .decode(new Uint8Array(name.buffer, name.byteOffset, name.byteLength))
    .replace(/\0.*$/s, '')
  const info = sockets.readOption(fd, IPPROTO_TCP, linux.TCP_INFO, linux.TCP_INFO_SIZE)
  return {
    nodelay,
    congestion,
    initialWindow: info.getUint32(linux.TCPI_SND_CWND, true),
    keepalive: probes ? idle : null,
    userTimeout: timeout === 0 ? null : timeout,
    notsentLowat: unsent === 0 ? null : unsent,
    timestamps: (info.getUint8(linux.TCPI_OPTIONS) & linux.TCPI_OPT_TIMESTAMPS) !== 0,
  }
}
