/** What a question may ask and what yet spoils its answer: told with the plan, and in the report. */
import type { LinkProfile, Loss, TimelineEvent } from './link-profile.ts'
import type { Stack, StackQuic } from './types.ts'

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

const losesPackets = ({ up, down }: { up: Lossy; down: Lossy }): boolean =>
  [up.loss, down.loss].some((loss) => loss !== undefined && !(loss.kind === 'time' && loss.ratio === 0)) // prettier-ignore

interface Lossy {
  readonly loss?: Loss
}

/** Which of the stacks have a congestion control that quiche does badly with losses. */
const mismeasured = ({ stacks = [], links, timeline }: Asked): string[] => {
  const loses =
    links.some(losesPackets) || timeline.some((e) => e.kind === 'change' && losesPackets(e))
  const doubtful = loses ? stacks.filter(({ quic }) => doubts(quic ?? null)) : []
  return doubtful.map(
    ({ name, quic }) =>
      `${name} has ${quic?.congestion} of quiche 0.18, which with losses on a slow flow comes to take its round trip for much longer than it is, by up to seconds: what is late there is late by that, not by QUIC. With bbr it is not so.`,
  )
}

const doubts = (quic: StackQuic | null): boolean =>
  quic?.engine === 'quiche' && quic.congestion !== 'bbr'

export interface Asked {
  readonly links: readonly LinkProfile[]
  readonly timeline: readonly TimelineEvent[]
  readonly stacks?: readonly Pick<Stack, 'name' | 'quic'>[]
}

/** Sentences about links, what the timeline makes of them, and stacks that do badly on them; none where stacks can be compared. */
export const cautionsOf = (asked: Asked): string[] => [
  ...asked.links.flatMap(({ name, up, down }) =>
    caution(`of the link ${name}`, [up.loss, down.loss]),
  ),
  ...asked.timeline.flatMap((event) =>
    event.kind === 'change'
      ? caution('that the timeline brings', [event.up.loss, event.down.loss])
      : [],
  ),
  ...mismeasured(asked),
]
