/** WebSocket as the package `mqtt` makes it (by the package `ws`, with the options that it has by default), on a socket of ours. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { MqttClient } from 'mqtt'
import { streamBuilder } from 'mqtt/lib/connect/ws'
import type { WebSocketTarget } from '../../transports/websocket-handshake.ts'

/** The library asks it nothing when the address needs no rewriting. */
const NOBODY = {} as MqttClient

/** What the library writes MQTT to. @param below connects, or is connected */
export const webSocketStream = (
  below: Socket,
  { host, path }: WebSocketTarget,
  secure: boolean,
): Duplex => {
  const { hostname, port } = new URL(`http://${host}`)
  return streamBuilder(NOBODY, {
    protocol: secure ? 'wss' : 'ws',
    hostname,
    port: Number(port),
    path,
    wsOptions: { createConnection: () => below },
  })
}

/** Counts the bytes of the messages that the stream carries from now on: it is no socket, which would count them itself. */
export const carriedBy = (stream: Duplex): { bytesWritten: number; bytesRead: number } => {
  const carried = { bytesWritten: 0, bytesRead: 0 }
  const write = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean
  const push = stream.push.bind(stream)
  Object.assign(stream, {
    write(chunk: Uint8Array | string, ...rest: readonly unknown[]): boolean {
      carried.bytesWritten += Buffer.byteLength(chunk)
      return write(chunk, ...rest)
    },
    push(chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
      carried.bytesRead += chunk?.length ?? 0
      return push(chunk, encoding)
    },
  })
  return carried
}
