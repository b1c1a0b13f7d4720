import type { OperationNode } from 'kysely'
import { HANDLED } from './nodes.ts'
import { Slot } from './slots.ts'

/** A query tree without its values, and its values. */
export interface Shape {
  /** Two trees read with one vocabulary that have one key differ in nothing but values. */
  readonly key: string
  readonly values: readonly unknown[]
}

/** Longer ones are not worth their place. */
const LONGEST_KEY = 4_096
const LONGEST_WORD = 128

/** What stands in a key beside words: ends, beginnings, what is no word, types of values, kinds of nodes. */
const [END, LIST, NULL, UNDEFINED, TRUE, FALSE, NEGATIVE_ZERO] = [0, 1, 2, 3, 4, 5, 6] as const
const PRIMITIVES = new Map<unknown, number>([
  [null, NULL],
  [undefined, UNDEFINED],
  [true, TRUE],
  [false, FALSE],
])
const TYPES = ['string', 'number', 'bigint', 'boolean', 'object', 'function', 'symbol']
const MARKS = new Map([...TYPES, ...Object.keys(HANDLED)].map((mark, i) => [mark, NEGATIVE_ZERO + 1 + i]))
const FIRST_WORD = NEGATIVE_ZERO + 1 + MARKS.size

/**
 * Writes trees as texts with one code unit for each of their names, marks and literals: telling two
 * apart costs a quarter of what it costs where their names are spelt out.
 */
export class Vocabulary {
  readonly #words = new Map<string | number, number>()
  readonly #most: number

  /** @param most words after which it is full; at most 60,000, so that the last tree still fits */
  constructor(most: number) {
    this.#most = most
  }

  /** True: no new words are to be learnt; a new vocabulary knows none of the old keys. */
  get isFull(): boolean {
    return this.#words.size >= this.#most
  }

  /** The code unit of a word; null for one that is too long to be kept. */
  codeOf(word: string | number): number | null {
    const known = this.#words.get(word)
    if (known !== undefined) return known
    const code = FIRST_WORD + this.#words.size
    if (code > 0xffff || (typeof word === 'string' && word.length > LONGEST_WORD)) return null
    this.#words.set(word, code)
    return code
  }
}

/**
 * Reads a tree member by member, known or not. Values are the parameters of the query: what a
 * `ValueNode` holds and the members of a list. Null and undefined belong to the shape, since planning
 * tells them from others; so do literals that are written into the SQL and the steps of JSON paths.
 *
 * @param around what else the key is to tell apart, written before the tree
 * @returns null for a tree that holds anything but nodes of handled kinds, lists and primitives
 */
export function readShape(
  vocabulary: Vocabulary,
  node: OperationNode,
  around: readonly (string | boolean | null)[] = [],
): Shape | null {
  const reader = new ShapeReader(vocabulary)
  try {
    if (!reader.readAll(around) || !reader.readNode(node, false)) return null
    const { units, values } = reader
    return units.length <= LONGEST_KEY ? { key: String.fromCharCode(...units), values } : null
  } catch (error) {
    // Nested beyond the stack: refused where it is planned.
    if (error instanceof RangeError) return null
    throw error
  }
}

class ShapeReader {
  readonly units: number[] = []
  readonly values: unknown[] = []
  readonly #vocabulary: Vocabulary

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  /** Kind, members by name, end: nothing of one node can be taken for a part of another. */
  readNode(node: object, fixed: boolean): boolean {
    const { kind } = node as { kind?: unknown }
    if (typeof kind !== 'string' || !Object.hasOwn(HANDLED, kind)) return false
    this.units.push(MARKS.get(kind)!)
    const holder = fixed ? null : valueMember(kind, node)
    const below = fixed || kind === 'JSONOperatorChainNode'
    for (const name of Object.keys(node)) {
      if (name === 'kind') continue
      if (!this.#readWord(name)) return false
      const member = node[name as keyof typeof node] as unknown
      if (name === holder) this.#readValues(member, holder === 'values')
      else if (!this.#readMember(member, below)) return false
    }
    this.units.push(END)
    return true
  }

  readAll(members: readonly unknown[], fixed = true): boolean {
    this.units.push(LIST)
    for (const one of members) if (!this.#readMember(one, fixed)) return false
    this.units.push(END)
    return true
  }

  #readMember(member: unknown, fixed: boolean): boolean {
    if (typeof member === 'string') return this.#readWord(member)
    if (Array.isArray(member)) return this.readAll(member, fixed)
    if (typeof member === 'object' && member !== null) return this.readNode(member, fixed)
    if (typeof member === 'number') return this.#readNumber(member)
    const mark = PRIMITIVES.get(member)
    if (mark !== undefined) this.units.push(mark)
    return mark !== undefined
  }

  /** A map takes -0 for 0. */
  #readNumber(number: number): boolean {
    if (!Object.is(number, -0)) return this.#readWord(number)
    this.units.push(NEGATIVE_ZERO)
    return true
  }

  #readWord(word: string | number): boolean {
    const code = this.#vocabulary.codeOf(word)
    if (code !== null) this.units.push(code)
    return code !== null
  }

  #readValues(member: unknown, isList: boolean): void {
    if (!isList) return this.#readValue(member)
    this.units.push(LIST)
    for (const value of member as readonly unknown[]) this.#readValue(value)
    this.units.push(END)
  }

  #readValue(value: unknown): void {
    if (value === null) this.units.push(NULL)
    else if (value === undefined) this.units.push(UNDEFINED)
    else {
      this.units.push(MARKS.get(typeof value)!)
      this.values.push(value)
    }
  }
}

/** The member of a node that holds a value of the query (`value`) or a list of them (`values`). */
function valueMember(kind: string, node: object): 'value' | 'values' | null {
  if (kind === 'PrimitiveValueListNode')
    return Array.isArray((node as { values?: unknown }).values) ? 'values' : null
  return kind === 'ValueNode' && !(node as { immediate?: unknown }).immediate ? 'value' : null
}

/**
 * A copy of a tree that was read, so that nothing changes it between two looks.
 * @param slots true for slots in place of its values, numbered as {@link readShape} lists them
 */
export function copyTree(node: OperationNode, slots: boolean): OperationNode {
  let count = 0
  const copyValue = (value: unknown): unknown =>
    slots && value !== null && value !== undefined ? new Slot(count++) : value
  const copy = (member: unknown, fixed: boolean): unknown => {
    if (Array.isArray(member)) return member.map((one) => copy(one, fixed))
    return typeof member === 'object' && member !== null ? copyNode(member, fixed) : member
  }
  const copyNode = (from: object, fixed: boolean): object => {
    const { kind } = from as { kind: string }
    const holder = fixed ? null : valueMember(kind, from)
    const below = fixed || kind === 'JSONOperatorChainNode'
    const entries = Object.entries(from).map(([name, member]: [string, unknown]) => {
      if (name !== holder) return [name, copy(member, below)]
      return [name, holder === 'values' ? (member as readonly unknown[]).map(copyValue) : copyValue(member)]
    })
    return Object.fromEntries(entries) as object
  }
  return copyNode(node, false) as OperationNode
}
