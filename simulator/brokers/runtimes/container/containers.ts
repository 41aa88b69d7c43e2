/** The container runtime of a run: one engine, an image for each server that has a service in docker-compose.yml. */
import type { BrokerPlan, BrokerProduct } from '../../broker.ts'
import { expectKnownVersion } from '../known-version.ts'
import type { Programs } from '../programs.ts'
import { holdContainer, type ContainerBroker, type ContainerPlacement } from './container.ts'
import { engineWords } from './describe-engine.ts'
import { openEngine, type Engine } from './engine.ts'
import { ensureImage, type Image } from './image.ts'
import { readServices, type Service } from './services.ts'

/** The programs of a container's image. */
const programsIn = (container: ContainerBroker): Programs => ({
  async find(name) {
    const { text, status } = await container.run(['/bin/sh', '-c', 'command -v "$0"', name])
    return status === 0 ? text.trim() : null
  },
  async ask(name, args) {
    return (await this.find(name)) === null ? null : (await container.run([name, ...args])).text
  },
  async read(file) {
    const { text, status } = await container.run(['cat', file])
    if (status !== 0) throw new Error(text.trim())
    return text
  },
})

export class Containers {
  /** Name and version, for people. */
  readonly engine: string
  readonly #engine: Engine
  readonly #services: readonly Service[]
  readonly #images = new Map<string, Image>()
  /** By the digest of the image. */
  readonly #versions = new Map<string, string>()

  private constructor(engine: Engine, words: string, services: readonly Service[]) {
    this.engine = words
    this.#engine = engine
    this.#services = services
  }

  /** @throws ThingbenchError TB_ENGINE_SILENT, TB_ENGINE_ELSEWHERE */
  static async open(): Promise<Containers> {
    const { engine, about } = await openEngine()
    return new Containers(engine, engineWords(about), readServices())
  }

  /** Whether there is an image of the product. */
  has(product: BrokerProduct): boolean {
    return this.#images.has(product.name)
  }

  /**
   * Sees to it that there are images of those products that have a service: what is part of thingbench runs as it always does.
   * @param say tells the user a line
   * @throws ThingbenchError TB_IMAGE_BUILD, TB_IMAGE_PULL
   */
  async prepare(
    products: readonly BrokerProduct[],
    say: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (const service of this.#services)
      if (products.some(({ name }) => name === service.name))
        this.#images.set(service.name, await ensureImage(this.#engine, service, say, signal))
  }

  /**
   * A started container whose server waits for `release`.
   * @throws ThingbenchError TB_CONTAINER_REFUSED, TB_CONTAINER_ELSEWHERE, TB_BROKER_VERSION
   */
  async hold(
    product: BrokerProduct,
    plan: BrokerPlan,
    placement: ContainerPlacement,
  ): Promise<ContainerBroker> {
    const image = this.#images.get(product.name)
    if (image === undefined) throw new Error(`no image of ${product.name} was prepared`)
    return holdContainer(this.#engine, image, product, plan, placement)
  }

  /**
   * Lets the server of a held container begin.
   * @throws ThingbenchError TB_BROKER_VERSION
   */
  async release(container: ContainerBroker): Promise<void> {
    const { product, image } = container
    const version =
      this.#versions.get(image) ?? (await product.version(programsIn(container))) ?? 'unknown'
    this.#versions.set(image, version)
    expectKnownVersion(product, version, image)
    container.release(version)
  }
}
