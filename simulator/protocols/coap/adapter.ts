/** CoAP over UDP or DTLS (RFC 7252): devices push requests to the server that is the consumer. */
import type { ProtocolAdapter } from '../session.ts'
import { CoapServer } from './server.ts'
import { CoapDevice } from './session.ts'

export { coapOptions, coapPlannedOptions } from './options.ts'

export const coap: ProtocolAdapter = {
  name: 'coap',
  carrier: 'datagram',
  ports: { plain: 5683, secure: 5684 },
  reliabilities: ['best-effort', 'acknowledged'],
  mapping: {
    connect:
      'one CON registration request: POST /rd?ep=<name> (RFC 9176), or GET /time where the server has no directory',
    send: 'POST /d/<number> (PUT where the server creates what is put): NON with No-Response (RFC 7967), or CON with a token of 2 bytes and NSTART',
    acknowledgement: 'the 2.xx response to a CON, piggybacked or separate',
    receive: 'the consumer is the server: a request is delivered once per message ID and peer',
    name: 'Uri-Path: d and six digits',
  },
  speech: {
    command:
      'the server asks the device (RFC 7252: roles are symmetric), at the address and over the association that it was last heard from: POST /c, CON or NON, with NSTART per device',
    answer:
      'the 2.04 response with content, piggybacked on the ACK of a CON, or as a NON; it is the acknowledgement too',
    'fan-out':
      'one POST /f to each device, CON, or NON with No-Response: no multicast, because every device has a link of its own',
  },
  consumer: {
    kind: 'serve',
    create: (config, events) => new CoapServer(config, events),
  },
  device: (config, events) => new CoapDevice(config, events),
}
