/** SCRAM-SHA-256, the client's side, without channel binding (RFC 5802, RFC 7677). */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../core/random.ts'
import type { Mechanism } from './sasl.ts'
import { refused } from './violation.ts'

interface Keys {
  readonly client: Buffer
  readonly stored: Buffer
  readonly server: Buffer
}

/**
 * Keys by password, salt and iteration count. The devices of a fleet share one password, and a server may give them one
 * salt: then PBKDF2, milliseconds of processor time, is paid once per worker, where each real device pays it once in its
 * life (RFC 5802 section 3 lets a client keep them). Nothing else about a log-in is kept.
 */
const cache = new Map<string, Keys>()
/** A server that gives a new salt at each log-in must not fill the memory. */
const MOST_CACHED = 64
/** 4096 is the least that RFC 7677 section 4 asks for; a server that names more than this wants to keep us busy. */
const MOST_ITERATIONS = 1_000_000

const hmac = (key: Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

const keysOf = (password: string, salt: string, iterations: number): Keys => {
  const name = `${iterations} ${salt} ${password}`
  const known = cache.get(name)
  if (known !== undefined) return known
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  const client = hmac(salted, 'Client Key')
  const stored = createHash('sha256').update(client).digest()
  const keys = { client, stored, server: hmac(salted, 'Server Key') }
  if (cache.size >= MOST_CACHED) cache.clear()
  cache.set(name, keys)
  return keys
}

/** A user name as a saslname: RFC 5802 section 5.1. Names and passwords here are ASCII, which SASLprep leaves as it is. */
const saslname = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C')

const NONCE_LENGTH = 24
const NONCE_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** A client nonce of one width, so that every log-in has the same number of bytes. */
export const nonceFrom = (random: Random): string => {
  let nonce = ''
  for (let i = 0; i < NONCE_LENGTH; i++) nonce += NONCE_ALPHABET[random.integer(64)]
  return nonce
}

const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,8})(?:,|$)/

export class ScramSha256 implements Mechanism {
  readonly name = 'SCRAM-SHA-256'
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #serverSignature: Buffer | null = null

  constructor(username: string, password: string, nonce: string) {
    this.#password = password
    this.#nonce = nonce
    this.#firstBare = `n=${saslname(username)},r=${nonce}`
  }

  /** The client-first-message: no channel binding, no authorization identity. */
  initial(): string {
    return `n,,${this.#firstBare}`
  }

  /** The client-final-message, which answers the server-first-message. */
  respond(challenge: string): string {
    const [, nonce = '', salt = '', count = ''] = SERVER_FIRST.exec(challenge) ?? []
    const iterations = Number(count)
    if (this.#serverSignature !== null || nonce === '')
      throw refused('authentication', `SCRAM: the server-first-message is malformed: ${challenge}`)
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw refused('authentication', 'SCRAM: the server did not add to our nonce')
    if (iterations > MOST_ITERATIONS)
      throw refused('authentication', `SCRAM: the server wants ${iterations} iterations`)
    const keys = keysOf(this.#password, salt, iterations)
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#firstBare},${challenge},${withoutProof}`
    const proof = hmac(keys.stored, authMessage)
    for (let i = 0; i < proof.length; i++)
      proof[i] = (proof[i] as number) ^ (keys.client[i] as number)
    this.#serverSignature = hmac(keys.server, authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** Checks the server-final-message: the server must know the password too (RFC 5802 section 3). */
  succeed(data: string): void {
    const signature = Buffer.from(/^v=([^,]+)/.exec(data)?.[1] ?? '', 'base64')
    const expected = this.#serverSignature
    if (
      expected === null ||
      signature.length !== expected.length ||
      !timingSafeEqual(signature, expected)
    )
      throw refused('authentication', "SCRAM: the server's signature is wrong")
  }
}
