/**
 * Entry point of the process that is the QUIC front end. Its one argument is the file of its configuration. It ends by a signal: what
 * it has is in memory.
 */
import { readFileSync } from 'node:fs'
import { EpollReactor } from '../../io/epoll.ts'
import { QuicContext } from '../../transports/quic-context.ts'
import type { QuicFrontConfiguration } from './configuration.ts'
import { listenQuic } from './front.ts'

const [file = ''] = process.argv.slice(2)
const { listen, broker, chain, key, ticketKey, limits, ...options } = JSON.parse(
  readFileSync(file, 'utf8'),
) as QuicFrontConfiguration
const context = QuicContext.server({
  ...options,
  certificate: readFileSync(chain, 'utf8'),
  key: readFileSync(key, 'utf8'),
  ...(ticketKey === undefined ? {} : { ticketKey: readFileSync(ticketKey) }),
})

using reactor = new EpollReactor()
listenQuic(reactor, { context, listen, broker, limits: limits ?? {} })
process.stderr.write(`listening on ${listen.host}, port ${listen.port}\n`)
reactor.run()
