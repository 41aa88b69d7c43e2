/** The keys of a stack's `tls`, `dtls` and `tcp`: what each means, what it may be, what it is when it is absent. */
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { DtlsOptions, TcpOptions } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { DTLS_CIPHERS, GROUPS, TLS_CIPHERS, TLS_PSK_CIPHERS } from './ciphers.ts'
import { defaulted, optional, record } from './containers.ts'
import { located, refined, type Rule } from './rule.ts'
import { choice, flag, integer, quantity } from './scalars.ts'

/** With its place: what it goes with is checked elsewhere. */
const locatedFlag = located(flag())

export const tls = record({
  version: defaulted('TLS version, the only one offered.', choice(['1.2', '1.3'] as const), '1.3'),
  group: defaulted('Key exchange group, the only one offered.', located(GROUPS), 'X25519'),
  cipher: optional(
    'Cipher suite, the only one offered. Default: AES-128-GCM of the version.',
    located(choice([...TLS_CIPHERS['1.3'], ...TLS_CIPHERS['1.2'], ...TLS_PSK_CIPHERS['1.2']])),
  ),
  resumption: defaulted(
    'Keep session tickets, and resume with them when connecting again.',
    locatedFlag,
    false,
  ),
  early_data: defaulted(
    'With resumption: what a device says goes with its first flight; via: front-end.',
    locatedFlag,
    false,
  ),
})

export const dtls: Rule<DtlsOptions> = refined(
  record(
    {
      cipher: defaulted(
        'Cipher suite, the only one offered.',
        choice(DTLS_CIPHERS),
        'PSK-AES128-CCM8',
      ),
      mtu: defaulted(
        'Largest UDP payload of a handshake datagram.',
        quantity('size', 256, 16_384),
        '1152 B',
      ),
      resumption: defaulted(
        'Resume sessions when reconnecting.',
        flag({ value: true, instead: 'Every connection makes a full handshake: leave it out.' }),
        false,
      ),
      rehandshake_after: optional(
        'A device shakes hands anew after so many retransmissions in a row without an answer; default: never.',
        integer(1, 100),
      ),
    },
    { rehandshake: 'rehandshake_after' },
  ),
  ({ cipher, mtu, rehandshake_after = null }) => ({
    cipher,
    mtu,
    rehandshakeAfter: rehandshake_after,
  }),
)

/** The kernel takes these times as whole numbers of a unit. */
const whole = (unit: number, least: number, most: number): Rule<number> =>
  refined(quantity('duration', least, most), (value, node, path, problems) => {
    if (value % unit === 0) return value
    problems.add(node, path, {
      found: formatQuantity(value, 'duration'),
      allowed: `a whole number of ${unit === SECOND ? 's' : 'ms'}, because the kernel counts in them`,
    })
    return undefined
  })

export const tcp: Rule<TcpOptions> = refined(
  record(
    {
      nodelay: defaulted(
        "TCP_NODELAY on the devices' sockets: no Nagle algorithm. The servers' sockets always have it.",
        flag(),
        true,
      ),
      congestion: defaulted(
        'Congestion control at both ends.',
        choice(['cubic', 'reno', 'bbr'] as const),
        'cubic',
      ),
      initial_window: optional("Segments; default: the kernel's.", integer(1, 1000)),
      keepalive: optional(
        "Idle time before the first probe, and between probes, on the devices' sockets; default: off.",
        // The kernel's most is 32 767 s (MAX_TCP_KEEPIDLE).
        whole(SECOND, SECOND, 32_767 * SECOND),
      ),
      rto_min: optional(
        "The least retransmission timeout; default: the kernel's.",
        whole(MILLISECOND, MILLISECOND, 60 * SECOND),
      ),
      user_timeout: optional(
        "TCP_USER_TIMEOUT on the devices' sockets; default: the kernel's.",
        whole(MILLISECOND, MILLISECOND, 24 * 3600 * SECOND),
      ),
      notsent_lowat: optional(
        "TCP_NOTSENT_LOWAT on the devices' sockets: the kernel takes no more while so much is unsent; default: no limit.",
        quantity('size', 1, 2 ** 30),
      ),
      timestamps: defaulted('TCP timestamps at both ends (RFC 7323).', flag(), true),
    },
    {
      nagle: 'nodelay, which is its opposite',
      cc: 'congestion',
      congestion_control: 'congestion',
      initcwnd: 'initial_window',
      iw: 'initial_window',
      keep_alive: 'keepalive',
      min_rto: 'rto_min',
    },
  ),
  (values) => ({
    nodelay: values.nodelay,
    congestion: values.congestion,
    initialWindow: values.initial_window ?? null,
    keepalive: values.keepalive ?? null,
    rtoMin: values.rto_min ?? null,
    userTimeout: values.user_timeout ?? null,
    notsentLowat: values.notsent_lowat ?? null,
    timestamps: values.timestamps,
  }),
)
