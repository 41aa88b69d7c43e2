/** Every metric that a result can hold: its unit, which way is better, and what it means. Names are stable: add, never rename. */
export interface Metric {
  readonly unit: string
  readonly better: 'lower' | 'higher' | 'none'
  readonly meaning: string
}

const QUANTILE: Readonly<Record<string, string>> = {
  mean: 'mean',
  p50: 'median',
  p90: '90th percentile',
  p99: '99th percentile',
  p999: '99.9th percentile',
  max: 'largest',
}

/** One entry per statistic: `latency.p50`, `latency.p99`, ... */
const times = (
  prefix: string,
  statistics: readonly string[],
  meaning: string,
): Record<string, Metric> =>
  Object.fromEntries(
    statistics.map((name) => [
      `${prefix}.${name}`,
      { unit: 'ms', better: 'lower', meaning: `${meaning} (${QUANTILE[name]}).` },
    ]),
  )

/** One entry per member of a family: `wire.bytes_per_message.up`, `.down`. */
const family = (
  pattern: string,
  members: Readonly<Record<string, string>>,
  unit: string,
  better: Metric['better'],
  meaning: string,
): Record<string, Metric> =>
  Object.fromEntries(
    Object.entries(members).map(([name, words]) => [
      pattern.replace('*', name),
      { unit, better, meaning: meaning.replace('*', words) },
    ]),
  )

const DIRECTIONS = { up: 'from device to server', down: 'from server to device' }

const TIMES: Record<string, Metric> = {
  ...times(
    'latency',
    ['mean', 'p50', 'p90', 'p99', 'p999', 'max'],
    'Receipt by the consumer minus the intended send time; an undelivered message is later than every delivered one',
  ),
  ...times(
    'response',
    ['mean', 'p50', 'p90', 'p99', 'max'],
    'Receipt of the answer to a command minus the intended send time of the command',
  ),
  ...times(
    'fanout.spread',
    ['p50', 'max'],
    'From the first to the last device that receives what is said to all',
  ),
  ...times(
    'ack',
    ['mean', 'p50', 'p99'],
    "The stack's own acknowledgement at the device minus the intended send time",
  ),
  ...times(
    'exchange',
    ['mean', 'p50', 'p99'],
    'Acknowledgement minus first transmission: the exchange alone, without waiting for its turn',
  ),
  ...times(
    'connect.wait',
    ['mean', 'p50', 'p99'],
    'Waiting for a connect slot of the fleet before the first packet',
  ),
  ...times(
    'connect.transport',
    ['mean', 'p50', 'p99'],
    'From the first packet until the transport can carry bytes; 0 for UDP',
  ),
  ...times(
    'connect.security',
    ['mean', 'p50', 'p99'],
    'From the first packet until the security handshake is done; equal to transport where there is none',
  ),
  ...times(
    'connect.application',
    ['mean', 'p50', 'p99'],
    'From the first packet until the application is ready: CONNACK, bound JID, or the response to one CoAP registration',
  ),
  ...times(
    'connect.acknowledged',
    ['mean', 'p50', 'p99'],
    'From the first packet of a connection that the workload asks for until the first of the messages that waited for it is acknowledged',
  ),
  ...times(
    'schedule_delay',
    ['p50', 'p99', 'max'],
    "The fleet's timer fired minus the intended time: the error of the instrument, not of the stack",
  ),
  ...times(
    'blocked',
    ['p50', 'p99'],
    'Accepted by the session minus timer fired: waiting for a window, for NSTART or for a reconnection',
  ),
}

const DELIVERY: Record<string, Metric> = {
  ...family(
    'throughput.*',
    {
      offered: 'intended by the schedule',
      sent: 'sent by the devices',
      delivered: 'received by the consumer',
    },
    'msg/s',
    'higher',
    'Messages * per second of the measured window.',
  ),
  'delivery.ratio': {
    unit: 'ratio',
    better: 'higher',
    meaning: 'Messages delivered over messages intended in the measured window.',
  },
  ...family(
    'delivery.*',
    {
      lost: 'sent and never delivered',
      not_sent: 'never taken by a session: still waiting at the end of drain',
      acked_lost: 'acknowledged to the device and never delivered',
      duplicates: 'delivered again',
      reordered: 'delivered behind a later message of the same device',
    },
    'count',
    'lower',
    'Messages *.',
  ),
  ...times(
    'delivery.longest_gap',
    ['p50', 'max'],
    'The longest time of a device between two deliveries, or from the last one to the end of the measured window; over devices',
  ),
}

