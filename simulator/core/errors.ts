/**
 * The error table. Every failure that a user can meet has a code here and a section in docs/errors.md; a test holds the two together.
 * A template names what was attempted, what was found, what is allowed and what to do next; `{name}` is filled in.
 */
export const ERRORS = {
  TB_USAGE: {
    exit: 2,
    text: 'Wrong usage: {problem}. Type "thingbench --help" for the commands and their options.',
  },
  TB_SCENARIO_INVALID: { exit: 2, text: '{file}: {count} found.\n{list}' },
  TB_SCENARIO_UNREADABLE: {
    exit: 2,
    text: 'Cannot read the scenario {file}: {reason}. Type "thingbench list scenarios" for the ones that are here.',
  },
  TB_INTERRUPTED: {
    exit: 3,
    text: 'Interrupted by {signal}. What was measured so far is kept in {folder}, with its report. To measure the rest: thingbench run --resume {folder}',
  },
  TB_NODE: {
    exit: 1,
    text: 'This is Node {found}; thingbench is pinned to {pinned}, because its OpenSSL is part of what is measured. Start it through ./thingbench, which takes the Node of the lockfile.',
  },
  TB_NOT_AVAILABLE: {
    exit: 2,
    text: '{what} is not available yet in this release. Available instead: {instead}.',
  },
  TB_BROKER_DIED: {
    exit: 1,
    text: 'The broker {broker} ended in the middle of the cell ({how}); it should serve to the end. Its last lines say why; after SIGKILL the kernel does (dmesg: out of memory). Mend that, or take fewer devices. Its last lines:\n{log}',
  },
  TB_BROKER_MISSING: {
    exit: 1,
    text: '{title} is not installed: there is no program {program} in {folders}. Install the Debian package {package}: sudo apt-get install --no-install-recommends {package}',
  },
  TB_BROKER_IMAGE: {
    exit: 1,
    text: '{title} is started from an image alone, never as a program of this machine, and no container is used here. It takes a container engine and root (thingbench doctor says what is missing), and --runtime auto or container; or leave out the stacks that need it (--only).',
  },
  TB_BROKER_START: {
    exit: 1,
    text: '{broker} was started and ended ({how}) before it listened on {address}, port {ports}. The folder of the cell has its configuration. Its last lines say why:\n{log}',
  },
  TB_BROKER_SILENT: {
    exit: 1,
    text: '{broker} should listen on {address}, port {ports}, and after {seconds} s it listens on {found}. On a machine under load, run again when it is quiet; otherwise its last lines say what it waits for:\n{log}',
  },
  TB_BROKER_VERSION: {
    exit: 1,
    text: '{title} ({program}) is version {found}; thingbench knows its versions from {from} on and below {below}. Another one may refuse the configuration or have other defaults than the report says. Install one of those, put its folder first on PATH, or leave out the stacks that need it (--only).',
  },
  TB_BROKER_KEY: {
    exit: 1,
    text: 'The key of {identity} has a byte 0x00 or 0x0a, which the identity file of {broker} cannot hold. Keys for it must be printable; or take another broker.',
  },
  TB_CONTAINER_ELSEWHERE: {
    exit: 1,
    text: 'The container of {broker} was started as process {pid} of its engine, which cannot be seen here ({reason}). No link can be laid into it: the engine must run on this machine itself, neither in a virtual machine (Docker Desktop) nor elsewhere (DOCKER_HOST), and thingbench outside of containers, as root. Or take the servers of this machine: --runtime process.',
  },
  TB_CONTAINER_REFUSED: {
    exit: 1,
    text: 'The container engine would not {step} the container of {broker}: {reason}. "docker info" shows what the engine can do, and its warnings; where they say nothing, type "thingbench doctor", or take the servers of this machine: --runtime process.',
  },
  TB_CONTAINER_ROOT: {
    exit: 1,
    text: 'Servers in containers need root, who lays the link into their network namespaces, whoever may use the engine. You are user {user}. Type: {command}',
  },
  TB_ENGINE_ELSEWHERE: {
    exit: 1,
    text: 'The container engine at {socket} ({engine}) runs its containers elsewhere (kernel {kernel}; here: {here}), in a virtual machine or far away: no link can be laid into them. Run thingbench itself there, docker-compose run --rm bench run SCENARIO, name an engine of this machine in DOCKER_HOST, or take the servers of this machine: --runtime process.',
  },
  TB_ENGINE_SILENT: {
    exit: 1,
    text: 'No container engine answers at {reason}. {remedy} Or take the servers of this machine: --runtime process.',
  },
  TB_IMAGE_BUILD: {
    exit: 1,
    text: 'The image {image} could not be built from {folder}: {reason}. {remedy} The last lines of the build:\n{log}',
  },
  TB_IMAGE_PULL: {
    exit: 1,
    text: 'The image {image} is not here, and the engine could not fetch it: {reason}. Fetch it where there is a network (docker pull {image}) and bring it here (docker save, docker load){otherwise}.',
  },
  TB_ROLE_FAILED: {
    exit: 1,
    text: 'The {role} process of the cell failed: {reason} (Where no remedy is named, type "thingbench doctor"; when that finds nothing, please report it with the folder of the cell.)',
  },
  TB_WAITED: {
    exit: 1,
    text: 'Waited {seconds} s for the {who} to say "{what}", and it did not. The machine may be overloaded: end other programs, or take fewer devices, and run again. When a quiet machine does it too, it is a defect of thingbench: please report it with the folder of the cell.',
  },
  TB_LIMIT: { exit: 2, text: 'This machine is too small for the run: {need}. {remedy}.' },
  TB_OUT_FULL: {
    exit: 1,
    text: 'There is no space left in {full} ({reason}). What was finished is kept in {folder}. Free some space, then type: {next}',
  },
  TB_OUT_UNUSABLE: {
    exit: 2,
    text: 'Cannot write results to {folder}: {reason}. Name a folder that you may create and write with --out.',
  },
  TB_OUT_NOT_EMPTY: {
    exit: 2,
    text: '--out {folder} holds {found} entries already. A run is written to a new or empty folder: name another one, or delete it.',
  },
  TB_RUN_BUSY: {
    exit: 1,
    text: 'Another run is measuring on this machine (process {pid}, since {since}, results in {folder}). Two at once would falsify the processor times of both. Nothing was started: wait until it ends, or interrupt it (Ctrl-C keeps what it has finished), and start again.',
  },
  TB_RESUME_NO_RUN: {
    exit: 2,
    text: 'There is no run to continue in {folder}: {problem}. Name the folder of a run that was interrupted; a new run goes to a folder that --out names.',
  },
  TB_RESUME_CHANGED: {
    exit: 2,
    text: 'The run in {folder} cannot be continued, because {question} asks something else than it began with: {count} in scenario.resolved.json.\n{list}\nTake the question and the options that it began with (thingbench run --resume {folder}), or start a new run.',
  },
  TB_RESULTS_UNREADABLE: {
    exit: 1,
    text: 'Cannot read the results in {folder}: {problem}. Give a folder that "thingbench run" wrote, with run.json, scenario.resolved.json and rows.ndjson; it prints its path at the end.',
  },
  TB_LINK_PRIVILEGE: {
    exit: 1,
    text: 'The link could not {call}: {errno}. Network namespaces and TUN devices are for root, also that of a user namespace. {remedy}',
  },
  TB_LINK_TUN: { exit: 1, text: 'The link could not {call}: {errno}. {remedy}' },
  TB_LINK_UNAVAILABLE: {
    exit: 1,
    text: 'Nothing can be measured here, because no link can be made. {reason} {remedy} "thingbench doctor" shows everything that is missing.',
  },
  TB_LINK_SETUP: {
    exit: 1,
    text: 'Setting up a network namespace of the link failed at "{command}": {said}. {remedy}',
  },
  TB_CALIBRATION_OFF: {
    exit: 1,
    text: 'Not what was asked, on this machine now: {list} ({count} in all). End other programs and calibrate again; where it stays so, do not trust runs whose links ask for that.',
  },
  TB_CALIBRATION_INTERRUPTED: {
    exit: 3,
    text: 'Interrupted by {signal}. Nothing of this calibration is kept. To begin again: thingbench calibrate',
  },
  TB_TRACE_CHANGED: {
    exit: 1,
    text: 'The delivery trace {file} is not what it was when the scenario was read: {found}. Leave the file alone during a run; another trace is another question, so begin the run anew.',
  },
  TB_LINK_ACCOUNT: {
    exit: 1,
    text: "The link's account does not close: {arrived} packets arrived or were copied, {known} are known as delivered, lost, overflowed, unreachable, failed or queued. No number of this cell can be trusted. It is a defect of thingbench: please report it with the cell's folder.",
  },
  TB_SYSTEM_CALL: { exit: 1, text: '{call} failed: {errno} ({meaning}). {advice}' },
  TB_OPENSSL_MISSING: {
    exit: 1,
    text: 'Cannot use TLS, DTLS or the QUIC of OpenSSL: OpenSSL in this Node ({node}) lacks {symbols}. Start thingbench through ./thingbench, which takes the Node of the lockfile.',
  },
  TB_QUIC_MISSING: {
    exit: 1,
    text: 'Cannot use QUIC on this machine ({machine}): the package {package} does not load ({reason}). It exists for Linux on x86_64 with glibc 2.34 or newer. There, run npm ci without leaving out optional packages; elsewhere, leave out the stacks on QUIC (--only).',
  },
  TB_TCP_CONGESTION: {
    exit: 1,
    text: 'This kernel has no congestion control "{algorithm}": /proc/sys/net/ipv4/tcp_available_congestion_control has {available}. Load it as root (modprobe tcp_{algorithm}), or ask for one of those (tcp.congestion).',
  },
  TB_TLS_SETUP: { exit: 2, text: '{what} "{found}" cannot be used: {reason}. {advice}' },
  TB_DTLS_DATAGRAM_SIZE: {
    exit: 2,
    text: 'A datagram of {length} bytes cannot be sent through DTLS: a record holds at most 16384 bytes. Make the payload smaller.',
  },
} as const satisfies Record<string, { exit: number; text: string }>

export type ErrorCode = keyof typeof ERRORS

/** The one error class of thingbench: a code of the table and what fills its template. */
export class ThingbenchError extends Error {
  readonly code: ErrorCode
  readonly exit: number
  constructor(
    code: ErrorCode,
    fill: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(
      ERRORS[code].text.replace(/\{(\w+)\}/g, (_, name: string) =>
        String(fill[name] ?? `{${name}}`),
      ),
      options,
    )
    this.name = 'ThingbenchError'
    this.code = code
    this.exit = ERRORS[code].exit
  }
}
