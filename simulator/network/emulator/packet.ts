/** IPv4 headers, read in place (RFC 791, RFC 9293, RFC 768). One object is filled again for every packet. */
export const TCP = 6
export const UDP = 17
export const FIN = 1
export const SYN = 2
export const ACK = 16

const IPV4_LEAST = 20
const TCP_LEAST = 20
const UDP_HEADER = 8

export class Headers {
  /** The IP packet's length by its header. */
  length = 0
  ipHeader = 0
  /** TCP or UDP header with its options; 0 for other protocols and for all fragments but the first. */
  transportHeader = 0
  /** TCP, UDP, or 0 where no transport header is to be read. */
  protocol = 0
  source = 0
  destination = 0
  sourcePort = 0
  destinationPort = 0
  sequence = 0
  tcpFlags = 0

  get payload(): number {
    return this.length - this.ipHeader - this.transportHeader
  }

  /** False when the `length` bytes at `offset` are not one whole IPv4 packet. */
  read(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < IPV4_LEAST || byte(bytes, offset) >> 4 !== 4) return false
    this.length = word(bytes, offset + 2)
    this.ipHeader = (byte(bytes, offset) & 15) * 4
    if (this.length !== length || this.ipHeader < IPV4_LEAST || this.ipHeader > length) return false
    this.source = double(bytes, offset + 12)
    this.destination = double(bytes, offset + 16)
    const fragmentOffset = word(bytes, offset + 6) & 0x1fff
    this.#readTransport(
      bytes,
      offset + this.ipHeader,
      fragmentOffset > 0 ? 0 : byte(bytes, offset + 9),
    )
    return true
  }

  #readTransport(bytes: Uint8Array, offset: number, protocol: number): void {
    const rest = this.length - this.ipHeader
    this.protocol = 0
    this.transportHeader = 0
    if (protocol === TCP && rest >= TCP_LEAST) {
      const header = (byte(bytes, offset + 12) >> 4) * 4
      if (header < TCP_LEAST || header > rest) return
      this.protocol = TCP
      this.transportHeader = header
      this.sequence = double(bytes, offset + 4)
      this.tcpFlags = byte(bytes, offset + 13)
    } else if (protocol === UDP && rest >= UDP_HEADER) {
      this.protocol = UDP
      this.transportHeader = UDP_HEADER
    } else return
    this.sourcePort = word(bytes, offset)
    this.destinationPort = word(bytes, offset + 2)
  }
}

const byte = (bytes: Uint8Array, at: number): number => bytes[at] as number

const word = (bytes: Uint8Array, at: number): number => (byte(bytes, at) << 8) | byte(bytes, at + 1)

const double = (bytes: Uint8Array, at: number): number =>
  ((word(bytes, at) << 16) | word(bytes, at + 2)) >>> 0
