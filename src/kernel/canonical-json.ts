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
  return write(value, new Set())
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalJson(value))
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
  return `[${items.map((item) => write(item, open)).join(',')}]`
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
