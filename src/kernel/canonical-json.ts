import { utf8 } from './bytes.ts'

/** What JSON can carry. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/**
 * The one text of a JSON value under RFC 8785 (JSON Canonicalization Scheme): members sorted by
 * UTF-16 code units, ECMAScript numbers, no white space.
 *
 * Members that are `undefined` are left out, as `JSON.stringify` does. Throws a TypeError for what
 * has no canonical form: non-finite numbers, lone surrogates, functions, bigints, cycles.
 */
export function canonicalJson(value: unknown): string {
  return isInOrder(value, 0) ? JSON.stringify(value) : write(value, new Set())
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalJson(value))
}

/**
 * The value of a text that is its canonical JSON (RFC 8785) already.
 * @throws SyntaxError for what is no JSON, TypeError or RangeError for what is not in canonical form
 */
export function parseCanonicalJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // What JSON carried has no prototypes and no cycles: this is all that can be wrong with it.
  const canonical =
    JSON.stringify(value) === text && !ESCAPED_SURROGATE.test(text) && areAllMembersInOrder(value)
  if (canonical || canonicalJson(value) === text) return value
  throw new TypeError('the text is not canonical JSON')
}

/** How `JSON.stringify` writes a lone surrogate; a text may hold the same characters after a backslash. */
const ESCAPED_SURROGATE = /\\u[dD]/

/** True where no member of what JSON carried stands before one that sorts before it. */
function areAllMembersInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(areAllMembersInOrder)
  let last = ''
  for (const key in value) {
    if (key < last || !areAllMembersInOrder((value as Record<string, unknown>)[key])) return false
    last = key
  }
  return true
}

/** Beyond this depth {@link write} decides: it also notices a cycle. */
const MAX_QUICK_DEPTH = 32

/**
 * True where `JSON.stringify` gives the canonical text as it is, at a third of the cost: every member
 * stands in order and everything in it has a canonical form.
 */
function isInOrder(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
    case 'number':
      return Number.isFinite(value)
    case 'boolean':
      return true
    case 'object':
      return value === null || (depth < MAX_QUICK_DEPTH && areMembersInOrder(value, depth + 1))
    default:
      return false
  }
}

function areMembersInOrder(value: object, depth: number): boolean {
  if ('toJSON' in value) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isInOrder(item, depth)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  let last = ''
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (key < last || !key.isWellFormed() || (member !== undefined && !isInOrder(member, depth))) return false
    last = key
  }
  return true
}

function write(value: unknown, open: Set<object>): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a non-finite number has no canonical JSON')
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical JSON')
    return JSON.stringify(value)
  }
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no canonical JSON`)
  if (open.has(value)) throw new TypeError('a cycle has no canonical JSON')
  open.add(value)
  const text = Array.isArray(value) ? writeArray(value, open) : writeObject(value, open)
  open.delete(value)
  return text
}

function writeArray(items: readonly unknown[], open: Set<object>): string {
  return `[${Array.from(items, (item) => write(item, open)).join(',')}]`
}

function writeObject(object: object, open: Set<object>): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('only plain objects have canonical JSON')
  }
  const members = Object.entries(object)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${write(key, open)}:${write(member, open)}`).join(',')}}`
}
