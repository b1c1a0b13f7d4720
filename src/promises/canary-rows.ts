import { tenantColumn, sealedFields, type CanaryIntent, type Resource } from '../declare/index.ts'
import { canariesOf, type Canaries } from './canaries.ts'
import type { ProbeContext } from './probe-context.ts'
import { markerFor, sampleId, sampleRow } from './sample-row.ts'

export interface WrittenRows {
  /** `http`: an ordinary account of the app wrote them; `library`: the probe did, at the library's own interface. */
  readonly through: 'http' | 'library'
  /** Resources that took a row. */
  readonly resources: readonly string[]
}

/**
 * Writes a row with `marker` in its sealed texts to every resource that can carry one, runs `look`
 * while the rows are there, and takes them away. Over HTTP as an ordinary account where the app's
 * configuration says how, else at the library's own interface.
 */
export async function withCanaryRows<T>(
  context: ProbeContext,
  marker: string,
  undeclared: CanaryIntent['undeclared'] | null,
  look: (written: WrittenRows) => Promise<T>,
): Promise<T> {
  const canaries = canariesOf(context)
  return canaries
    ? withHttpRows(context, canaries, marker, undeclared, look)
    : withLibraryRows(context, marker, undeclared, look)
}

/** Resources whose sealed fields have room for the marker. */
function carriers(context: ProbeContext, marker: string): Resource[] {
  return Object.values(context.config.resources).filter((resource) =>
    sealedFields(resource).some((name) => markerFor(resource.fields[name]!, marker) !== null),
  )
}

async function withHttpRows<T>(
  context: ProbeContext,
  canaries: Canaries,
  marker: string,
  undeclared: CanaryIntent['undeclared'] | null,
  look: (written: WrittenRows) => Promise<T>,
): Promise<T> {
  const [role] = Object.keys(context.config.roles)
  return canaries.withPeople([role!], async ([person]) => {
    const written: string[] = []
    for (const resource of Object.values(context.config.resources)) {
      const values = sampleRow(
        resource,
        { tenant: person!.tenant, subject: person!.id },
        marker,
        context.clock,
      )
      const intent = {
        action: 'create',
        resource: resource.name,
        values,
        ...(undeclared ? { undeclared } : {}),
      } as const
      const response = await canaries.request(person!, intent)
      await response?.body?.cancel()
      if (response?.ok) written.push(resource.name)
    }
    return look({ through: 'http', resources: written })
  })
}

async function withLibraryRows<T>(
  context: ProbeContext,
  marker: string,
  undeclared: CanaryIntent['undeclared'] | null,
  look: (written: WrittenRows) => Promise<T>,
): Promise<T> {
  const { origin } = context.config
  // Who writes such rows searches for them, too: those probes share a lane.
  const invented = (name: string): string => sampleId(origin, 'canary rows', name)
  const owner = { tenant: invented('tenant home'), subject: invented('asker') }
  const made: { resource: Resource; id: string }[] = []
  try {
    for (const resource of carriers(context, marker)) {
      if (tenantColumn(resource) === null) continue
      const row = sampleRow(resource, owner, marker, context.clock)
      const smuggled =
        undeclared && resource.undeclared === 'drop' ? { [undeclared.name]: undeclared.value } : {}
      const db = context.as(context.system('probe.canary-rows', [resource.name]))
      const inserted = await db
        .insertInto(resource.name)
        .values({ ...row, ...smuggled })
        .returning('id')
        .executeTakeFirstOrThrow()
      made.push({ resource, id: String(inserted['id']) })
    }
    return await look({ through: 'library', resources: made.map(({ resource }) => resource.name) })
  } finally {
    for (const { resource, id } of made) {
      const db = context.as(context.system('probe.canary-rows', [resource.name]))
      await db.deleteFrom(resource.name).where('id', '=', id).execute()
    }
  }
}
