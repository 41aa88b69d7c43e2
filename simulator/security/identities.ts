/** Who the devices are: names, pre-shared keys and the password of one run, all from one secret. */
import { createHmac } from 'node:crypto'
import { deviceAt, deviceName } from '../core/device-name.ts'

const KEY_LENGTH = 16
const NAME_LENGTH = deviceName(0).length

export class Identities {
  readonly #secret: Uint8Array
  /** The password of every device's account (MQTT, XMPP): 22 characters of the base64url alphabet. */
  readonly password: string

  /** Two processes with the same secret know the same keys and password. */
  constructor(secret: Uint8Array) {
    this.#secret = secret
    this.password = this.#derive('password').subarray(0, 16).toString('base64url')
  }

  /** The PSK identity of a device: its name. */
  pskIdentity(device: number): string {
    return deviceName(device)
  }

  /** The device's own 16-byte key. Printable, because libcoap's key file cannot hold every byte: 96 bits of secret. */
  pskKey(device: number): Uint8Array {
    return Buffer.from(
      this.#derive(`psk ${deviceName(device)}`)
        .toString('base64url')
        .slice(0, KEY_LENGTH),
    )
  }

  /** The key that belongs to a PSK identity, or undefined when no device is called so. */
  pskByIdentity(identity: string): Uint8Array | undefined {
    const device = deviceAt(Buffer.from(identity), 0)
    return identity.length === NAME_LENGTH && device >= 0 ? this.pskKey(device) : undefined
  }

  #derive(label: string): Buffer {
    return createHmac('sha256', this.#secret).update(label).digest()
  }
}
