import type { Field, FieldKind } from '../declare/index.ts'
import { canonicalJson, formatMoment } from '../kernel/index.ts'

/** A value as canonical JSON carries it: timestamps as ISO text with milliseconds, bytes as base64. */
export function toJson(value: unknown): unknown {
  if (value instanceof Date) return formatMoment(value.getTime())
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  return value
}

/** The value a field's kind stands for. */
export function fromJson(kind: FieldKind, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (kind === 'timestamp') return new Date(value as string)
  if (kind === 'bytes') return Buffer.from(value as string, 'base64')
  return value
}

/** A member of a row's canonical JSON object. */
export interface Member {
  readonly name: string
  /** What stands before its value, behind another member. */
  readonly lead: string
}

/** @param names of columns, which need no escapes */
export function membersOf(names: readonly string[]): Member[] {
  return names.toSorted().map((name) => ({ name, lead: `,"${name}":` }))
}

/**
 * The canonical JSON object (RFC 8785) of the values that are set: an absent value and a null are one.
 * @throws TypeError for text with a lone surrogate and for numbers that are not finite
 */
export function canonicalRow(values: Readonly<Record<string, unknown>>, members: readonly Member[]): string {
  let row = ''
  for (const { name, lead } of members) {
    const value = values[name]
    if (value !== null && value !== undefined) row += lead + written(value)
  }
  return `{${row.slice(1)}}`
}

/** What JSON escapes, and the code units of which two make one character. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

function written(value: unknown): string {
  if (typeof value === 'string') return SPECIAL.test(value) ? canonicalJson(value) : `"${value}"`
  if (value instanceof Date) return `"${formatMoment(value.getTime())}"`
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return `${value as boolean | number}`
  return canonicalJson(toJson(value))
}

/** The fields of an opened envelope; null for what it does not hold. */
export function readValues(
  fields: { readonly [name: string]: Field },
  members: readonly Member[],
  stored: Record<string, unknown>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const { name } of members)
    values[name] = fromJson(fields[name]!.kind, Object.hasOwn(stored, name) ? stored[name] : null)
  return values
}
