/** What a request asks of our server: one pass over its options (RFC 7252 section 5.10), nothing allocated. */
import { deviceAt, deviceName } from '../../core/device-name.ts'
import {
  ACCEPT,
  type Message,
  NO_RESPONSE,
  PROXY_SCHEME,
  PROXY_URI,
  URI_HOST,
  URI_PATH,
  URI_PORT,
  URI_QUERY,
} from './message.ts'

export type Resource = 'telemetry' | 'directory' | 'core' | 'none'

const DIGITS = deviceName(0).length - 1

export class Request {
  resource: Resource = 'none'
  /** Of /d/000042 or ?ep=d000042; -1 without. */
  device = -1
  /** Accept's Content-Format, or -1. */
  accept = -1
  /** No-Response: bits 2, 8 and 16 for the classes 2.xx, 4.xx and 5.xx that are not wanted (RFC 7967 section 2.1). */
  noResponse = 0
  /** Proxy-Uri or Proxy-Scheme is there. */
  toProxy = false
  /** A critical option that this server does not know, or of a length that it may not have (section 5.4.3). */
  hasBadOption = false
  #segments = 0

  read(message: Message): void {
    this.#reset()
    message.rewind()
    while (message.nextOption()) this.#option(message)
    // "/d" and "/.well-known" alone are no resources.
    const least = this.resource === 'directory' ? 1 : 2
    if (this.#segments < least) this.resource = 'none'
  }

  #reset(): void {
    this.resource = 'none'
    this.device = -1
    this.accept = -1
    this.noResponse = 0
    this.toProxy = false
    this.hasBadOption = false
    this.#segments = 0
  }

  #option(message: Message): void {
    switch (message.option) {
      case URI_PATH:
        if (message.optionLength > 255) this.hasBadOption = true
        else this.#segment(message)
        break
      case URI_QUERY:
        if (message.optionLength > 255) this.hasBadOption = true
        else if (isText(message, 'ep=', 3 + 1 + DIGITS) && this.resource === 'directory')
          this.device = deviceAt(message.bytes, message.optionAt + 3)
        break
      case NO_RESPONSE:
        if (message.optionLength <= 1) this.noResponse = message.optionInteger()
        break
      case ACCEPT:
        if (message.optionLength > 2) this.hasBadOption = true
        else this.accept = message.optionInteger()
        break
      case PROXY_URI:
      case PROXY_SCHEME:
        this.toProxy = true
        break
      // One address, one virtual host: all of them are us.
      case URI_HOST:
      case URI_PORT:
        break
      default:
        if (message.option & 1) this.hasBadOption = true
    }
  }

  #segment(message: Message): void {
    const segment = this.#segments++
    if (segment === 0) {
      if (isText(message, 'd', 1)) this.resource = 'telemetry'
      else if (isText(message, 'rd', 2)) this.resource = 'directory'
      else if (isText(message, '.well-known', 11)) this.resource = 'core'
    } else if (segment === 1 && this.resource === 'telemetry') {
      this.device = deviceNumber(message)
      if (this.device < 0) this.resource = 'none'
    } else if (segment > 1 || this.resource !== 'core' || !isText(message, 'core', 4))
      this.resource = 'none'
  }
}

/** Whether the current option has `length` bytes and begins with the ASCII `text`. */
const isText = (message: Message, text: string, length: number): boolean => {
  if (message.optionLength !== length) return false
  for (let i = 0; i < text.length; i++)
    if (message.bytes[message.optionAt + i] !== text.charCodeAt(i)) return false
  return true
}

/** The current option's six digits as a device; -1 for anything else. */
const deviceNumber = (message: Message): number => {
  if (message.optionLength !== DIGITS) return -1
  let device = 0
  for (let i = 0; i < DIGITS; i++) {
    const digit = (message.bytes[message.optionAt + i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    device = device * 10 + digit
  }
  return device
}
