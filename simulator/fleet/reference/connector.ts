/** Opens the connections of devices with the reference client: what PileFactory is to the lean sessions. */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { NEVER } from '../../core/clock.ts'
import type { Address } from '../../core/endpoint.ts'
import { Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import type { TcpRecord } from '../../core/tcp.ts'
import type { NodeLoop } from '../../io/node-loop.ts'
import { tcpOfNode } from '../../io/node-tcp.ts'
import { Identities } from '../../security/identities.ts'
import type { Device } from '../device.ts'
import type { Connector } from '../fleet.ts'
import type { FleetConfig } from '../fleet-protocol.ts'
import type { Pile } from '../pile.ts'
import { webSocketTarget } from '../websocket-target.ts'
import type { WebSocketTarget } from '../../transports/websocket-handshake.ts'
import { Connection } from './connection.ts'
import { MqttReference } from './mqtt-session.ts'
import { secureContext } from './tls-context.ts'

export class ReferenceConnector implements Connector<NodeLoop> {
  readonly tcp: TcpRecord = { found: null }
  /** Node keeps TLS to itself. */
  readonly tickets = null
  readonly certificateBytes = null
  readonly #config: FleetConfig
  readonly #remote: Address
  readonly #password: string
  /** One for all devices, as the lean sessions have it. */
  readonly #context: SecureContext | null
  readonly #connections = new Set<Connection>()
  readonly #webSocket: WebSocketTarget | null
  readonly #application = new Traffic()
  readonly #framed: Traffic
  readonly #transport: Traffic
  #opened = 0

  constructor(config: FleetConfig) {
    const { stack, server } = config
    this.#config = config
    this.#remote = { host: server.address, port: server.device }
    this.#password = new Identities(Buffer.from(config.secret, 'hex')).password
    this.#context = stack.tls === null ? null : secureContext(stack.tls, config.authority ?? '')
    this.#webSocket = webSocketTarget(stack, server)
    this.#framed = this.#webSocket === null ? this.#application : new Traffic()
    this.#transport = stack.security === 'none' ? this.#framed : new Traffic()
  }

  /** What the library hands to the layer below it, up to this call. */
  get application(): Traffic {
    this.#count()
    return this.#application
  }

  /** What WebSocket made of it, up to this call. */
  get framed(): Traffic {
    this.#count()
    return this.#framed
  }

  /** What is handed to TCP, up to this call. */
  get transport(): Traffic {
    this.#count()
    return this.#transport
  }

  /** Connections whose sockets are still open. */
  get stillOpen(): number {
    return this.#connections.size
  }

  open(loop: NodeLoop, device: Device, local: string): Pile {
    const { stack, server } = this.#config
    const connection = new Connection({
      local,
      remote: this.#remote,
      noDelay: stack.tcp.nodelay,
      tls: this.#context === null ? null : { context: this.#context, serverName: server.name },
      webSocket: this.#webSocket,
      established: (socket: Socket) => (this.tcp.found ??= tcpOfNode(socket)),
    })
    this.#connections.add(connection)
    connection.stream.once('close', () => {
      connection.count(this.#application, this.#framed, this.#transport)
      this.#connections.delete(connection)
    })
    const config = this.#sessionConfig(device.index)
    const session = new MqttReference(config, device, connection, () => loop.arm(device))
    return {
      session,
      framing: null,
      security: connection.secure ? securityOf(connection) : null,
      // Such a workload is unsupported: Node has no way to say nothing.
      vanish: () => connection.stream.destroy(),
    }
  }

  #count(): void {
    for (const connection of this.#connections)
      connection.count(this.#application, this.#framed, this.#transport)
  }

  #sessionConfig(device: number) {
    const { stack, server, registration, seed } = this.#config
    return {
      device,
      reliability: stack.reliability,
      options: stack.options,
      serverName: server.name,
      password: this.#password,
      random: new Random(seed, device, this.#opened++),
      registration,
    }
  }
}

/** What a device asks of the security layer; its timers are Node's. */
const securityOf = (connection: Connection): Pile['security'] => ({
  get openedAt() {
    return connection.transportAt
  },
  negotiated: () => connection.negotiated(),
  deadline: () => NEVER,
  expire: () => {},
})
