/** The requests of a device, as templates: the bytes before the payload, to be stamped with message ID and token. */
import { deviceName } from '../../core/device-name.ts'
import type { SessionConfig } from '../session.ts'
import {
  CON,
  CONTENT_FORMAT,
  GET,
  HEADER,
  LINK_FORMAT,
  NON,
  NO_RESPONSE,
  PAYLOAD_MARKER,
  POST,
  PUT,
  URI_PATH,
  URI_QUERY,
} from './message.ts'
import { MessageWriter } from './message-writer.ts'

/**
 * Two bytes are the shortest token that always serves: a message ID is not used again within EXCHANGE_LIFETIME, so a token
 * equal to it is unique among requests that can still be answered, late separate responses included. (One byte would do for
 * NSTART = 1 as long as nothing is answered late; RFC 7252 section 5.3.1 leaves the length to the client.)
 */
export const TOKEN = 2

/** No answer of any class is wanted: 2.xx (2), 4.xx (8), 5.xx (16) (RFC 7967 section 2.1). */
const NO_ANSWER = Uint8Array.of(2 + 8 + 16)

export const COMMAND_PATH = 'c'
export const BROADCAST_PATH = 'f'

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const writer = new MessageWriter(256)
const blank = new Uint8Array(TOKEN)

/**
 * One telemetry message: POST /d/000042, or PUT where the server creates what is put (libcoap's coap-server).
 *
 * A NON request is answered in plain RFC 7252 (section 5.2.3), which would make best-effort a two-way exchange. No-Response
 * (RFC 7967) is the standard's way to ask for silence: 3 bytes up instead of a datagram down. Nothing being answered, it
 * needs no token.
 */
export const telemetryTemplate = (config: SessionConfig): Uint8Array => {
  const confirmable = config.reliability !== 'best-effort'
  const method = config.registration === 'time-resource' ? PUT : POST
  writer.begin(confirmable ? CON : NON, method, 0, blank, 0, confirmable ? TOKEN : 0)
  writer.option(URI_PATH, ascii('d'))
  writer.option(URI_PATH, ascii(deviceName(config.device).slice(1)))
  if (!confirmable) writer.option(NO_RESPONSE, NO_ANSWER)
  return writer.message().slice()
}

/**
 * What the server says to a device: POST /c, a command, which is answered with content, or POST /f, the same to all devices. A NON
 * command needs its token, because its response carries nothing else of it (section 5.3.1).
 */
export const speechTemplate = (
  hears: 'commands' | 'broadcasts',
  confirmable: boolean,
): Uint8Array => {
  const answered = confirmable || hears === 'commands'
  writer.begin(confirmable ? CON : NON, POST, 0, blank, 0, answered ? TOKEN : 0)
  writer.option(URI_PATH, ascii(hears === 'commands' ? COMMAND_PATH : BROADCAST_PATH))
  if (!answered) writer.option(NO_RESPONSE, NO_ANSWER)
  return writer.message().slice()
}

/**
 * The request whose response makes the session ready: a registration with an empty list of links at a resource directory
 * (POST /rd?ep=d000042, RFC 9176 section 5; its default lifetime of 25 hours outlasts any run), or GET /time.
 */
export const registrationRequest = (config: SessionConfig): Uint8Array => {
  if (config.registration === 'time-resource') {
    writer.begin(CON, GET, 0, blank, 0, TOKEN)
    writer.option(URI_PATH, ascii('time'))
  } else {
    writer.begin(CON, POST, 0, blank, 0, TOKEN)
    writer.option(URI_PATH, ascii('rd'))
    writer.option(CONTENT_FORMAT, Uint8Array.of(LINK_FORMAT))
    writer.option(URI_QUERY, ascii(`ep=${deviceName(config.device)}`))
  }
  return writer.message().slice()
}

/** Bytes of the message that `compose` makes. */
export const composedLength = (template: Uint8Array, payload: Uint8Array): number =>
  template.length + (payload.length === 0 ? 0 : 1 + payload.length)

/** Fills `datagram`, which has exactly the composed length, with template and payload. The token of a CON is its message ID. */
export const compose = (
  datagram: Uint8Array,
  template: Uint8Array,
  id: number,
  payload: Uint8Array,
): void => {
  datagram.set(template)
  datagram[2] = id >>> 8
  datagram[3] = id
  if (((template[0] as number) & 15) === TOKEN) {
    datagram[HEADER] = id >>> 8
    datagram[HEADER + 1] = id
  }
  if (payload.length === 0) return
  datagram[template.length] = PAYLOAD_MARKER
  datagram.set(payload, template.length + 1)
}
