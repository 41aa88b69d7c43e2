/**
 * A device's session by the npm package `mqtt`, with the options that it has by default. It reconnects no session: a device does that
 * itself, whatever its client. The package has no back pressure of its own, so the session asks the socket.
 */
import { MqttClient } from 'mqtt'
import type { Nanoseconds } from '../../core/clock.ts'
import { monotonic, NEVER } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import { PEER_CLOSED } from '../../io/causes.ts'
import { settingsOf } from '../../protocols/mqtt/options.ts'
import { reasonInWords } from '../../protocols/mqtt/reasons.ts'
import { topicOf } from '../../protocols/mqtt/topic.ts'
import type { DeviceEvents, SessionConfig } from '../../protocols/session.ts'
import type { Connection } from './connection.ts'
import { causeOfDisconnect, causeOfError } from './mqtt-causes.ts'

/** The levels of `Reliability`. */
const QOS = { 'best-effort': 0, acknowledged: 1, 'exactly-once': 2 } as const

/** What `publish` calls back with. */
type Answer = (Error & { readonly code?: number | string }) | null | undefined

export class MqttReference {
  readonly #connection: Connection
  readonly #events: DeviceEvents
  /** Called after each event, because the package's own callbacks are seen by nobody else. */
  readonly #told: () => void
  readonly #client: MqttClient
  readonly #topic: string
  readonly #qos: 0 | 1 | 2
  #receiveMaximum = 65_535
  #outstanding = 0
  #ready = false
  #over = false
  /** `send` was refused: `unblocked` is owed. */
  #refused = false
  #cause: Cause = PEER_CLOSED

  constructor(
    config: SessionConfig,
    events: DeviceEvents,
    connection: Connection,
    told: () => void,
  ) {
    this.#connection = connection
    this.#events = events
    this.#told = told
    this.#topic = topicOf('d', config.device)
    this.#qos = QOS[config.reliability]
    const { v5, keepAlive } = settingsOf(config.options)
    const client = new MqttClient(() => connection.stream, {
      clientId: deviceName(config.device),
      protocolVersion: v5 ? 5 : 4,
      keepalive: keepAlive,
      clean: true,
      reconnectPeriod: 0,
    })
    this.#client = client
    client.on('connect', ({ properties }) => this.#accepted(properties ?? {}))
    client.on('disconnect', ({ reasonCode, properties }) => {
      this.#cause = causeOfDisconnect(reasonCode ?? 0, properties?.reasonString)
    })
    // What ends no connection by itself, such as a malformed packet, ends it here.
    client.on('error', (error) => this.#fail(causeOfError(error)))
    client.on('close', () => this.#ended())
    connection.stream.on('drain', () => this.#release())
  }

  get openedAt(): Nanoseconds {
    return this.#connection.readyAt
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.#ready || this.#over) return false
    if (this.#blocked()) {
      this.#refused = true
      return false
    }
    if (this.#qos > 0) this.#outstanding++
    // A copy, because the package keeps it until it is acknowledged; and a closure, because it hands nothing else back.
    this.#client.publish(this.#topic, Buffer.from(payload), { qos: this.#qos }, (error) =>
      this.#answered(sequence, error),
    )
    this.#events.transmitted(sequence, now)
    return true
  }

  outstanding(): number {
    return this.#outstanding
  }

  /** Its timers are the package's own. */
  deadline(): Nanoseconds {
    return NEVER
  }

  expire(): void {}

  close(): void {
    if (this.#over) return
    this.#over = true
    // Without force the package waits for acknowledgements, sends DISCONNECT, and ends the stream.
    this.#client.end(!this.#ready)
  }

  #blocked(): boolean {
    // [MQTT-4.9.0-2]: the package leaves the server's Receive Maximum to its user.
    return this.#outstanding >= this.#receiveMaximum || this.#connection.stream.writableNeedDrain
  }

  #accepted({
    receiveMaximum,
    maximumQoS,
  }: {
    receiveMaximum?: number
    maximumQoS?: number
  }): void {
    if (this.#over) return
    if (maximumQoS !== undefined && maximumQoS < this.#qos) {
      const detail = `the server takes at most QoS ${maximumQoS} [MQTT-3.2.2-11]`
      return this.#fail({ code: 'protocol', detail })
    }
    this.#receiveMaximum = receiveMaximum ?? this.#receiveMaximum
    this.#ready = true
    this.#events.sessionReady(monotonic())
    this.#told()
  }

  #answered(sequence: number, error: Answer): void {
    const reason = error?.code
    // Without a reason of the server the connection ends, which the device is told, and sends again.
    if (this.#over || this.#qos === 0 || (error && typeof reason !== 'number')) return
    this.#outstanding--
    const now = monotonic()
    if (typeof reason === 'number')
      this.#events.gaveUp(sequence, `PUBACK: ${reasonInWords(reason)}`, now)
    else this.#events.acknowledged(sequence, now)
    this.#release()
  }

  #release(): void {
    if (this.#refused && !this.#over && !this.#blocked()) {
      this.#refused = false
      this.#events.unblocked(monotonic())
    }
    this.#told()
  }

  #fail(cause: Cause): void {
    this.#cause = cause
    if (!this.#over) this.#client.end(true)
  }

  #ended(): void {
    if (this.#over) return
    this.#over = true
    const { code, detail } = this.#cause
    const when = this.#ready ? '' : ' (before CONNACK)'
    this.#events.ended({ code, detail: detail + when }, monotonic())
    this.#told()
  }
}
