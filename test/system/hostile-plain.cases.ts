/** What hostile bytes are fed to, without encryption: sessions, servers, the link's packet reader, the scenario reader. */
import assert from 'node:assert/strict'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { ThingbenchError } from '../../simulator/core/errors.ts'
import type { Cause, Lower } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import type { Random } from '../../simulator/core/random.ts'
import type { LinkProfile } from '../../simulator/core/link-profile.ts'
import type { DirectionIndex } from '../../simulator/network/emulator/channel.ts'
import { Headers, TCP } from '../../simulator/network/emulator/packet.ts'
import { TcpFlows } from '../../simulator/network/emulator/tcp-flows.ts'
import { CoapServer } from '../../simulator/protocols/coap/server.ts'
import { CoapDevice } from '../../simulator/protocols/coap/session.ts'
import { MqttConsumer } from '../../simulator/protocols/mqtt/consumer.ts'
import { MqttDevice } from '../../simulator/protocols/mqtt/device.ts'
import type {
  ConsumerEvents,
  ConsumerSession,
  DeviceEvents,
  DeviceSession,
} from '../../simulator/protocols/session.ts'
import { XmppConsumer } from '../../simulator/protocols/xmpp/consumer.ts'
import { XmppDevice } from '../../simulator/protocols/xmpp/device.ts'
import { NS_SASL } from '../../simulator/protocols/xmpp/namespaces.ts'
import {
  BOUND,
  FEATURES,
  HEADER,
  MECHANISMS,
  SUCCESS,
} from '../../simulator/protocols/xmpp/server.fixture.ts'
import { catalogue } from '../../simulator/run/catalogue.ts'
import { folderProfiles, parseScenario, PROFILES } from '../../simulator/scenario/load.ts'
import type { Subject, Target } from './hostile.cases.ts'

const T0: Nanoseconds = 1e12
const PAYLOAD = Buffer.from('AAAAAAAA')

