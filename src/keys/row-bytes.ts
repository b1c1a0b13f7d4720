import type { Field, FieldKind } from '../declare/index.ts'

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

/** The values that are set, as canonical JSON takes them: an absent value and a null are one. */
export function presentValues(
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const present: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const name of names) {
    const value = values[name]
    if (value !== null && value !== undefined) present[name] = toJson(value)
  }
  return present
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
