import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METRICS } from './metrics.ts'

/** The stable list of metric names, written out: a renamed or missing one fails here. */
const NAMES = `
latency.{mean,p50,p90,p99,p999,max} ms
response.{mean,p50,p90,p99,max} ms
fanout.spread.{p50,max} ms
ack.{mean,p50,p99} ms
connect.{wait,transport,security,application,acknowledged}.{mean,p50,p99} ms
schedule_delay.{p50,p99,max} ms
throughput.{offered,sent,delivered} msg/s
delivery.ratio ratio
delivery.{lost,not_sent,acked_lost,duplicates,reordered} count
delivery.longest_gap.{p50,max} ms
bulk.{offered,delivered,lost,not_sent} count
bulk.delivered_bytes B
bulk.duration.{mean,max} ms
probe.error.{p50,p90,p99,max} ms
blocked.{p50,p99} ms
exchange.{mean,p50,p99} ms
wire.bytes_per_message.{up,down} B
wire.packets_per_message.{up,down} packets
wire.delivered_bytes_per_message.{up,down} B
wire.delivered_packets_per_message.{up,down} packets
wire.connect_bytes.{up,down} B
wire.connect_packets.{up,down} packets
wire.retransmitted_ratio ratio
wire.layer_bytes_per_message.{ip,transport,security,framing,application,payload,retransmission} B
wire.plaintext_devices count
cpu.{broker,front_end,consumer,fleet,link,total}_us_per_message us
cpu.{broker,front_end,fleet}_us_per_connect us
memory.{broker,front_end,fleet,kernel}_kib_per_session KiB
link.{unplanned_drops,late_packets,unreachable,replayed} count
link.clocked ratio
devices.{connected,failed,reconnects,resumed} count
connects.{offered,completed} connects/s
connects.{failed,not_started} count
wake.first_delivery.{mean,p50,p99} ms
wire.wake_bytes.{up,down} B
wire.idle_bytes_per_hour B
cpu.{broker,front_end,consumer,fleet,link,total}_us_per_session_second us/s
`

const expand = (pattern: string): string[] => {
  const braces = /\{([^}]*)\}/.exec(pattern)
  if (!braces) return [pattern]
  return (braces[1] as string)
    .split(',')
    .flatMap((choice) => expand(pattern.replace(braces[0], choice)))
}

test('the metrics are exactly the public ones, each with its unit', () => {
  const wanted = NAMES.trim()
    .split('\n')
    .flatMap((line) => {
      const [pattern = '', unit = ''] = line.split(' ')
      return expand(pattern).map((name) => `${name} ${unit}`)
    })
  const found = Object.entries(METRICS).map(([name, metric]) => `${name} ${metric.unit}`)
  assert.deepEqual(found.toSorted(), wanted.toSorted())
})

test('every meaning is a sentence with nothing left to fill in', () => {
  for (const [name, metric] of Object.entries(METRICS)) {
    assert.match(metric.meaning, /^[A-Z][^*]+\.$/, name)
    assert.ok(!metric.meaning.includes('undefined'), name)
  }
})
