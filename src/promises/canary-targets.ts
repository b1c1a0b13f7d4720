import type { CanaryPerson, Resource } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import { createMarker, tagOf } from './canaries.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleRow, type SampleOwner } from './sample-row.ts'

/** A value that occurs nowhere else, and the fields of the row that it stands in. */
export interface Mark {
  readonly text: string
  readonly fields: readonly string[]
}

/** A stored row that probes try to reach over HTTP. */
export interface Target {
  readonly resource: Resource
  readonly id: string
  /** By what an app's route may call it: its own id, and where the app keeps it about somebody, theirs. */
  readonly names: readonly string[]
  /** Empty where nothing in the row is known to occur nowhere else. */
  readonly marks: readonly Mark[]
}

/** Whose sample rows a canary's are. */
export function ownerOf({ tenant, id }: CanaryPerson): SampleOwner {
  return { tenant, subject: id }
}

/** A row that fits its declaration, each of its sealed texts with a mark of its own. */
export function markedRow(
  resource: Resource,
  owner: SampleOwner,
  clock: Clock,
): { readonly row: Record<string, unknown>; readonly marks: readonly Mark[] } {
  const marker = createMarker()
  const row = sampleRow(resource, owner, marker, clock)
  const marks: Mark[] = []
  for (const [at, name] of Object.keys(resource.fields).entries()) {
    const value = row[name]
    const inList = Array.isArray(value) && value[0] === marker
    if (value !== marker && !inList) continue
    const text = marker.slice(0, -2) + (at % 256).toString(16).padStart(2, '0')
    row[name] = inList ? [text] : text
    marks.push({ text, fields: [name] })
  }
  return { row, marks }
}

/** Lays such a row at the library's own interface. */
export async function layTarget(
  context: ProbeContext,
  resource: Resource,
  person: CanaryPerson,
): Promise<Target> {
  const { row, marks } = markedRow(resource, ownerOf(person), context.clock)
  const inserted = await tableOf(context, resource)
    .insertInto(resource.name)
    .values(row)
    .returning('id')
    .executeTakeFirstOrThrow()
  const id = String(inserted['id'])
  return { resource, id, names: [id], marks }
}

export async function removeTarget(context: ProbeContext, { resource, id }: Target): Promise<void> {
  await tableOf(context, resource).deleteFrom(resource.name).where('id', '=', id).execute()
}

/** Takes rows with a mark away from a table without owners, where it stands in the clear. */
export async function removeMarked(
  context: ProbeContext,
  resource: Resource,
  marks: readonly Mark[],
): Promise<void> {
  for (const { text, fields } of marks.slice(0, 1))
    await tableOf(context, resource).deleteFrom(resource.name).where(fields[0]!, '=', text).execute()
}

/** The row that the app itself keeps of a person, or of their tenant; null where there is none. */
export async function findTarget(
  context: ProbeContext,
  resource: Resource,
  person: CanaryPerson,
  people: readonly CanaryPerson[],
): Promise<Target | null> {
  const [subject] = resource.subjects
  const column = subject?.column ?? resource.tenant
  if (column === null) return null
  const named = subject ? person.id : person.tenant
  const row = await tableOf(context, resource)
    .selectFrom(resource.name)
    .selectAll()
    .where(column, '=', named)
    .executeTakeFirst()
  if (!row) return null
  const id = String(row['id'])
  return { resource, id, names: [id, named], marks: marksIn(row, people) }
}

/** Canaries' tags that stand in the row. */
function marksIn(row: Readonly<Record<string, unknown>>, people: readonly CanaryPerson[]): readonly Mark[] {
  return people
    .map(tagOf)
    .filter((tag) => tag !== null)
    .map((text) => ({
      text,
      fields: Object.keys(row).filter((name) => JSON.stringify(row[name] ?? null).includes(text)),
    }))
    .filter(({ fields }) => fields.length > 0)
}

/**
 * What is stored of one resource about a person, and in their tenant, by row: for comparing. What is in
 * the tenant is left out for somebody who is in it, too, where rows are about people.
 */
export async function storedAbout(
  context: ProbeContext,
  resource: Resource,
  person: CanaryPerson,
  asker?: CanaryPerson,
): Promise<ReadonlyMap<string, string>> {
  const isShared = resource.subjects.length > 0 && person.tenant === asker?.tenant
  const owners = [
    ...(resource.tenant === null || isShared ? [] : [[resource.tenant, person.tenant] as const]),
    ...resource.subjects.map(({ column }) => [column, person.id] as const),
  ]
  if (owners.length === 0) return new Map()
  const rows = await tableOf(context, resource)
    .selectFrom(resource.name)
    .selectAll()
    .where((where) => where.or(owners.map(([column, value]) => where(column, '=', value))))
    .execute()
  return new Map(rows.map((row) => [String(row['id']), JSON.stringify(row)]))
}

function tableOf(context: ProbeContext, { name }: Resource): ReturnType<ProbeContext['as']> {
  return context.as(context.system('probe.canary-targets', [name]))
}
