/**
 * Entry point of the process that is the front end. Its one argument is the file of its configuration. It ends by a signal: what it
 * has is in memory.
 */
import { readFileSync } from 'node:fs'
import { EpollReactor } from '../../io/epoll.ts'
import { TlsContext } from '../../transports/tls-context.ts'
import type { FrontEndConfiguration } from './configuration.ts'
import { listenQuic, quicContext } from './listen-quic.ts'
import { listenStreams } from './listen-streams.ts'

const [file = ''] = process.argv.slice(2)
const { listen, broker, transport, ...files } = JSON.parse(
  readFileSync(file, 'utf8'),
) as FrontEndConfiguration
const certificate = readFileSync(files.chain, 'utf8')
const key = readFileSync(files.key, 'utf8')

using reactor = new EpollReactor()
if (transport.kind === 'quic')
  listenQuic(reactor, {
    context: quicContext(transport, certificate, key),
    listen,
    broker,
    limits: transport.limits ?? {},
  })
else {
  const context = TlsContext.server({ ...transport, certificate, key })
  listenStreams(reactor, { context, listen, broker })
}
process.stderr.write(`listening on ${listen.host}, port ${listen.port}\n`)
reactor.run()