/** Counts what a session says, and holds it to saying its end once. */
class Heard implements DeviceEvents, ConsumerEvents {
  ready = 0
  messages = 0
  /** Bytes that the parser was given. */
  fed = 0
  cause: Cause | null = null
  readonly #taken = new Set<number>()
  sessionReady(): void {
    this.ready++
    assert.equal(this.ready, 1, 'ready twice')
  }
  consumerReady(): void {
    this.sessionReady()
  }
  transmitted(sequence: number): void {
    this.#taken.add(sequence)
  }
  acknowledged(sequence: number): void {
    assert.ok(this.#taken.delete(sequence), `message ${sequence} was not outstanding`)
    this.messages++
  }
  gaveUp(sequence: number): void {
    assert.ok(this.#taken.delete(sequence), `message ${sequence} was not outstanding`)
  }
  unblocked(): void {}
  received(device: number, payload: Uint8Array): void {
    assert.ok(Number.isInteger(device) && device >= -1, `device ${device}`)
    assert.ok(payload.length <= this.fed, 'a payload longer than all that came')
    this.messages++
  }
  ended(cause: Cause): void {
    assert.equal(this.cause, null, 'ended twice')
    assert.notEqual(cause.code, 'local')
    this.cause = cause
  }
}

/** Counts what a session sends, and holds it to closing below exactly when it has ended. */
class Below implements Lower {
  readonly traffic = new Traffic()
  bytes = 0
  closes = 0
  full = false
  last: Uint8Array = new Uint8Array()
  fromAbove(bytes: Uint8Array): boolean {
    if (this.full) return false
    this.bytes += bytes.length
    this.last = bytes.slice()
    return true
  }
  close(): void {
    this.closes++
  }
}

/** Bytes that a session may send in answer to one input, as a multiple of its length; above a floor. */
const AMPLIFIED = 64
const FLOOR = 1024

type Session = DeviceSession | ConsumerSession

/** A session of a stream, fed in pieces of random length. */
const streamSubject = (
  session: Session,
  heard: Heard,
  below: Below,
  samples: readonly Uint8Array[] = [],
): Subject => ({
  samples,
  feed(input, random) {
    const before = below.bytes
    heard.fed += input.length
    for (let at = 0; at < input.length && heard.cause === null;) {
      const piece = random.integer(3) === 0 ? 1 + random.integer(8) : input.length
      below.full = random.integer(16) === 0
      session.fromBelow(input.subarray(at, at + piece), T0)
      if (below.full && heard.cause === null) {
        below.full = false
        session.ready(T0)
      }
      at += piece
    }
    assert.ok(!Number.isNaN(session.deadline()))
    assert.equal(below.closes, heard.cause === null ? 0 : 1, 'closes below')
    assert.ok(below.bytes - before <= FLOOR + AMPLIFIED * input.length, 'amplified')
    if ('outstanding' in session) assert.ok(session.outstanding() >= 0)
  },
  over: () => heard.cause !== null,
  accepted: () => heard.messages,
})

const config = (random: Random, options: Readonly<Record<string, string>>) =>
  ({
    device: 42,
    devices: 100,
    reliability: 'acknowledged',
    options,
    serverName: 'x.test',
    password: 'secret',
    random,
    registration: 'resource-directory',
  }) as const

const mqtt = (role: 'device' | 'consumer'): Target => ({
  name: `mqtt-${role}`,
  lifetime: 16,
  longestRandom: 200,
  fresh(random) {
    const version = random.integer(2) === 0 ? '5' : '3.1.1'
    const reliability = random.integer(2) === 0 ? 'acknowledged' : 'exactly-once'
    const [heard, below] = [new Heard(), new Below()]
    const session =
      role === 'device'
        ? new MqttDevice({ ...config(random, { version }), reliability }, heard)
        : new MqttConsumer({ ...config(random, { version }), reliability }, heard)
    session.below = below
    session.open(T0)
    if (random.integer(8) > 0) {
      session.fromBelow(Buffer.from(version === '5' ? '2003000000' : '20020000', 'hex'), T0)
      if (session instanceof MqttDevice) for (let k = 0; k < 3; k++) session.send(k, PAYLOAD, T0)
    }
    return streamSubject(session, heard, below)
  },
})

const LOGIN = [HEADER + MECHANISMS, SUCCESS, HEADER + FEATURES, BOUND]

/** What a server answers to the first message of SCRAM-SHA-256 that is in `sent`; nothing when there is none. */
const challenges = (sent: Uint8Array): Uint8Array[] => {
  const first = /<auth[^>]*'SCRAM-SHA-256'[^>]*>([^<]+)</.exec(Buffer.from(sent).toString())?.[1]
  if (first === undefined) return []
  const nonce = /r=(.+)$/.exec(Buffer.from(first, 'base64').toString())?.[1] ?? ''
  const challenge = Buffer.from(`r=${nonce}server,s=QUJDRA==,i=4096`).toString('base64')
  return [Buffer.from(`<challenge xmlns='${NS_SASL}'>${challenge}</challenge>`)]
}

const xmpp = (role: 'device' | 'consumer'): Target => ({
  name: `xmpp-${role}`,
  lifetime: 16,
  longestRandom: 120,
  fresh(random) {
    // PBKDF2 with the server's count of iterations is dear: one log-in in 64 comes so far.
    const sasl = random.integer(64) === 0 ? 'SCRAM-SHA-256' : 'PLAIN'
    const [heard, below] = [new Heard(), new Below()]
    const session =
      role === 'device'
        ? new XmppDevice(config(random, { sasl }), heard)
        : new XmppConsumer(config(random, { sasl }), heard)
    session.below = below
    session.open(T0)
    const steps = sasl === 'PLAIN' && random.integer(8) > 0 ? 4 : random.integer(2)
    for (const step of LOGIN.slice(0, steps)) session.fromBelow(Buffer.from(step), T0)
    if (heard.ready === 1 && session instanceof XmppDevice)
      for (let k = 0; k < 3; k++) session.send(k, PAYLOAD, T0)
    return streamSubject(session, heard, below, challenges(below.last))
  },
})

const coapDevice: Target = {
  name: 'coap-device',
  lifetime: 64,
  longestRandom: 60,
  fresh(random) {
    const [heard, below] = [new Heard(), new Below()]
    const device = new CoapDevice(config(random, { nstart: 0 } as never), heard)
    device.below = below
    device.open(T0)
    const answer = (code: string): Uint8Array => {
      // An ACK with the message ID, and the token of the same two bytes.
      const id = Buffer.from(below.last.subarray(2, 4)).toString('hex')
      return Buffer.from(`62${code}${id}${id}`, 'hex')
    }
    device.fromBelow(answer('41'), T0)
    const samples: Uint8Array[] = []
    for (let k = 0; k < 10; k++) {
      device.send(k, PAYLOAD, T0)
      samples.push(answer('44'))
    }
    let at = T0
    return {
      samples,
      feed(input, random) {
        const before = below.bytes
        device.fromBelow(input, ++at)
        if (random.integer(16) === 0 && device.deadline() < at + 1e9) {
          at = device.deadline()
          device.expire(at)
          return
        }
        // ACK or RST.
        assert.ok(below.bytes - before <= 4, 'amplified')
        assert.ok(device.outstanding() >= 0 && device.outstanding() <= 10)
      },
      over: () => heard.cause !== null,
      accepted: () => heard.messages,
    }
  },
}

const coapServer: Target = {
  name: 'coap-server',
  lifetime: 2000,
  longestRandom: 60,
  fresh(random) {
    const heard = new Heard()
    let longest = 0
    let replies = 0
    const server = new CoapServer(config(random, {}), heard)
    server.below = {
      toPeer: (_, bytes) => {
        replies++
        longest = Math.max(longest, bytes.length)
      },
      close: () => {},
      traffic: new Traffic(),
    }
    let at = T0
    return {
      feed(input, random) {
        const [before, messages] = [replies, heard.messages]
        heard.fed += input.length
        server.fromPeer(random.integer(50), input, ++at)
        assert.ok(replies - before <= 1, 'more than one reply')
        // Version 1, and a token of at most 8 bytes (RFC 7252 section 3): of anything else nothing is delivered.
        const first = input[0] ?? 0
        const isMessage = first >> 6 === 1 && (first & 15) <= 8
        assert.ok(isMessage || heard.messages === messages, 'delivered what is no message')
        // Header, longest token, and the listing of /.well-known/core.
        assert.ok(longest <= 200, `a reply of ${longest} bytes`)
      },
      over: () => false,
      accepted: () => heard.messages,
    }
  },
}

const packet: Target = {
  name: 'packet',
  lifetime: 1000,
  longestRandom: 120,
  fresh() {
    const headers = new Headers()
    const flows = new TcpFlows(8)
    const buffer = new Uint8Array(16384)
    let accepted = 0
    return {
      feed(input, random) {
        const offset = random.integer(8)
        buffer.set(input, offset)
        // Half of them with the length that their header should have.
        if (input.length >= 20 && random.integer(2) === 0) {
          buffer[offset + 2] = input.length >> 8
          buffer[offset + 3] = input.length & 255
        }
        if (!headers.read(buffer, offset, input.length)) return
        assert.equal(headers.length, input.length)
        assert.ok(headers.ipHeader >= 20 && headers.ipHeader <= input.length)
        assert.ok(headers.payload >= 0, `a payload of ${headers.payload} bytes`)
        assert.ok(headers.sourcePort <= 65535 && headers.destinationPort <= 65535)
        if (headers.protocol !== TCP) return
        accepted++
        const direction = random.integer(2) as DirectionIndex
        assert.equal(typeof flows.retransmitted(random.integer(8), direction, headers), 'boolean')
      },
      over: () => false,
      accepted: () => accepted,
    }
  },
}

/** The profiles, each read once: reading files is not what is tested. */
const profiles = (() => {
  const found = folderProfiles(PROFILES)
  const links = new Map<string, LinkProfile>(found.names.map((name) => [name, found.read(name)]))
  return { names: found.names, read: (name: string) => links.get(name) as LinkProfile }
})()

const scenario: Target = {
  name: 'scenario',
  lifetime: 1,
  longestRandom: 400,
  fresh() {
    let accepted = 0
    return {
      feed(input) {
        try {
          const found = parseScenario(input, 'hostile.yaml', catalogue, profiles)
          assert.ok(found.stacks.length > 0 && found.links.length > 0)
          accepted++
        } catch (error) {
          if (!(error instanceof ThingbenchError)) throw error
          assert.equal(error.code, 'TB_SCENARIO_INVALID')
          assert.ok(error.message.length < 1e6)
        }
      },
      over: () => false,
      accepted: () => accepted,
    }
  },
}

export const PLAIN: readonly Target[] = [
  mqtt('device'),
  mqtt('consumer'),
  coapDevice,
  coapServer,
  xmpp('device'),
  xmpp('consumer'),
  packet,
  scenario,
]
