/** What the doctor says of the container engine: which one answers, and what of it works here. */
import { release } from 'node:os'
import {
  engineWords,
  type EngineDescription,
} from '../brokers/runtimes/container/describe-engine.ts'
import { probeEngine } from '../brokers/runtimes/container/engine.ts'
import type { Finding } from './doctor.ts'

const WHAT = 'container engine'

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
  if (about.rootless)
    return note(
      'the namespaces of its containers belong to a user, which nobody has tried yet; a processor or a limit that it leaves out is refused',
      "root's engine: sudo DOCKER_HOST=unix:///var/run/docker.sock ./thingbench run ... --runtime container",
    )
  if (!privileged)
    return note('containers need root', 'sudo ./thingbench run ... --runtime container')
  return { what: WHAT, state: 'ok', detail: words, remedy: null }
}
