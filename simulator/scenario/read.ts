/**
 * YAML 1.2 into a tree that says exactly what the file said, with the place of every node. No meaning yet.
 * The strict part of YAML only: one document, text keys, no anchors, aliases or tags, nothing twice.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Node,
} from 'yaml'
import type { Problems, Spot } from './problem.ts'
import { syntaxProblem } from './syntax.ts'

export interface RawScalar extends Spot {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As it is written, without quotes: 1.30 is the number 1.3 and the source "1.30". */
  readonly source: string
}

export interface RawSequence extends Spot {
  readonly kind: 'sequence'
  readonly items: readonly RawNode[]
}

export interface RawMapping extends Spot {
  readonly kind: 'mapping'
  readonly entries: ReadonlyMap<string, RawEntry>
}

export interface RawEntry {
  readonly key: Spot
  readonly value: RawNode
}

export type RawNode = RawScalar | RawSequence | RawMapping

/** What the file said. */
export type RawScenario = RawMapping

/** A scenario is a page of text; more is a mistake, and would only be slow to refuse. */
export const MOST_BYTES = 1024 * 1024

const START: Spot = { line: 1, column: 1 }

/** Bytes of a file as text; undefined, with a problem, for what is too large or not UTF-8. */
export const decode = (bytes: Uint8Array, problems: Problems): string | undefined => {
  if (bytes.length > MOST_BYTES) {
    problems.add(START, '', {
      found: `a file of ${bytes.length} bytes`,
      allowed: `at most 1 MiB (${MOST_BYTES} bytes)`,
    })
    return undefined
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    problems.add(START, '', {
      found: 'bytes that are not UTF-8',
      allowed: 'text in UTF-8',
      advice: 'Save the file again with the encoding UTF-8.',
    })
    return undefined
  }
}

/** The tree of a file, or undefined, with problems, where there is none. */
export const readYaml = (text: string, problems: Problems): RawMapping | undefined =>
  new Reader(text, problems).read()

class Reader {
  readonly #text: string
  readonly #lines = new LineCounter()
  readonly #problems: Problems

  constructor(text: string, problems: Problems) {
    this.#text = text
    this.#problems = problems
  }

  read(): RawMapping | undefined {
    const document = parseDocument(this.#text, {
      version: '1.2',
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: this.#lines,
    })
    if (document.errors.length > 0) {
      for (const { code, message, pos } of document.errors.slice(0, 1))
        this.#problems.add(this.#spot(pos[0]), '', syntaxProblem(code, message))
      return undefined
    }
    if (document.directives?.yaml.explicit === true) this.#refuse(0, 'a %YAML directive')
    visit(document, { Node: (_, node) => this.#refuseReference(node) })
    if (this.#problems.list.length > 0) return undefined
    const root = document.contents
    if (isMap(root)) return this.#node(root, '') as RawMapping
    const empty = root === null || (isScalar(root) && root.value === null)
    this.#problems.add(START, '', {
      found: empty ? 'an empty file' : `${this.#kind(root)} at the top`,
      allowed: 'a mapping of keys such as "name: my-question"',
      advice: 'Copy scenarios/quickstart.yaml and change it.',
    })
    return undefined
  }

  #refuse(offset: number, found: string): void {
    const allowed = 'plain keys and values, written out where they are used'
    this.#problems.add(this.#spot(offset), '', { found, allowed })
  }

  #refuseReference(node: Node): void {
    const offset = node.range?.[0] ?? 0
    if (isAlias(node)) this.#refuse(offset, `the alias "*${node.source}"`)
    else if (node.anchor !== undefined) this.#refuse(offset, `the anchor "&${node.anchor}"`)
    else if (node.tag !== undefined)
      this.#refuse(offset, `the tag "${node.tag.replace('tag:yaml.org,2002:', '!!')}"`)
  }

  #spot(offset: number): Spot {
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length))
    return { line, column: col }
  }

  #kind(node: unknown): string {
    return isSeq(node) ? 'a list' : isMap(node) ? 'a mapping' : 'a single value'
  }

  #node(node: Node | null, path: string): RawNode {
    const spot = this.#spot(node?.range?.[0] ?? 0)
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.#node(item as Node | null, `${path}[${i}]`))
      return { kind: 'sequence', items, ...spot }
    }
    if (isMap(node)) return { kind: 'mapping', entries: this.#entries(node.items, path), ...spot }
    const value = isScalar(node) ? node.value : null
    const source = isScalar(node) ? (node.source ?? '') : ''
    const plain =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    return { kind: 'scalar', value: plain ? value : null, source, ...spot }
  }

  #entries(items: readonly unknown[], path: string): Map<string, RawEntry> {
    const entries = new Map<string, RawEntry>()
    for (const item of items) {
      if (!isPair(item)) continue
      const node = item.key as Node | null
      const key = this.#spot(node?.range?.[0] ?? 0)
      if (!isScalar(node) || typeof node.value !== 'string') {
        const found = isScalar(node)
          ? `the key ${node.source ?? ''}`
          : `${this.#kind(node)} as a key`
        this.#problems.add(key, path, { found, allowed: 'text as a key' })
        continue
      }
      const name = node.value
      const first = entries.get(name)
      const inner = path === '' ? name : `${path}.${name}`
      if (first)
        this.#problems.add(key, inner, {
          found: `the key "${name}" for the second time`,
          allowed: `each key once (the first is in line ${first.key.line})`,
        })
      else entries.set(name, { key, value: this.#value(item.value as Node | null, key, inner) })
    }
    return entries
  }

  /** A key without a value has no place of its own in the tree: it takes the key's. */
  #value(node: Node | null, key: Spot, path: string): RawNode {
    const nothing = isScalar(node) && node.value === null && (node.source ?? '') === ''
    return node === null || nothing
      ? { kind: 'scalar', value: null, source: '', ...key }
      : this.#node(node, path)
  }
}
