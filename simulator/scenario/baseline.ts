/** Which stack each stack is compared with. */
import type { Catalogue, Stack } from '../core/types.ts'
import { sound } from './checks.ts'
import type { ScenarioValues } from './format.ts'
import type { Problems, Spot } from './problem.ts'

/** The plain stack of the same protocol where it is listed, else the first listed of that protocol. */
const automatic = (stack: Stack, stacks: readonly Stack[], catalogue: Catalogue): string => {
  const plain = catalogue.stacks.find((entry) => entry.name === stack.kind)?.plain
  const same = stacks.filter((other) => other.protocol === stack.protocol)
  return (same.find((other) => other.kind === plain) ?? same[0] ?? stack).name
}

const isListed = (
  wanted: Spot & { readonly value: string; readonly path: string },
  stacks: readonly Stack[],
  more: readonly string[],
  problems: Problems,
): boolean => {
  const names = stacks.map((stack) => stack.name)
  if (names.includes(wanted.value)) return true
  if (!sound(problems, 'stacks')) return false
  const among = [...more, ...names]
  problems.add(wanted, wanted.path, {
    found: `"${wanted.value}", which is not a stack of this scenario`,
    allowed: among.join(', '),
    near: { word: wanted.value, among },
  })
  return false
}

/** Stack name -> name of its baseline. */
export const resolveBaseline = (
  wanted: ScenarioValues['baseline'],
  stacks: readonly Stack[],
  catalogue: Catalogue,
  problems: Problems,
): Record<string, string> => {
  const { value } = wanted
  if (typeof value === 'string') {
    const one = value !== 'auto' && isListed({ ...wanted, value }, stacks, ['auto'], problems)
    return Object.fromEntries(
      stacks.map((stack) => [stack.name, one ? value : automatic(stack, stacks, catalogue)]),
    )
  }
  const chosen = new Map<string, string>()
  for (const [protocol, stack] of Object.entries(value))
    if (stack && isListed(stack, stacks, [], problems)) chosen.set(protocol, stack.value)
  return Object.fromEntries(
    stacks.map((stack) => [
      stack.name,
      chosen.get(stack.protocol) ?? automatic(stack, stacks, catalogue),
    ]),
  )
}
