import { catalogue } from '../../run/catalogue.ts'
import { listLinks, listScenarios } from '../../run/listing.ts'

export const TOPICS = ['stacks', 'brokers', 'links', 'workloads', 'scenarios', 'metrics'] as const
type Topic = (typeof TOPICS)[number]

/** Two columns: name, and what it is. */
const SECTIONS: Readonly<Record<Topic, () => readonly (readonly [string, string])[]>> = {
  stacks: () => [
    ...catalogue.stacks.map(
      (s) => [s.name, `${s.title}; brokers: ${s.brokers.join(', ')}`] as const,
    ),
    ...catalogue.plannedStacks.map((name) => [name, 'not available yet'] as const),
  ],
  brokers: () => catalogue.brokers.map((b) => [b.name, b.title]),
  links: listLinks,
  workloads: () => [
    ['telemetry', 'every device sends a message to the backend once per interval'],
    ['command', 'the backend commands every device once per interval, and the device answers'],
    ['fan-out', 'the backend says the same to all devices once per interval'],
    ['connect', 'every device closes its connection and makes another once per interval'],
    ['idle', 'devices are connected and say nothing'],
  ],
  scenarios: listScenarios,
  metrics: () => Object.entries(catalogue.metrics),
}

/** Prints what a scenario can ask for. */
export const list = (topic: Topic | undefined): number => {
  for (const name of topic === undefined ? TOPICS : [topic]) {
    const rows = SECTIONS[name]()
    const width = Math.max(...rows.map(([left]) => left.length))
    const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
    process.stdout.write(`${name}\n${lines.join('\n')}\n${topic === undefined ? '\n' : ''}`)
  }
  return 0
}
