import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import type { TimelineEvent } from '../../core/link-profile.ts'
import { runOf, sixPairs } from '../invented.cases.ts'
import type { Run } from '../run.ts'
import { createRenderer } from '../render.ts'
import { timelineChart } from './timeline.ts'

const TIMELINE: TimelineEvent[] = [
  { kind: 'blackout', at: 1 * SECOND, for: SECOND, direction: 'both', devices: 1 },
  { kind: 'rebind', at: 3 * SECOND, policy: 'drop', to: 'port', devices: 0.5 },
]

/** Warm-up of 1 s; 10 messages a second, none in second 2, which is the first from t0 on plus one. */
const run = (timeline = TIMELINE): Run => {
  const invented = runOf(sixPairs())
  const ids = invented.conditions.flatMap((c) =>
    c.groups.flatMap((g) => g.counted.map((x) => x.id)),
  )
  const rows = [0, 1, 3, 4].map((second) => ({ second, delivered: 10, p50: 40e6 + second * 1e6 }))
  const phases = { ramp: 0, warmup: SECOND, measure: 4 * SECOND, drain: 0, connectDeadline: 0 }
  return {
    ...invented,
    scenario: { ...invented.scenario, timeline, phases },
    intervals: new Map(ids.map((id) => [id, rows])),
  }
}

test('without a timeline, or without seconds, there is no chart', () => {
  assert.equal(timelineChart(run([])), null)
  assert.equal(timelineChart({ ...run(), intervals: new Map() }), null)
  assert.equal(timelineChart(runOf(sixPairs())), null, 'a run of a release before the timeline')
})

test('seconds count from the start of measure, and one without a row delivered nothing', () => {
  const text = JSON.stringify(timelineChart(run())?.spec)
  for (const point of [
    '{"stack":"plain","time":-0.5,"delivered":10,"p50":40,"opacity":1}',
    '{"stack":"plain","time":1.5,"delivered":0,"p50":null,"opacity":1}',
    '{"stack":"safe","time":3.5,"delivered":10,"p50":44,"opacity":1}',
  ])
    assert.ok(text.includes(point), point)
})

test('events are drawn where they hold, with their names', async () => {
  const chart = timelineChart(run())
  assert.ok(chart)
  const text = JSON.stringify(chart.spec)
  assert.match(text, /"from":1,"to":2,"name":"blackout"/)
  assert.match(text, /"from":3,"to":3,"name":"rebind port drop \(50 % of devices\)"/)
  const { svg } = await (await createRenderer())(chart)
  assert.match(svg, /messages per second/)
  assert.match(svg, /blackout/)
})
