/** What a question may ask and what yet spoils its answer: told with the plan, and in the report. */
import type { LinkProfile, Loss, TimelineEvent } from './link-profile.ts'

const WORDS: Readonly<Partial<Record<Loss['kind'], string>>> = {
  packets: 'counted in packets',
  list: 'of certain packets',
}

const caution = (place: string, losses: readonly (Loss | undefined)[]): string[] => {
  const kinds = new Set(losses.map((loss) => loss?.kind))
  const words = Object.entries(WORDS).flatMap(([kind, text]) =>
    kinds.has(kind as Loss['kind']) ? [text] : [],
  )
  if (words.length === 0) return []
  return [
    `The loss ${place} is ${words.join(' and ')}: a stack that sends other packets meets another channel, so a difference between stacks may be one between channels.`,
  ]
}

/** Sentences about links and what the timeline makes of them; none where stacks can be compared. */
export const cautionsOf = (asked: {
  readonly links: readonly LinkProfile[]
  readonly timeline: readonly TimelineEvent[]
}): string[] => [
  ...asked.links.flatMap(({ name, up, down }) =>
    caution(`of the link ${name}`, [up.loss, down.loss]),
  ),
  ...asked.timeline.flatMap((event) =>
    event.kind === 'change'
      ? caution('that the timeline brings', [event.up.loss, event.down.loss])
      : [],
  ),
]
