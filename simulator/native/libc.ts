/**
 * The C library through koffi. Integers and addresses are JS numbers: an address is a plain int64 (user space lies below
 * 2^47), which costs a third of what passing a Buffer does. A call fails as in C: it returns -1 and `errno()` says why.
 */
import { constants } from 'node:os'
import { getSystemErrorMessage, getSystemErrorName } from 'node:util'
import koffi from 'koffi'
import { ThingbenchError } from '../core/errors.ts'
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, RLIMIT_NOFILE } from './linux.ts'

type Int = number
/** An address in this process, or 0 for NULL. */
type Address = number

/** Names and shapes as in section 2 of the manual, with `fd` and sizes as plain numbers. */
export interface Libc {
  mmap(address: Address, length: Int, prot: Int, flags: Int, fd: Int, offset: Int): number | bigint
  open(path: string, flags: Int, mode: Int): number
  close(fd: Int): number
  read(fd: Int, buffer: Address, length: Int): number
  write(fd: Int, buffer: Address, length: Int): number
  ioctl(fd: Int, request: Int, argument: Address): number
  fcntl(fd: Int, command: Int, argument: Int): number
  flock(fd: Int, operation: Int): number
  poll(fds: Address, count: Int, milliseconds: Int): number
  /** `timeout` points to a struct timespec; 0 waits for ever. */
  ppoll(fds: Address, count: Int, timeout: Address, signals: Address): number
  setns(fd: Int, kind: Int): number
  unshare(flags: Int): number
  prctl(option: Int, a: Int, b: Int, c: Int, d: Int): number
  sched_setaffinity(thread: Int, size: Int, mask: Address): number
  sched_setscheduler(thread: Int, policy: Int, parameters: Address): number
  getrlimit(resource: Int, limits: Address): number
  setrlimit(resource: Int, limits: Address): number
  socket(domain: Int, type: Int, protocol: Int): number
  bind(fd: Int, address: Address, length: Int): number
  connect(fd: Int, address: Address, length: Int): number
  listen(fd: Int, backlog: Int): number
  accept4(fd: Int, address: Address, length: Address, flags: Int): number
  shutdown(fd: Int, how: Int): number
  setsockopt(fd: Int, level: Int, name: Int, value: Address, length: Int): number
  getsockopt(fd: Int, level: Int, name: Int, value: Address, length: Address): number
  send(fd: Int, buffer: Address, length: Int, flags: Int): number
  recv(fd: Int, buffer: Address, length: Int, flags: Int): number
  sendto(
    fd: Int,
    buffer: Address,
    length: Int,
    flags: Int,
    address: Address,
    addressLength: Int,
  ): number
  recvfrom(
    fd: Int,
    buffer: Address,
    length: Int,
    flags: Int,
    address: Address,
    addressLength: Address,
  ): number
  epoll_create1(flags: Int): number
  epoll_ctl(epoll: Int, operation: Int, fd: Int, event: Address): number
  epoll_wait(epoll: Int, events: Address, count: Int, milliseconds: Int): number
  /** `timeout` points to a struct timespec; 0 waits for ever. Linux 5.11, glibc 2.35; ENOSYS elsewhere. */
  epoll_pwait2(epoll: Int, events: Address, count: Int, timeout: Address, signals: Address): number
}

/** Arguments in letters: i int32, l int64 (addresses, sizes), s string. The first is the result. */
const SIGNATURES: Readonly<Record<keyof Libc, string>> = {
  mmap: 'llliiil',
  open: 'isii',
  close: 'ii',
  read: 'lill',
  write: 'lill',
  ioctl: 'iill',
  fcntl: 'iiil',
  flock: 'iii',
  poll: 'illi',
  ppoll: 'illll',
  setns: 'iii',
  unshare: 'ii',
  prctl: 'iillll',
  sched_setaffinity: 'iill',
  sched_setscheduler: 'iiil',
  getrlimit: 'iil',
  setrlimit: 'iil',
  socket: 'iiii',
  bind: 'iili',
  connect: 'iili',
  listen: 'iii',
  accept4: 'iilli',
  shutdown: 'iii',
  setsockopt: 'iiiili',
  getsockopt: 'iiiill',
  send: 'lilli',
  recv: 'lilli',
  sendto: 'lillili',
  recvfrom: 'lillill',
  epoll_create1: 'ii',
  epoll_ctl: 'iiiil',
  epoll_wait: 'iilii',
  epoll_pwait2: 'iilill',
}