const BULK: Record<string, Metric> = {
  ...family(
    'bulk.*',
    {
      offered: 'intended in the measured window',
      delivered: 'of which all arrived at the consumer',
    },
    'count',
    'higher',
    'Large messages *.',
  ),
  'bulk.delivered_bytes': {
    unit: 'B',
    better: 'higher',
    meaning: 'Payload of large messages, or of parts of them, that arrived at the consumer.',
  },
  ...family(
    'bulk.*',
    {
      lost: 'taken by a session and not delivered: still on their way at the end of drain, or lost',
      not_sent: 'never taken by a session',
    },
    'count',
    'lower',
    'Messages that carry large ones, whole or in parts, *.',
  ),
  ...times(
    'bulk.duration',
    ['mean', 'max'],
    'From the intended instant of a large message until all of it is at the consumer',
  ),
}

const WIRE: Record<string, Metric> = {
  ...family(
    'wire.bytes_per_message.*',
    DIRECTIONS,
    'B',
    'lower',
    'Whole IP packets * in the measured window, in bytes per intended message, counted before loss.',
  ),
  ...family(
    'wire.packets_per_message.*',
    DIRECTIONS,
    'packets',
    'lower',
    'IP packets * in the measured window per intended message, counted before loss.',
  ),
  ...family(
    'wire.delivered_bytes_per_message.*',
    DIRECTIONS,
    'B',
    'none',
    'Bytes per intended message * that left the link at its other end.',
  ),
  ...family(
    'wire.delivered_packets_per_message.*',
    DIRECTIONS,
    'packets',
    'none',
    'IP packets per intended message * that left the link at its other end.',
  ),
  ...family(
    'wire.connect_bytes.*',
    DIRECTIONS,
    'B',
    'lower',
    'Bytes of whole IP packets * per connection, from the first packet until one round trip after application ready.',
  ),
  ...family(
    'wire.connect_packets.*',
    DIRECTIONS,
    'packets',
    'lower',
    'IP packets * per connection, from the first packet until one round trip after application ready.',
  ),
  'wire.retransmitted_ratio': {
    unit: 'ratio',
    better: 'lower',
    meaning: 'Packets that carry bytes seen before, over all packets of the measured window.',
  },
  ...family(
    'wire.layer_bytes_per_message.*',
    {
      ip: 'IP headers',
      transport: 'TCP or UDP headers, and packets without payload',
      security: 'TLS or DTLS records and tags',
      framing: 'frame headers and masks of WebSocket',
      application: "the application protocol's own framing, acknowledgements and names",
      payload: 'application payload',
      retransmission: 'retransmitted packets, whole',
    },
    'B',
    'lower',
    'Bytes per intended message in both directions that are *; all layers add up to bytes per message up and down.',
  ),
}

const CONNECTIONS: Record<string, Metric> = {
  ...family(
    'connects.*',
    { offered: 'intended', completed: 'made' },
    'connects/s',
    'higher',
    'Connections * by the workload per second of the measured window; the first of each device is not among them.',
  ),
  ...family(
    'connects.*',
    {
      failed: 'begun and not application ready at the end of drain',
      not_started: 'not begun: the device was not connected, or not done with what it had to send',
    },
    'count',
    'lower',
    'Connections that the workload intends in the measured window, *.',
  ),
  ...times(
    'wake.first_delivery',
    ['mean', 'p50', 'p99'],
    'From the intended wake-up until the consumer receives the first message that had become due during the sleep',
  ),
  ...family(
    'wire.wake_bytes.*',
    DIRECTIONS,
    'B',
    'lower',
    'Bytes of whole IP packets * from a wake-up until the first message of the sleep is delivered.',
  ),
  'wire.idle_bytes_per_hour': {
    unit: 'B',
    better: 'lower',
    meaning:
      'Bytes of whole IP packets in both directions per connected device that says nothing, extrapolated from the measured window to an hour.',
  },
}

