/** coap-server, the example server of libcoap 4.3 with OpenSSL: it stores what is put and answers, and nobody stands behind it. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { BrokerPlan, BrokerProduct, Launch } from './broker.ts'
import { HERE, type Programs } from './runtimes/programs.ts'

/** The same program with and without DTLS, so that the difference is DTLS. It listens for DTLS on the next port. */
const PROGRAM = 'coap-server-openssl'
const PORT = 5683
/** The hint that coap-server sends when it is given none: lines of the identity file are for one hint. */
const HINT = 'CoAP'

/**
 * The identity file of coap-server: a line "hint,identity,key" for each device. Keys are taken as they are up to the end of the line.
 * @throws ThingbenchError TB_BROKER_KEY for a key that such a line cannot hold
 */
export const identityFile = (psk: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  Buffer.concat(
    [...psk].flatMap(([identity, key]) => {
      if (key.includes(0x00) || key.includes(0x0a))
        throw new ThingbenchError('TB_BROKER_KEY', { broker: libcoap.title, identity })
      return [Buffer.from(`${HINT},${identity},`), key, Buffer.from('\n')]
    }),
  )

const prepare = async (plan: BrokerPlan): Promise<Launch> => {
  const args = ['-A', plan.address, '-p', String(PORT), '-d', String(plan.devices)]
  if (plan.security !== 'dtls-psk') return { command: PROGRAM, args, env: {} }
  const file = join(plan.folder, 'identities')
  await writeFile(file, identityFile(plan.psk), { mode: 0o600 })
  // An identity that is not in the file gets the default key, which nobody knows.
  return {
    command: PROGRAM,
    args: [...args, '-k', randomBytes(16).toString('hex'), '-i', file],
    env: {},
  }
}

const version = async (programs: Programs = HERE): Promise<string | null> => {
  // It knows no option for that, and prints its name and version with the usage after one that it does not know.
  const usage = await programs.ask(PROGRAM, ['-?'])
  return usage === null ? null : (/coap-server\S* v(\S+)/.exec(usage)?.[1] ?? 'unknown')
}

export const libcoap: BrokerProduct = {
  name: 'libcoap',
  title: 'libcoap coap-server (OpenSSL)',
  debianPackage: 'libcoap3-bin',
  program: PROGRAM,
  versions: { from: '4.3', below: '5' },
  serves: { coap: ['none', 'dtls-psk'] },
  hops: 1,
  consumer: 'none',
  audit: {
    consumer: 'none: devices PUT to a resource each, and nobody reads it; only ack.* is measured',
    resources: 'one dynamic resource per device (-d)',
    'PSK identities':
      'an identity that the server does not know is not refused: it gets a default key that nobody has, so the handshake fails without an alert',
    'PSK identity hint': '"CoAP" is sent (default)',
    sessions:
      'kept for 300 s of silence; the cost of a request grows with the number of open sessions (every turn of its loop walks them all)',
    handshakes: 'at most 100 at a time; more are ignored (built in)',
    'response to PUT': '2.01 Created, then 2.04 Changed',
  },
  registration: 'time-resource',
  ports: { coap: { plain: PORT, secure: PORT + 1 } },
  version,
  prepare,
}
