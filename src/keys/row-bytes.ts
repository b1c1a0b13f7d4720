import type { Field, FieldKind } from '../declare/index.ts'
import { canonicalJson } from '../kernel/index.ts'

/** A value as canonical JSON carries it: timestamps as ISO text with milliseconds, bytes as base64. */
export function toJson(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
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

/** A column by its place in canonical JSON. */
export interface NamedColumn {
  readonly name: string
  /** The name as JSON, with its colon. */
  readonly label: string
}

/** Columns in the order in which canonical JSON writes them. */
export function inCanonicalOrder(names: readonly string[]): NamedColumn[] {
  // The default order of strings is that of RFC 8785: by UTF-16 code units.
  return names.toSorted().map((name) => ({ name, label: `${JSON.stringify(name)}:` }))
}

/**
 * The canonical JSON (RFC 8785) of the values that are set, an absent value and a null being one:
 * what `canonicalBytes` makes of them, faster because a row is flat and its columns are known.
 */
export function canonicalRow(
  values: Readonly<Record<string, unknown>>,
  columns: readonly NamedColumn[],
): Buffer {
  let text = ''
  for (const { name, label } of columns) {
    const value = values[name]
    if (value === null || value === undefined) continue
    text += `${text === '' ? '{' : ','}${label}${canonicalValue(toJson(value))}`
  }
  return Buffer.from(text === '' ? '{}' : `${text}}`)
}

function canonicalValue(value: unknown): string {
  const isPlain = typeof value === 'boolean' || (typeof value === 'string' && value.isWellFormed())
  return isPlain ? JSON.stringify(value) : canonicalJson(value)
}

/** The fields `names` of an opened envelope; null for what it does not hold. */
export function readValues(
  fields: { readonly [name: string]: Field },
  names: readonly string[],
  stored: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      fromJson(fields[name]!.kind, Object.hasOwn(stored, name) ? stored[name] : null),
    ]),
  )
}
