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

/**
 * The canonical JSON object (RFC 8785) of the values that are set: an absent value and a null are one.
 * `names` are names of columns, which need no escapes, in the order of canonical JSON.
 * @throws TypeError for text with a lone surrogate and for numbers that are not finite
 */
export function canonicalRow(values: Readonly<Record<string, unknown>>, names: readonly string[]): string {
  let members = ''
  for (const name of names) {
    const value = values[name]
    if (value === null || value === undefined) continue
    const separator = members === '' ? '' : ','
    members += `${separator}"${name}":${written(toJson(value))}`
  }
  return `{${members}}`
}

/** What JSON escapes, and the code units of which two make one character. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

function written(json: unknown): string {
  const isPlain =
    typeof json === 'string' ? !SPECIAL.test(json) : typeof json === 'boolean' || Number.isSafeInteger(json)
  if (!isPlain) return canonicalJson(json)
  return typeof json === 'string' ? `"${json}"` : `${json as number | boolean}`
}

/** The fields `names` of an opened envelope; null for what it does not hold. */
export function readValues(
  fields: { readonly [name: string]: Field },
  names: readonly string[],
  stored: Record<string, unknown>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const name of names)
    values[name] = fromJson(fields[name]!.kind, Object.hasOwn(stored, name) ? stored[name] : null)
  return values
}
