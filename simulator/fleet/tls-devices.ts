/** TLS for the devices of one worker: the context that they share, what each brings to its connections, and what it keeps of them. */
import { deviceName } from '../core/device-name.ts'
import type { Traffic } from '../core/layer.ts'
import type { StackTls } from '../core/types.ts'
import { DeviceCertificates } from '../security/device-certificates.ts'
import type { Identities } from '../security/identities.ts'
import { readCredential } from '../transports/tls-context.ts'
import { TlsTickets } from '../transports/tls-tickets.ts'
import type { TlsIdentity } from '../transports/tls.ts'
import { TlsClient, TlsContext } from '../transports/tls.ts'
import type { FleetConfig } from './fleet-protocol.ts'

export class TlsDevices {
  /** Null where devices do not resume. */
  readonly tickets: TlsTickets | null
  /** DER bytes of a device's certificate; null where it has none. */
  readonly certificateBytes: number | null
  readonly #context: TlsContext
  readonly #serverName: string
  readonly #identities: TlsIdentity[]

  /** Makes a key pair and a certificate for each device where the stack asks for them. */
  constructor(tls: StackTls, config: FleetConfig, identities: Identities) {
    const { devices, deviceAuthority, authority, server } = config
    this.#serverName = server.name
    this.tickets = tls.resumption ? new TlsTickets() : null
    this.#context = TlsContext.client({
      ...tls,
      authority: tls.auth === 'psk' ? null : (authority ?? ''),
    })
    const kept = this.tickets === null ? {} : { tickets: this.tickets }
    const certificates = deviceAuthority === null ? null : new DeviceCertificates(deviceAuthority)
    let certificateBytes: number | null = null
    this.#identities = Array.from({ length: devices }, (_, device) => {
      if (tls.auth === 'psk')
        return {
          device,
          ...kept,
          psk: { identity: identities.pskIdentity(device), key: identities.pskKey(device) },
        }
      if (certificates === null) return { device, ...kept }
      const { certificate, key, bytes } = certificates.issue(deviceName(device))
      certificateBytes = bytes
      return { device, ...kept, credential: readCredential(certificate, key) }
    })
    this.certificateBytes = certificateBytes
  }

  /** The security layer of a new connection. `traffic` counts what crosses its upper boundary. */
  client(device: number, traffic: Traffic): TlsClient {
    return new TlsClient(this.#context, traffic, this.#serverName, this.#identities[device])
  }
}
