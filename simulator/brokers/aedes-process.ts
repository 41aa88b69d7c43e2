/**
 * Entry point of the process that is the aedes broker. Its one argument is the file of its configuration. It ends by a signal, as
 * the other servers do: what it has is in memory.
 */
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { Aedes } from 'aedes'
import type { AedesConfiguration } from './aedes.ts'

const say = (words: string): void => void process.stderr.write(`${words}\n`)

const [file = ''] = process.argv.slice(2)
const { address, plain, secure } = JSON.parse(readFileSync(file, 'utf8')) as AedesConfiguration

const broker = await Aedes.createBroker()
broker.on('clientError', (client, error) => say(`client ${client.id}: ${error.message}`))
broker.on('connectionError', (_client, error) => say(`before CONNACK: ${error.message}`))

const listen = (server: Server, port: number): void => {
  server.listen(port, address, () =>
    say(`listening on ${address}, port ${(server.address() as AddressInfo).port}`),
  )
}

listen(
  createServer({ noDelay: true }, (socket) => broker.handle(socket)),
  plain,
)
if (secure !== null) {
  const { port, chain, key, version, group, ciphers } = secure
  const server = createSecureServer(
    {
      noDelay: true,
      cert: readFileSync(chain),
      key: readFileSync(key),
      minVersion: version,
      maxVersion: version,
      ecdhCurve: group,
      ciphers,
    },
    (socket) => broker.handle(socket),
  )
  server.on('tlsClientError', (error) => say(`TLS: ${error.message}`))
  listen(server, port)
}
