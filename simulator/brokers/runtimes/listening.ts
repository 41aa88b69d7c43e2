/** Which ports a process listens on, from the socket tables of its own network namespace (proc(5), /proc/PID/net). */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** State of a socket in the tables: a listening TCP socket, and a bound UDP socket without peer. */
const TCP_LISTEN = '0A'
const UDP_UNCONNECTED = '07'

/** 127.0.0.1 is 0100007F: the bytes of the address, last first. */
const tableAddress = (address: string): string =>
  address
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .toReversed()
    .join('')
    .toUpperCase()

/**
 * Ports on which `address` can be reached through sockets in `inodes`, in the text of /proc/PID/net/{tcp,udp,tcp6,udp6}.
 * A socket of another process with the same port does not count.
 */
export const listeningPorts = (
  table: string,
  address: string,
  inodes: ReadonlySet<string>,
): Set<number> => {
  const wanted = tableAddress(address)
  const ports = new Set<number>()
  for (const line of table.split('\n')) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    if ((state !== TCP_LISTEN && state !== UDP_UNCONNECTED) || !inodes.has(inode)) continue
    const [host = '', port = ''] = local.split(':')
    // A wildcard is all zeros; an IPv4 address in an IPv6 table is the last word.
    if (/^0+$/.test(host) || host.endsWith(wanted)) ports.add(Number.parseInt(port, 16))
  }
  return ports
}

/** Inodes of the sockets that the process has open. */
const socketInodes = async (pid: number): Promise<Set<string>> => {
  const inodes = new Set<string>()
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined) inodes.add(inode)
  }
  return inodes
}

/** The ports on which the process can be reached at `address`, TCP and UDP; none when it has gone. */
export const portsOf = async (pid: number, address: string): Promise<Set<number>> => {
  try {
    const inodes = await socketInodes(pid)
    const tables = await Promise.all(
      ['tcp', 'udp', 'tcp6', 'udp6'].map((name) =>
        readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => ''),
      ),
    )
    return listeningPorts(tables.join('\n'), address, inodes)
  } catch {
    return new Set()
  }
}
