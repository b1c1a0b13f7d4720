import { createHash } from 'node:crypto'
import { tenantColumn, type Field, type Resource } from '../declare/index.ts'
import { formatId, type Clock } from '../kernel/index.ts'

/** Whom a sample row is about. */
export interface SampleOwner {
  readonly tenant: string
  readonly subject: string
}

/** First characters of the ids of everybody who is invented for an installation: 48 bits. */
const MARK_CHARACTERS = 13

/**
 * A pseudonym that stands for the same invented person in every run, so that probes which act at the
 * library's own interface leave no growing trail of data keys. Each probe has people of its own: what it
 * lays in a table changes nothing for another one.
 */
export function sampleId(origin: string, probe: string, name: string): string {
  const bytes = digest(origin, probe, name)
  bytes.set(digest(origin).subarray(0, 6))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatId(bytes)
}

/** Whether a row is a probe's: a look at all real rows leaves it out. */
export function isSampleId(origin: string, id: string): boolean {
  return id.startsWith(sampleId(origin, '', '').slice(0, MARK_CHARACTERS))
}

function digest(...parts: readonly string[]): Uint8Array {
  return createHash('sha256')
    .update(['surety/sample/2', ...parts].join('\n'))
    .digest()
    .subarray(0, 16)
}

/** A row that fits its declaration, with `marker` in every sealed text that is long enough. */
export function sampleRow(
  resource: Resource,
  owner: SampleOwner,
  marker: string,
  clock: Clock,
): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(resource.fields)) row[name] = sampleValue(field, marker, clock)
  const tenant = tenantColumn(resource)
  if (tenant) row[tenant] = owner.tenant
  for (const { column } of resource.subjects) row[column] = owner.subject
  return row
}

/** The marker as a field of this length can carry it; null where it would be cut. */
export function markerFor(field: Field, marker: string): string | null {
  const room = field.kind === 'list' ? field.itemMax : field.max
  return room !== null && room >= marker.length ? marker : null
}

function sampleValue(field: Field, marker: string, clock: Clock): unknown {
  // A clear column would carry the marker in the clear, which is what it is declared to do.
  const text = field.clear === null ? (markerFor(field, marker) ?? 'x') : 'x'
  switch (field.kind) {
    case 'id':
      return crypto.randomUUID()
    case 'text':
      return text
    case 'integer':
    case 'number':
      return Math.max(field.range?.min ?? 0, Math.min(field.range?.max ?? 0, 1))
    case 'boolean':
      return true
    case 'timestamp':
      return new Date(clock.now())
    case 'date':
      return new Date(clock.now()).toISOString().slice(0, 10)
    case 'choice':
      return field.choices?.[0]
    case 'list':
      return [text]
    case 'json':
      return text
    case 'bytes':
      return new TextEncoder().encode(text)
  }
}
