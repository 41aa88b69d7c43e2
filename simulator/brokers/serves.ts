/** What a product can serve, and where. */
import type { Stack } from '../core/types.ts'
import type { BrokerProduct } from './broker.ts'
import { frontEndPort } from './front-end/program.ts'

/** `via` absent: direct. */
type Wanted = Pick<Stack, 'protocol' | 'framing' | 'security'> & { readonly via?: Stack['via'] }

/** The port at which devices of such a stack connect, at the product or at the front end before it; null where the product does not serve it. */
export const devicePort = (product: BrokerProduct, wanted: Wanted): number | null => {
  const { protocol, framing, security, via } = wanted
  if (via === 'front-end')
    return brokerPort(product, protocol) === null ? null : frontEndPort(wanted)
  if (!product.serves[protocol]?.includes(security)) return null
  if (security === 'quic')
    return framing === 'none' ? (product.quic?.[protocol]?.port ?? null) : null
  const ports = framing === 'none' ? product.ports[protocol] : product.websocket?.[protocol]
  if (ports === undefined) return null
  return security === 'none' ? ports.plain : ports.secure
}

/** The port at which the product itself takes connections without security; null where it does not. */
export const brokerPort = (product: BrokerProduct, protocol: string): number | null =>
  product.serves[protocol]?.includes('none') ? (product.ports[protocol]?.plain ?? null) : null
