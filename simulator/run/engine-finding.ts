/** What the doctor says of the container engine: which one answers, and what of it works here. */
import { release } from 'node:os'
import {
  engineWords,
  type EngineDescription,
} from '../brokers/runtimes/container/describe-engine.ts'
import { asRoot, probeEngine } from '../brokers/runtimes/container/engine.ts'
import type { Finding } from './doctor.ts'

const WHAT = 'container engine'
const RUN = './thingbench run ... --runtime container'

/** @param privileged whether links are made as root */
export const containerEngine = async (privileged: boolean): Promise<Finding> => {
  const found = await probeEngine()
  if (found.ok) return engineFinding(found.about, privileged)
  // Only those who ask for containers need one.
  const detail = `none answers at ${found.reason}: needed for --runtime container`
  return { what: WHAT, state: 'note', detail, remedy: found.remedy }
}

/** What works with this engine. */
export const engineFinding = (about: EngineDescription, privileged: boolean): Finding => {
  const words = engineWords(about)
  const note = (detail: string, remedy: string): Finding => ({ what: WHAT, state: 'note', detail: `${words}: ${detail}`, remedy }) // prettier-ignore
  if (about.elsewhere !== null)
    return note(
      `its containers run elsewhere (kernel ${about.elsewhere}; here: ${release()}), in a virtual machine or far away, where no link can be laid into them; thingbench itself can run there, in a container`,
      'docker-compose run --rm bench run SCENARIO',
    )
  if (!privileged) return note('containers need root', asRoot(RUN))
  const { memory, cpu } = about.limits
  const missing = [...(memory ? [] : ['memory']), ...(cpu ? [] : ['cpu'])]
  if (missing.length > 0)
    return note(
      `works, but has no control groups to limit ${missing.join(' and ')}: a stack that asks for it (server:) is refused`,
      about.rootless
        ? `for such stacks, root's engine: sudo DOCKER_HOST=unix:///var/run/docker.sock ${RUN}`
        : 'docker info, whose warnings say what the kernel lacks',
    )
  return { what: WHAT, state: 'ok', detail: words, remedy: null }
}
