/** Both QUIC clients, ready to be put into a world: for tests. */
import { SECOND } from '../core/clock.ts'
import { Traffic } from '../core/layer.ts'
import { OpenSslQuicClient, OpenSslQuicContext } from './openssl-quic.ts'
import type { ClientChanges } from './quic-contract.cases.ts'
import type { QuicTickets } from './quic-tickets.ts'
import type { Joined, World } from './quic-world.cases.ts'
import { clientContext, NAME, PKI } from './quic-world.cases.ts'
import type { TlsTickets } from './tls-tickets.ts'

export const OPENSSL = { alpn: 'mqtt', idleTimeout: 30 * SECOND, authority: PKI.authority }
const overQuiche = clientContext()
const overOpenSsl = new OpenSslQuicContext(OPENSSL)

const differs = (changes: object): boolean => Object.keys(changes).length > 0

const identityOf = <T>(device: number, tickets?: T) => ({
  device,
  ...(tickets === undefined ? {} : { tickets }),
})

export const joinOverQuiche = (
  world: World,
  { name = NAME, device = 0, tickets, ...changes }: ClientChanges<QuicTickets> = {},
): Joined => {
  const context = differs(changes) ? clientContext(changes) : overQuiche
  return world.join({ context, name, identity: identityOf(device, tickets) })
}

export const joinOverOpenSsl = (
  world: World,
  { name = NAME, device = 0, tickets, ...changes }: ClientChanges<TlsTickets> = {},
): Joined<OpenSslQuicClient> => {
  const context = differs(changes)
    ? new OpenSslQuicContext({ ...OPENSSL, ...changes })
    : overOpenSsl
  const identity = identityOf(device, tickets)
  return world.attach(new OpenSslQuicClient(context, new Traffic(), name, identity))
}
