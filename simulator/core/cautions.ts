/** What a question may ask and what yet spoils its answer: told with the plan, and in the report. */
import type { LinkProfile } from './link-profile.ts'

/** Sentences about a link; none where stacks can be compared on it. */
export const cautionsOf = ({ name, up, down }: LinkProfile): string[] => {
  const kinds = new Set([up.loss.kind, down.loss.kind])
  const words = [
    ...(kinds.has('packets') ? ['counted in packets'] : []),
    ...(kinds.has('list') ? ['of certain packets'] : []),
  ]
  if (words.length === 0) return []
  return [
    `The loss of the link ${name} is ${words.join(' and ')}: a stack that sends other packets meets another channel, so a difference between stacks may be one between channels.`,
  ]
}
