/**
 * IPv4 sockets through libc, and the memory that all sockets of a reactor share: what is received lies in one buffer
 * until the next receive, what is sent is copied into another.
 *
 * Calls return what the kernel gave, or minus the error number.
 */
import { constants } from 'node:os'
import { peerKey, type Address, type PeerKey } from '../core/endpoint.ts'
import { NativeMemory, errno, libc } from '../native/libc.ts'
import * as linux from '../native/linux.ts'

/** A datagram of any size fits; a stream is read and written in such pieces. */
const BUFFER = 65536
/** The kernel's own limit; asked for as much, because a burst of connects beyond it measures SYN retransmissions. */
const BACKLOG = 4096
/** Bound sockets carry all devices: a burst of their datagrams must fit. */
const SERVER_BUFFER = 8 * 1024 * 1024

const ADDRESS = 0
const LENGTH = 16
const OPTION = 24
/** Not 0: see `place`. */
const RECEIVE = 64
const SEND = RECEIVE + BUFFER

const FLAGS = linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL
/** Up to this length a view of the received bytes is made once and used again. */
const KEPT_VIEWS = 2048

export class Sockets {
  readonly #libc = libc()
  readonly #memory = new NativeMemory(SEND + BUFFER)
  readonly #bytes = this.#memory.bytes
  readonly #view = this.#memory.view
  readonly #received: (Uint8Array | undefined)[] = []

  /** A new socket bound to `local`, when given. */
  open(type: number, local: Address | undefined): number {
    const flags = linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC
    const fd = this.#libc.socket(linux.AF_INET, type | flags, 0)
    if (fd < 0) return -errno()
    if (local === undefined) return fd
    // The port is chosen at connect, when the remote address is known: so one port serves many remote addresses.
    if (local.port === 0 && type === linux.SOCK_STREAM)
      this.option(fd, linux.IPPROTO_IP, linux.IP_BIND_ADDRESS_NO_PORT, 1)
    return this.#orClose(fd, this.bind(fd, local))
  }

  /** A socket that accepts TCP connections on `local`. */
  openListener(local: Address): number {
    const fd = this.open(linux.SOCK_STREAM, undefined)
    if (fd < 0) return fd
    this.option(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, 1)
    const bound = this.bind(fd, local)
    if (bound < 0) return this.#orClose(fd, bound)
    return this.#orClose(fd, this.#libc.listen(fd, BACKLOG) < 0 ? -errno() : 0)
  }

  /** A UDP socket on `local` with room for bursts. */
  openServer(local: Address): number {
    const fd = this.open(linux.SOCK_DGRAM, local)
    if (fd < 0) return fd
    this.#enlarge(fd, linux.SO_RCVBUFFORCE, linux.SO_RCVBUF)
    this.#enlarge(fd, linux.SO_SNDBUFFORCE, linux.SO_SNDBUF)
    return fd
  }

  bind(fd: number, local: Address): number {
    this.#writeAddress(peerKey(local))
    const address = this.#memory.address + ADDRESS
    return this.#libc.bind(fd, address, linux.SOCKADDR_IN_SIZE) < 0 ? -errno() : 0
  }

