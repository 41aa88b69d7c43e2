/** One device's MQTT connection: PUBLISH of QoS 0 (best-effort) or 1 (acknowledged) to the device's own topic. */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { publish } from './generate.ts'
import { settingsOf } from './options.ts'
import { PacketIds } from './packet-ids.ts'
import { packetName, PUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import { pubackId, pubackReason } from './parse.ts'
import { FAILURE, reasonInWords } from './reasons.ts'
import { protocolError } from './violation.ts'

/** A server has nothing large to say to a client that only publishes. */
const LARGEST_PACKET = 64 * 1024

export class MqttDevice extends MqttConnection implements DeviceSession {
  readonly #device: number
  readonly #qos: 0 | 1
  readonly #events: DeviceEvents
  readonly #inFlight = new PacketIds()
  #receiveMaximum = 65_535
  #maximumPacketSize = Infinity
  /** `send` was refused: `unblocked` is owed. */
  #refused = false

  constructor(config: SessionConfig, events: DeviceEvents) {
    super(deviceName(config.device), settingsOf(config.options), LARGEST_PACKET)
    this.#device = config.device
    this.#qos = config.reliability === 'best-effort' ? 0 : 1
    this.#events = events
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.connected || this.over) return false
    if (this.stopped || this.#inFlight.size >= this.#receiveMaximum) return this.#refuse()
    const id = this.#qos === 0 ? 0 : this.#inFlight.take(sequence)
    const packet = publish(this.v5, this.#device, this.#qos, id, payload)
    if (packet.length > this.#maximumPacketSize) return this.#tooLarge(packet.length, now)
    if (!this.write(packet, now)) {
      if (id !== 0) this.#inFlight.release(id)
      return this.#refuse()
    }
    this.#events.transmitted(sequence, now)
    return true
  }

  outstanding(): number {
    return this.#inFlight.size
  }

  protected accepted(connack: Connack, now: Nanoseconds): void {
    if (connack.maximumQos < this.#qos) {
      const words = `the server takes at most QoS ${connack.maximumQos} [MQTT-3.2.2-11]`
      this.fail('protocol', words, now, 0x9b)
      return
    }
    this.#receiveMaximum = connack.receiveMaximum
    this.#maximumPacketSize = connack.maximumPacketSize
    this.#events.sessionReady(now)
  }

  protected arrived(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    if (first >> 4 !== PUBACK)
      throw protocolError(
        `${packetName(first >> 4)} to a client that only publishes`,
        'MQTT-4.8.0-1',
      )
    const sequence = this.#inFlight.release(pubackId(this.v5, bytes, start, end))
    if (sequence < 0)
      throw protocolError(
        'PUBACK with an identifier that is not in flight',
        'MQTT-2.3.1-6, in MQTT 5 MQTT-2.2.1-5',
      )
    if (end - start > 2) this.#judged(sequence, bytes, start, end, now)
    else this.#events.acknowledged(sequence, now)
    this.#release(now)
  }

  /** A PUBACK of MQTT 5 with a reason code. */
  #judged(sequence: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const { code, reasonString } = pubackReason(bytes, start, end)
    if (code < FAILURE) this.#events.acknowledged(sequence, now)
    else this.#events.gaveUp(sequence, `PUBACK: ${reasonInWords(code, reasonString)}`, now)
  }

  protected drained(): void {}

  protected writable(now: Nanoseconds): void {
    this.#release(now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }

  #refuse(): false {
    this.#refused = true
    return false
  }

  #release(now: Nanoseconds): void {
    if (!this.#refused || this.over || this.stopped) return
    if (this.#inFlight.size >= this.#receiveMaximum) return
    this.#refused = false
    this.#events.unblocked(now)
  }

  #tooLarge(size: number, now: Nanoseconds): false {
    const words = `a PUBLISH of ${size} bytes; the server takes at most ${this.#maximumPacketSize} [MQTT-3.2.2-15]`
    this.fail('protocol', words, now, 0)
    return false
  }
}