const TYPES: Readonly<Record<string, string>> = { i: 'int32_t', l: 'int64_t', s: 'str' }

/** What a symbol that this platform lacks does: what the kernel does with a call it does not know. */
const missing = (): number => {
  koffi.errno(constants.errno.ENOSYS)
  return -1
}

const load = (): Libc => {
  const library = koffi.load(null)
  const bound: Record<string, unknown> = {}
  for (const [name, signature] of Object.entries(SIGNATURES)) {
    const [result = '', ...args] = signature.split('').map((letter) => TYPES[letter] ?? '')
    try {
      bound[name] = library.func(name, result, args)
    } catch {
      bound[name] = missing
    }
  }
  return bound as unknown as Libc
}

let loaded: Libc | undefined

/** The functions, bound at the first call. A function that the platform lacks returns -1 with ENOSYS. Keep the result in a field. */
export const libc = (): Libc => (loaded ??= load())

/** Why the last call failed. Read it before any other call. */
export const errno = (): number => koffi.errno()

/** EAGAIN for 11. */
export const errnoName = (code: number): string => getSystemErrorName(-code)

/** The advice where nothing better is known. */
const DOCTOR = 'Type "thingbench doctor" to see what this machine lacks.'

/**
 * Passes on the result of a system call, or throws TB_SYSTEM_CALL when it is negative.
 * `call` names what was attempted, with its object ("open /dev/net/tun"); `advice` says what to do next.
 */
export const systemCall = (call: string, result: number, advice = DOCTOR): number => {
  if (result < 0) throw systemError(call, errno(), advice)
  return result
}

/** The error for a system call that failed with `code`. */
export const systemError = (call: string, code: number, advice = DOCTOR): ThingbenchError =>
  new ThingbenchError('TB_SYSTEM_CALL', {
    call,
    errno: errnoName(code),
    meaning: getSystemErrorMessage(-code),
    advice,
  })

/**
 * Memory outside the JS heap that never moves and is never unmapped (a view that outlived it would end the process):
 * allocate slabs once, and divide them.
 */
export class NativeMemory {
  readonly address: number
  readonly bytes: Uint8Array
  readonly view: DataView

  /** `length` bytes, zeroed, page aligned. */
  constructor(length: number) {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS
    this.address = Number(libc().mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0))
    systemCall(`mmap of ${length} bytes`, this.address, 'Free some memory.')
    const buffer = koffi.view(BigInt(this.address), length)
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
  }
}

/** struct timespec at `offset` of `memory`. */
export const writeTimespec = (memory: NativeMemory, offset: number, nanoseconds: number): void => {
  const seconds = Math.floor(nanoseconds / 1e9)
  memory.view.setUint32(offset, seconds, true)
  memory.view.setUint32(offset + 4, 0, true)
  memory.view.setUint32(offset + 8, nanoseconds - seconds * 1e9, true)
  memory.view.setUint32(offset + 12, 0, true)
}

/**
 * Raises this process's limit of open files, and with it that of its children: to what is wanted where this user may (root
 * may go beyond the hard limit), else to the hard limit. Returns the limit: how many devices fit is known before they start.
 */
export const raiseOpenFiles = (wanted: number): number => {
  const limits = new NativeMemory(16)
  systemCall('getrlimit RLIMIT_NOFILE', libc().getrlimit(RLIMIT_NOFILE, limits.address))
  const hard = limits.view.getBigUint64(8, true)
  const set = (limit: bigint): number => {
    limits.view.setBigUint64(0, limit, true)
    limits.view.setBigUint64(8, limit, true)
    return libc().setrlimit(RLIMIT_NOFILE, limits.address)
  }
  if (wanted > hard && set(BigInt(wanted)) === 0) return wanted
  systemCall('setrlimit RLIMIT_NOFILE', set(hard))
  return Number(hard)
}