  /** 0 also when the connection is under way. */
  connect(fd: number, remote: Address): number {
    this.#writeAddress(peerKey(remote))
    const address = this.#memory.address + ADDRESS
    if (this.#libc.connect(fd, address, linux.SOCKADDR_IN_SIZE) === 0) return 0
    const error = errno()
    return error === constants.errno.EINPROGRESS ? 0 : -error
  }

  /** The next waiting connection; then `peer` says whose. */
  accept(fd: number): number {
    this.#view.setUint32(LENGTH, linux.SOCKADDR_IN_SIZE, true)
    const { address } = this.#memory
    const flags = linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC
    const accepted = this.#libc.accept4(fd, address + ADDRESS, address + LENGTH, flags)
    return accepted < 0 ? -errno() : accepted
  }

  close(fd: number): void {
    this.#libc.close(fd)
  }

  /** FIN: nothing more will be sent. */
  finish(fd: number): void {
    this.#libc.shutdown(fd, linux.SHUT_WR)
  }

  option(fd: number, level: number, name: number, value: number): number {
    this.#view.setInt32(OPTION, value, true)
    return this.#libc.setsockopt(fd, level, name, this.#memory.address + OPTION, 4)
  }

  /** Reads up to `length` bytes of an option; the view lasts until the next send. Bytes that the kernel does not know stay 0. */
  readOption(fd: number, level: number, name: number, length: number): DataView {
    this.#bytes.fill(0, SEND, SEND + length)
    this.#view.setUint32(LENGTH, length, true)
    const { address } = this.#memory
    this.#libc.getsockopt(fd, level, name, address + SEND, address + LENGTH)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + SEND, length)
  }

  /** The error that waits at the socket, and clears it; 0: none. */
  pendingError(fd: number): number {
    this.#view.setUint32(LENGTH, 4, true)
    const { address } = this.#memory
    this.#libc.getsockopt(fd, linux.SOL_SOCKET, linux.SO_ERROR, address + OPTION, address + LENGTH)
    return this.#view.getInt32(OPTION, true)
  }

  /** Into the shared buffer: see `received`. */
  receive(fd: number): number {
    const length = this.#libc.recv(fd, this.#memory.address + RECEIVE, BUFFER, linux.MSG_DONTWAIT)
    return length < 0 ? -errno() : length
  }

  /** Like `receive`; then `peer` says from whom. */
  receiveFrom(fd: number): number {
    this.#view.setUint32(LENGTH, linux.SOCKADDR_IN_SIZE, true)
    const { address } = this.#memory
    const length = this.#libc.recvfrom(
      fd,
      address + RECEIVE,
      BUFFER,
      linux.MSG_DONTWAIT,
      address + ADDRESS,
      address + LENGTH,
    )
    return length < 0 ? -errno() : length
  }

  /** The bytes of the last receive: until the next one. */
  received(length: number): Uint8Array {
    if (length > KEPT_VIEWS) return this.#bytes.subarray(RECEIVE, RECEIVE + length)
    return (this.#received[length] ??= this.#bytes.subarray(RECEIVE, RECEIVE + length))
  }

  /** Whether the last receive filled the buffer, so that more may wait. */
  filled(length: number): boolean {
    return length === BUFFER
  }

  /** The address that the last accept or receiveFrom wrote. */
  peer(): PeerKey {
    const port = this.#view.getUint16(ADDRESS + 2)
    return this.#view.getUint32(ADDRESS + 4) * 65536 + port
  }

  /** How many bytes from `start` on the kernel took: at most one buffer at a time. */
  send(fd: number, bytes: Uint8Array, start: number): number {
    const length = Math.min(BUFFER, bytes.length - start)
    const sent = this.#libc.send(fd, this.#place(bytes, start, length), length, FLAGS)
    return sent < 0 ? -errno() : sent
  }

  sendTo(fd: number, bytes: Uint8Array, peer: PeerKey): number {
    this.#writeAddress(peer)
    const sent = this.#libc.sendto(
      fd,
      this.#place(bytes, 0, bytes.length),
      bytes.length,
      FLAGS,
      this.#memory.address + ADDRESS,
      linux.SOCKADDR_IN_SIZE,
    )
    return sent < 0 ? -errno() : sent
  }

  /** The address of bytes that the kernel can read: where they are, when that is the shared memory, or a copy. */
  #place(bytes: Uint8Array, start: number, length: number): number {
    // Asking for the buffer of a small array makes V8 move it out of its heap; such an array has offset 0, and nothing of ours has.
    if (bytes.byteOffset !== 0 && bytes.buffer === this.#bytes.buffer)
      return this.#memory.address + bytes.byteOffset + start
    const whole = start === 0 && length === bytes.length
    this.#bytes.set(whole ? bytes : bytes.subarray(start, start + length), SEND)
    return this.#memory.address + SEND
  }

  #writeAddress(key: PeerKey): void {
    this.#view.setUint16(ADDRESS, linux.AF_INET, true)
    this.#view.setUint16(ADDRESS + 2, key % 65536)
    this.#view.setUint32(ADDRESS + 4, Math.floor(key / 65536))
  }

  /** Beyond the system's limit where this process may, up to the limit otherwise. */
  #enlarge(fd: number, force: number, ordinary: number): void {
    if (this.option(fd, linux.SOL_SOCKET, force, SERVER_BUFFER) < 0)
      this.option(fd, linux.SOL_SOCKET, ordinary, SERVER_BUFFER)
  }

  #orClose(fd: number, result: number): number {
    if (result >= 0) return fd
    this.#libc.close(fd)
    return result
  }
}
