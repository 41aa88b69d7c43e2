import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { TimelineEvent } from '../core/link-profile.ts'
import { runOf, sixPairs } from './invented.cases.ts'
import { reportPage } from './page.ts'

const headOf = async (timeline?: readonly TimelineEvent[]): Promise<string> => {
  const run = runOf(sixPairs())
  const scenario = timeline === undefined ? run.scenario : { ...run.scenario, timeline }
  const page = await reportPage({ ...run, scenario }, [])
  return /<p class="meta">(.*?)<\/p>/u.exec(page)?.[1] ?? ''
}

test('the head of a page says what happened to the links, and when', async () => {
  const head = await headOf([
    { kind: 'blackout', at: 5 * SECOND, for: 2 * SECOND, direction: 'up', devices: 1 },
    { kind: 'rebind', at: 10 * SECOND, policy: 'drop', to: 'port', devices: 0.5 },
  ])
  assert.ok(
    head.includes(
      'Timeline: blackout up at 5 s for 2 s and rebind port drop (50 % of devices) at 10 s.',
    ),
    head,
  )
})

test('a run without a timeline, or of a release that had none, says nothing of it', async () => {
  for (const timeline of [[], undefined]) assert.doesNotMatch(await headOf(timeline), /Timeline/)
})
