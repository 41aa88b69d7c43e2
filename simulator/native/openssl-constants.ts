/** Numbers from OpenSSL's ssl.h, bio.h, tls1.h and dtls1.h that are macros there. */

/** Versions on the wire. */
export const TLS1_2 = 0x0303
export const TLS1_3 = 0x0304
export const DTLS1_2 = 0xfefd

/** SSL_CTX_set_options. */
export const SSL_OP_NO_QUERY_MTU = 2 ** 12
export const SSL_OP_COOKIE_EXCHANGE = 2 ** 13
export const SSL_OP_NO_TICKET = 2 ** 14
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30

/** SSL_CTX_ctrl and SSL_ctrl. */
export const SSL_CTRL_EXTRA_CHAIN_CERT = 14
export const SSL_CTRL_SET_MTU = 17
export const SSL_CTRL_MODE = 33
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44
export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55
export const DTLS_CTRL_GET_TIMEOUT = 73
export const DTLS_CTRL_HANDLE_TIMEOUT = 74
export const SSL_CTRL_SET_GROUPS_LIST = 92
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
export const SSL_CTRL_SET_MAX_PROTO_VERSION = 124

export const SSL_MODE_ENABLE_PARTIAL_WRITE = 1
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2
export const SSL_MODE_RELEASE_BUFFERS = 0x10
export const SSL_SESS_CACHE_OFF = 0
export const SSL_SESS_CACHE_SERVER = 2
export const SSL_VERIFY_NONE = 0
export const SSL_VERIFY_PEER = 1
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2
/** SSL_set_shutdown: both sides have closed the session in an orderly way. */
export const SSL_SHUTDOWN_BOTH = 3

/** SSL_get_error and SSL_want. */
export const SSL_ERROR_WANT_READ = 2
export const SSL_ERROR_WANT_WRITE = 3
export const SSL_ERROR_ZERO_RETURN = 6
export const SSL_READING = 3

/** SSL_read_early_data and SSL_get_early_data_status. */
export const SSL_READ_EARLY_DATA_SUCCESS = 1
export const SSL_READ_EARLY_DATA_FINISH = 2
export const SSL_EARLY_DATA_REJECTED = 1
export const SSL_EARLY_DATA_ACCEPTED = 2

/** The reason code of an alert that was received: this, and the alert's number. */
export const SSL_AD_REASON_OFFSET = 1000

export const BIO_CTRL_RESET = 1
