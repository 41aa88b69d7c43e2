/**
 * Entry point of the process that is the aedes broker. Its one argument is the file of its configuration. It ends by a signal, as
 * the other servers do: what it has is in memory.
 */
import { readFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createSecureServer } from 'node:tls'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { AedesConfiguration } from './aedes.ts'

type Device = NonNullable<AedesConfiguration['device']>

const say = (words: string): void => void process.stderr.write(`${words}\n`)

const [file = ''] = process.argv.slice(2)
const { address, plain, device, quic } = JSON.parse(
  readFileSync(file, 'utf8'),
) as AedesConfiguration

const broker = await Aedes.createBroker()
broker.on('clientError', (client, error) => say(`client ${client.id}: ${error.message}`))
broker.on('connectionError', (_client, error) => say(`before CONNACK: ${error.message}`))

const listen = (server: Server, port: number): void => {
  server.on('tlsClientError', (error: Error) => say(`TLS: ${error.message}`))
  server.listen(port, address, () =>
    say(`listening on ${address}, port ${(server.address() as AddressInfo).port}`),
  )
}

/**
 * From Node 26 on `read()` gives the first of the pieces that wait. aedes 1.2 reads once when it is told that there is something, and
 * once after each packet: a packet in several pieces, such as the messages of a WebSocket, would never be complete.
 */
const inOnePiece = <Stream extends Duplex>(stream: Stream): Stream => {
  const read = stream.read.bind(stream)
  stream.read = (size?: number): unknown => read(size ?? (stream.readableLength || undefined))
  return stream
}

const serve = (stream: Duplex, request?: IncomingMessage): void =>
  void broker.handle(inOnePiece(stream), request)

const tlsOptions = ({ chain, key, version, group, ciphers }: NonNullable<Device['tls']>) => ({
  cert: readFileSync(chain),
  key: readFileSync(key),
  minVersion: version,
  maxVersion: version,
  ecdhCurve: group,
  ciphers,
})

/** MQTT on the connections of a server of Node, TLS or not. */
const streams = ({ tls }: Device): Server =>
  tls === null
    ? createServer({ noDelay: true }, (socket) => serve(socket))
    : createSecureServer({ noDelay: true, ...tlsOptions(tls) }, (socket) => serve(socket))

/** The same in the messages of WebSocket [MQTT-6.0.0-3]. */
const webSockets = ({ tls }: Device): Server => {
  // RFC 9110 section 15.5.22: who asks for something else.
  const refuse: RequestListener = (_request, response) =>
    void response.writeHead(426, { Upgrade: 'websocket' }).end()
  const server =
    tls === null
      ? createHttpServer({ noDelay: true }, refuse)
      : createHttpsServer({ noDelay: true, ...tlsOptions(tls) }, refuse)
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' })
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket)
    // A client that breaks RFC 6455: the stream is closed, and aedes hears of that.
    stream.on('error', (error) => say(`WebSocket: ${error.message}`))
    serve(stream, request)
  })
  return server
}

listen(
  createServer({ noDelay: true }, (socket) => serve(socket)),
  plain,
)
if (quic !== null) {
  // Loaded where it is used: it is a library of its own.
  const { listenQuic } = await import('./aedes-quic.ts')
  const { quicContext } = await import('./front-end/listen-quic.ts')
  const { port, chain, key, transport } = quic
  const context = quicContext(transport, readFileSync(chain, 'utf8'), readFileSync(key, 'utf8'))
  listenQuic(context, { host: address, port }, serve)
  say(`listening on ${address}, port ${port}`)
}
if (device !== null)
  listen(device.framing === 'websocket' ? webSockets(device) : streams(device), device.port)
