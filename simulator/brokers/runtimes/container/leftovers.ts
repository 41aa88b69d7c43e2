/** Containers that a killed run left. */
import { LABEL } from './container.ts'
import { isNotFound, openEngine, reasonOf } from './engine.ts'

export interface Removed {
  readonly removed: readonly string[]
  /** Why others may still be there; null: none is. */
  readonly problem: string | null
}

/** Removes those of the containers that are there, and were made by thingbench; most are gone already. */
export const removeContainers = async (names: readonly string[]): Promise<Removed> => {
  const removed: string[] = []
  if (names.length === 0) return { removed, problem: null }
  try {
    const { engine } = await openEngine()
    for (const name of names) {
      try {
        const container = engine.getContainer(name)
        const { Config } = await container.inspect()
        if (Config.Labels[LABEL] !== name) continue
        await container.remove({ force: true, v: true })
        removed.push(name)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
    return { removed, problem: null }
  } catch (error) {
    return { removed, problem: reasonOf(error) }
  }
}
