/** The whole format of a scenario file, as one table. What is not available yet is here too, so that it is told instead of ignored. */
import type { Catalogue } from '../core/types.ts'
import { MOST_DEVICES } from '../core/device-name.ts'
import {
  defaulted,
  factor,
  list,
  optional,
  record,
  required,
  section,
  type Values,
} from './containers.ts'
import { linkRule, type Profiles } from './link.ts'
import { located, scalarOr, type Rule } from './rule.ts'
import { choice, flag, integer, name, quantity, text } from './scalars.ts'
import { stackRule } from './stack.ts'
import { thresholdRule } from './threshold.ts'
import { timelineRule } from './timeline.ts'
import { workloadRule } from './workload.ts'

const SECOND = 1e9
const HOUR = 3600 * SECOND

export const MOST_REPETITIONS = 1000
const DEVICES = Math.min(50_000, MOST_DEVICES)

const phases = record(
  {
    ramp: defaulted(
      'Connect starts are spread over it.',
      located(quantity('duration', 0, HOUR)),
      '5 s',
    ),
    warmup: defaulted('Devices send, nothing counts yet.', quantity('duration', 0, HOUR), '2 s'),
    measure: defaulted('What is measured.', quantity('duration', SECOND, 24 * HOUR), '20 s'),
    drain: defaulted(
      'The longest wait for what is outstanding.',
      quantity('duration', 0, HOUR),
      '5 s',
    ),
    connect_deadline: defaulted(
      'When it is reached, the devices that are not connected count as failed.',
      quantity('duration', SECOND, HOUR),
      '60 s',
    ),
  },
  { duration: 'measure', warm_up: 'warmup', rampup: 'ramp', steady: 'measure' },
)

/** auto, the name of one stack for all, or protocol -> name of a stack. */
const baseline = (protocols: readonly string[]) =>
  located(
    scalarOr(
      name,
      record(
        Object.fromEntries(
          protocols.map((one) => [
            one,
            optional(`What ${one} stacks are compared with.`, located(name)),
          ]),
        ),
      ),
    ),
  )

/** Keys of which only the value that changes nothing is available yet. */
const laterFields = {
  capture: defaulted(
    'Packet capture of the link, with keys.',
    flag({ value: true, instead: 'Leave it out.' }),
    false,
  ),
  record: section(
    'What is kept of each message.',
    record({
      messages: defaulted(
        'Write messages.parquet.',
        flag({ value: true, instead: 'Leave it out.' }),
        false,
      ),
    }),
  ),
  consumer: defaulted(
    'How the consumer connects: without security, inside the server namespace.',
    choice(['plain'], { later: { 'same-stack': 'Use plain.' } }),
    'plain',
  ),
}

const scenarioFields = (catalogue: Catalogue, profiles: Profiles, folder: string) => ({
  thingbench: required(
    'It is the version of this format: write "thingbench: 1" as the first line.',
    choice([1], { advice: 'This thingbench reads format 1 only; a newer one may read others.' }),
  ),
  name: optional("Name of the results folder; default: the file's name.", name),
  title: optional('The question, in one line; default: the name.', text('one line of text')),
  stacks: required(
    'It lists what is compared, such as [mqtt-tcp, mqtt-tls]: names of "thingbench list stacks", or mappings.',
    list(stackRule(catalogue), 'a list of stacks, such as [mqtt-tcp, mqtt-tls]'),
  ),
  baseline: defaulted(
    'What each stack is compared with: auto (the plain stack of its protocol, else the first listed), a stack, or a mapping from protocol to stack.',
    baseline([...new Set(catalogue.stacks.map((stack) => stack.protocol))]),
    'auto',
  ),
  links: required(
    'It lists the networks, such as [lan, lte-m]: names of scenarios/profiles, or mappings.',
    list(linkRule(profiles, folder), 'a list of links, such as [lan, lte-m]'),
  ),
  devices: required(
    'It says how many devices there are: a number, or a list of numbers.',
    factor(integer(1, DEVICES)),
  ),
  workload: required(
    'It says what the devices do, such as { interval: 1 s, payload: 100 B }.',
    workloadRule,
  ),
  phases: section('How long each part of a cell takes.', phases),
  timeline: optional('What happens to the links while a cell runs.', timelineRule),
  repetitions: defaulted(
    'How often every cell runs; a claim needs 6.',
    integer(1, MOST_REPETITIONS),
    6,
  ),
  seed: defaulted('Fixes every random choice.', integer(0, 4_294_967_295), 42),
  thresholds: optional(
    'Bounds; where one is crossed, the command ends with exit code 99.',
    list(thresholdRule(catalogue.metrics), 'a list of thresholds', 0),
  ),
  ...laterFields,
})

export type ScenarioValues = Values<ReturnType<typeof scenarioFields>>

const SYNONYMS = {
  version: 'thingbench',
  clients: 'devices',
  networks: 'links',
  link: 'links',
  stack: 'stacks',
  runs: 'repetitions',
  repeat: 'repetitions',
  description: 'title',
  events: 'timeline',
}

/** `folder`: from where paths in the file count. */
export const scenarioRule = (
  catalogue: Catalogue,
  profiles: Profiles,
  folder: string,
): Rule<ScenarioValues> => record(scenarioFields(catalogue, profiles, folder), SYNONYMS)
