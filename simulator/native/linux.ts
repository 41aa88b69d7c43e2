/**
 * Numbers of the Linux system call interface (include/uapi), the same on x86-64 and arm64 unless said otherwise.
 * Error numbers are in `os.constants.errno`.
 */
export const O_RDONLY = 0
export const O_RDWR = 2
export const O_NONBLOCK = 0x800
export const O_CLOEXEC = 0x80000
export const F_GETFL = 3
export const F_SETFL = 4
export const LOCK_SH = 1
export const LOCK_EX = 2
export const LOCK_NB = 4

export const POLLIN = 1
export const POLLOUT = 4
export const POLLHUP = 16
/** struct pollfd: int fd, short events, short revents. */
export const POLLFD_SIZE = 8

export const EPOLL_CLOEXEC = 0x80000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLLIN = 1
export const EPOLLOUT = 4
export const EPOLLERR = 8
export const EPOLLHUP = 16
/** struct epoll_event is packed on x86-64 alone. */
export const EPOLL_EVENT_SIZE = process.arch === 'x64' ? 12 : 16
export const EPOLL_EVENT_DATA = process.arch === 'x64' ? 4 : 8

export const AF_INET = 2
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0x800
export const SOCK_CLOEXEC = 0x80000
export const SHUT_WR = 1
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_KEEPALIVE = 9
export const SO_LINGER = 13
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const IPPROTO_IP = 0
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
export const TCP_KEEPIDLE = 4
export const TCP_KEEPINTVL = 5
export const TCP_INFO = 11
export const TCP_CONGESTION = 13
export const TCP_USER_TIMEOUT = 18
export const TCP_NOTSENT_LOWAT = 25
export const TCP_REPAIR = 19
/** struct tcp_info, as far as tcpi_total_retrans, and where some of it is (linux/tcp.h). */
export const TCP_INFO_SIZE = 104
export const TCPI_OPTIONS = 5
export const TCPI_OPT_TIMESTAMPS = 1
export const TCPI_SND_CWND = 80
export const TCPI_TOTAL_RETRANS = 100
/** The longest name of a congestion control algorithm, with its zero. */
export const TCP_CA_NAME_MAX = 16
export const IP_BIND_ADDRESS_NO_PORT = 24
/** struct sockaddr_in. */
export const SOCKADDR_IN_SIZE = 16

export const CLONE_NEWNET = 0x40000000

export const PR_SET_PDEATHSIG = 1
export const PR_SET_TIMERSLACK = 29
export const SCHED_FIFO = 1
export const RLIMIT_NOFILE = 7

export const PROT_READ = 1
export const PROT_WRITE = 2
export const MAP_PRIVATE = 2
export const MAP_ANONYMOUS = 0x20
