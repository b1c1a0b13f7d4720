import type { OperationNode } from 'kysely'
import { HANDLED } from './nodes.ts'
import { Slot } from './slots.ts'

/** A query tree without its values, and its values. */
export interface Shape {
  /** Two trees with one key differ in nothing but values. */
  readonly key: string
  readonly values: readonly unknown[]
}

/** Longer ones are not worth their place. */
const LONGEST_KEY = 16_384

/**
 * Reads a tree member by member, known or not. Values are the parameters of the query: what a
 * `ValueNode` holds and the members of a list. Null and undefined belong to the shape, since planning
 * tells them from others; so do literals that are written into the SQL and the steps of JSON paths.
 *
 * @returns null for a tree that holds anything but nodes of handled kinds, lists and primitives
 */
export function readShape(node: OperationNode): Shape | null {
  const reader = new ShapeReader()
  try {
    return reader.readNode(node, false) && reader.key.length <= LONGEST_KEY ? reader : null
  } catch (error) {
    // Nested beyond the stack: refused where it is planned.
    if (error instanceof RangeError) return null
    throw error
  }
}

class ShapeReader implements Shape {
  key = ''
  readonly values: unknown[] = []

  readNode(node: object, fixed: boolean): boolean {
    const { kind } = node as { kind?: unknown }
    if (typeof kind !== 'string' || !Object.hasOwn(HANDLED, kind)) return false
    this.key += `(${kind}`
    const holder = fixed ? null : valueMember(kind, node)
    const below = fixed || kind === 'JSONOperatorChainNode'
    for (const name of Object.keys(node)) {
      if (name === 'kind') continue
      this.key += ` ${JSON.stringify(name)}:`
      const member = node[name as keyof typeof node] as unknown
      if (name === holder) this.#readValues(member, holder === 'values')
      else if (!this.#readMember(member, below)) return false
    }
    this.key += ')'
    return true
  }

  #readMember(member: unknown, fixed: boolean): boolean {
    if (Array.isArray(member)) {
      this.key += '['
      for (const one of member) {
        if (!this.#readMember(one, fixed)) return false
        this.key += ','
      }
      this.key += ']'
      return true
    }
    if (typeof member === 'object' && member !== null) return this.readNode(member, fixed)
    return this.#readPrimitive(member)
  }

  #readPrimitive(value: unknown): boolean {
    if (typeof value === 'string') this.key += JSON.stringify(value)
    else if (value === null || value === undefined || typeof value === 'boolean') this.key += String(value)
    // Not JSON: it would write -0 as 0 and what is not finite as null.
    else if (typeof value === 'number') this.key += Object.is(value, -0) ? '-0' : String(value)
    else return false
    return true
  }

  #readValues(member: unknown, isList: boolean): void {
    if (!isList) return this.#readValue(member)
    this.key += '['
    for (const value of member as readonly unknown[]) {
      this.#readValue(value)
      this.key += ','
    }
    this.key += ']'
  }

  #readValue(value: unknown): void {
    if (value === null || value === undefined) this.key += String(value)
    else {
      this.key += `?${typeof value}`
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