const PROCESSES = {
  broker: 'the broker',
  front_end: 'the front end before the broker, where there is one',
  consumer: 'the consumer',
  fleet: 'the fleet that drives the devices',
  link: 'the link process, with the kernel input of TCP',
  total: 'the whole machine, minus an idle cell',
}

const COST: Record<string, Metric> = {
  ...family(
    'cpu.*_us_per_message',
    PROCESSES,
    'us',
    'lower',
    'CPU time of * in the measured window per intended message; of this implementation, never of the protocol.',
  ),
  ...family(
    'cpu.*_us_per_connect',
    { broker: PROCESSES.broker, front_end: PROCESSES.front_end, fleet: PROCESSES.fleet },
    'us',
    'lower',
    'CPU time of * per connection, during the ramp, or in the window of a workload of connections; of this implementation, never of the protocol.',
  ),
  ...family(
    'cpu.*_us_per_session_second',
    PROCESSES,
    'us/s',
    'lower',
    'CPU time of * per second of the measured window and idle session, from 500 sessions up; of this implementation, never of the protocol.',
  ),
  ...family(
    'memory.*_kib_per_session',
    {
      broker: "the broker's resident memory",
      front_end: "the front end's resident memory, where there is one",
      fleet: "the fleet's resident memory",
      kernel: "the kernel's slab and socket memory",
    },
    'KiB',
    'lower',
    'Growth of * from before the ramp to the end of warm-up, per connected device; from 500 sessions up.',
  ),
}

const INSTRUMENT: Record<string, Metric> = {
  ...times(
    'probe.error',
    ['p50', 'p90', 'p99', 'max'],
    "Round trip of bare UDP echoes over a link that only delays, minus that delay, either way: the instrument's own error",
  ),
  'wire.plaintext_devices': {
    unit: 'count',
    better: 'lower',
    meaning: 'Devices whose payload was seen in plain text in their first 20 packets on the link.',
  },
  'link.unplanned_drops': {
    unit: 'count',
    better: 'lower',
    meaning: 'Packets that the link lost without being asked to: a fault of the instrument.',
  },
  'link.late_packets': {
    unit: 'count',
    better: 'lower',
    meaning:
      'Packets handed on more than 1 ms after their due time, before the connections are closed: a fault of the instrument.',
  },
  'link.unreachable': {
    unit: 'count',
    better: 'lower',
    meaning: 'Packets that a NAT dropped: no mapping lived, or the segment was out of state.',
  },
  'link.replayed': {
    unit: 'count',
    better: 'none',
    meaning: 'Packets of first flights that somebody who listened sent once more.',
  },
  'link.clocked': {
    unit: 'ratio',
    better: 'lower',
    meaning:
      'Share of the window in which the link, for many packets, looked for them every 0.25 or 0.5 ms instead of at each.',
  },
  'devices.connected': {
    unit: 'count',
    better: 'higher',
    meaning: 'Devices that were application ready when warm-up began.',
  },
  'devices.failed': {
    unit: 'count',
    better: 'lower',
    meaning: 'Devices that were not application ready at the connect deadline.',
  },
  'devices.reconnects': {
    unit: 'count',
    better: 'lower',
    meaning:
      'Connections beyond the first of each device: how often one ended and another was ready.',
  },
  'devices.resumed': {
    unit: 'count',
    better: 'higher',
    meaning: 'Handshakes in which the server took the session ticket that the device offered.',
  },
}

/** Metric name -> unit, direction and meaning. */
export const METRICS: Readonly<Record<string, Metric>> = {
  ...TIMES,
  ...DELIVERY,
  ...BULK,
  ...CONNECTIONS,
  ...WIRE,
  ...COST,
  ...INSTRUMENT,
}
