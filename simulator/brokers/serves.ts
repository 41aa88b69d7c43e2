/** What a product can serve, and where. */
import type { Stack } from '../core/types.ts'
import type { BrokerProduct } from './broker.ts'

type Wanted = Pick<Stack, 'protocol' | 'framing' | 'security'>

/** The port at which devices of such a stack connect; null where the product does not serve it. */
export const devicePort = (
  product: BrokerProduct,
  { protocol, framing, security }: Wanted,
): number | null => {
  const ports = framing === 'none' ? product.ports[protocol] : product.websocket?.[protocol]
  if (ports === undefined || !product.serves[protocol]?.includes(security)) return null
  return security === 'none' ? ports.plain : ports.secure
}
