/** Cipher suites and groups that a scenario can ask for, by their OpenSSL names. The first is the default. */
import { choice } from './scalars.ts'

/** TLS_AES_128_GCM_SHA256 is the suite that every TLS 1.3 must have (RFC 8446 section 9.1); the CCM ones are for small devices (RFC 7925). */
export const TLS_CIPHERS = {
  '1.3': [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_CCM_SHA256',
    'TLS_AES_128_CCM_8_SHA256',
  ],
  '1.2': [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-CCM',
    'ECDHE-ECDSA-AES128-CCM8',
  ],
} as const

/** With a pre-shared key. An external key of TLS 1.3 goes with SHA-256 (RFC 8446 section 4.2.11). */
export const TLS_PSK_CIPHERS = {
  '1.3': TLS_CIPHERS['1.3'].filter((cipher) => cipher !== 'TLS_AES_256_GCM_SHA384'),
  '1.2': [
    'PSK-AES128-GCM-SHA256',
    'PSK-AES256-GCM-SHA384',
    'PSK-CHACHA20-POLY1305',
    'PSK-AES128-CCM',
    'PSK-AES128-CCM8',
    'ECDHE-PSK-CHACHA20-POLY1305',
  ],
} as const

/** TLS_PSK_WITH_AES_128_CCM_8 is the suite that every CoAP with pre-shared keys must have (RFC 7252 section 9.1.3.1). */
export const DTLS_CIPHERS = [
  'PSK-AES128-CCM8',
  'PSK-AES128-CCM',
  'PSK-AES128-GCM-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-CHACHA20-POLY1305',
  'ECDHE-PSK-CHACHA20-POLY1305',
] as const

/** The hybrid of X25519 and ML-KEM-768, which is secure against quantum computers too: OpenSSL has it from 3.5 on. */
export const HYBRID = 'X25519MLKEM768'
export const GROUPS = choice(['X25519', 'P-256', 'P-384', HYBRID] as const)
