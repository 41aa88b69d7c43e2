/** Our own CoAP server, plain or behind our own DTLS: it is the consumer, and runs in the consumer's process. */
import { readFile } from 'node:fs/promises'
import type { BrokerProduct } from './broker.ts'

const version = async (): Promise<string> => {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(await readFile(file, 'utf8')) as { readonly version: string }).version
}

export const thingbenchCoap: BrokerProduct = {
  name: 'thingbench-coap',
  title: 'thingbench CoAP server',
  debianPackage: null,
  program: null,
  versions: null,
  serves: { coap: ['none', 'dtls-psk'] },
  hops: 1,
  consumer: 'is-server',
  audit: {
    consumer: 'the server itself: one hop',
    queues: 'none: a request is received, counted and answered at once',
    'PSK identities': 'those of the devices; others are refused with an alert',
    DTLS: 'the same OpenSSL as the devices, inside Node',
  },
  registration: 'resource-directory',
  ports: { coap: { plain: 5683, secure: 5684 } },
  version,
  prepare: () => Promise.resolve(null),
}
