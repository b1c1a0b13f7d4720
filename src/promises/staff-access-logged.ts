import { z } from 'zod'
import { tenantColumn, type Resource, type SuretyConfig } from '../declare/index.ts'
import { hasCode } from '../kernel/index.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleId, sampleRow } from './sample-row.ts'
import type { StaffView } from './staff-view.ts'

/** Every access of an employee to customer data is logged, and shown to whom it concerns. */
export const staffAccessLogged = definePromise({
  id: 'staff.access-logged',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '1h',
  parameters: z.strictObject({}),

  check: ({ staff }) =>
    staff
      ? []
      : [{ key: 'staff', problem: 'is not declared', mend: 'declare staff.roles, and who may read what' }],

  cannotProve: () => [
    'What a superuser of the database, the root of a host or the holder of a provider’s keys reads without the library.',
    'A direct session that calls itself by this library’s name, or one that came and went between two looks, a minute apart.',
    'That a record of an access, once it had been looked at here, was not removed from the person’s view later; the audit log keeps it.',
    'What somebody who saw a row did with it afterwards.',
  ],

  async probe(context) {
    const { staff } = context
    if (!staff) return { outcome: 'undecided', summary: 'No staff is declared.', values: {} }
    const resource = readable(context.config)
    if (!resource)
      return { outcome: 'undecided', summary: 'No role of staff may ask to read about people.', values: {} }
    const strangers = await staff.strangers()
    const rehearsal = await rehearse(context, staff, resource)
    const real = await compareRecords(context)
    const values = {
      realAccesses: real.logged,
      missingFromView: real.missing,
      rowsRead: rehearsal.read,
      logged: rehearsal.logged,
      shown: rehearsal.shown,
      releasedWithoutRecord: rehearsal.unrecorded,
      directSessions: strangers.filter(({ kind }) => kind === 'session').length,
      undeclaredRoles: strangers.filter(({ kind }) => kind === 'role').length,
    }
    const who = strangers.map(({ kind, role }) => `${kind === 'role' ? 'the role' : 'a session of'} ${role}`)
    return judge(rehearsal, real, who, values)
  },
})

interface Rehearsal {
  readonly read: number
  readonly logged: boolean
  readonly shown: boolean
  readonly unrecorded: number
}

function judge(
  rehearsal: Rehearsal,
  real: Compared,
  strangers: readonly string[],
  values: Measurement['values'],
): Measurement {
  const problem = problemOf(rehearsal)
  if (problem) return { outcome: 'broken', summary: `A rehearsed access ${problem}.`, values }
  if (real.missing > 0) {
    const summary = `${real.missing} of the latest ${real.logged} accesses stand in the audit log and not where the person would see them.`
    return { outcome: 'broken', summary, values }
  }
  if (strangers.length > 0) {
    const summary = `At the database directly, where nothing here logs what is read, stands what nobody declared: ${strangers.join(', ')}.`
    return { outcome: 'broken', summary, values }
  }
  const summary = `A rehearsed access stood in the audit log and in the person’s own view before its row came; without a record no row came; so did all ${real.logged} accesses of the last hours; nobody undeclared is at the database.`
  return { outcome: 'kept', summary, values }
}

function problemOf({ read, logged, shown, unrecorded }: Rehearsal): string | null {
  if (unrecorded > 0) return 'released a row though its record had failed'
  if (read !== 1) return 'did not read the one row that was laid there'
  if (!logged) return 'is not in the audit log'
  return shown ? null : 'is not shown to the person'
}

/** Real accesses of the last hours. */
interface Compared {
  readonly logged: number
  /** Of them, those that nobody concerned would see: somebody has taken rows away. */
  readonly missing: number
}

/** More than the cadence, so that no access falls between two looks. */
const LOOKED_BACK_MS = 2 * 3_600_000

/** Each access in the audit log stands where the person, or the tenant, is shown it. */
async function compareRecords({ audit, clock, config, as, system }: ProbeContext): Promise<Compared> {
  const since = clock.now() - LOOKED_BACK_MS
  const prober = invented(config, 'operator')
  const expected = new Map<string, number>()
  let logged = 0
  for await (const { entry } of audit.entries(since)) {
    if (entry.kind !== 'staff.access' || entry.actor.id === prober) continue
    if (entry.subject === null && entry.tenant === null) continue
    logged += 1
    count(expected, keyOf(entry.actor.grant, entry.subject ?? entry.tenant, entry.resource, entry.action), 1)
  }
  for (const [table, owner] of SHOWN_IN) {
    const rows = await as(system('probe.staff.access-logged', [table]))
      .selectFrom(table)
      .select(['grantId', owner, 'resource', 'action'])
      .where('createdAt', '>=', new Date(since))
      .execute()
    for (const row of rows)
      count(expected, keyOf(row['grantId'], row[owner], row['resource'], row['action']), -1)
  }
  const missing = [...expected.values()].filter((left) => left > 0).reduce((all, left) => all + left, 0)
  return { logged, missing }
}

const SHOWN_IN = [
  ['staff_accesses', 'personId'],
  ['staff_tenant_accesses', 'tenantId'],
] as const

function keyOf(...parts: readonly unknown[]): string {
  return parts.join('/')
}

function count(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function invented({ origin }: SuretyConfig, name: string): string {
  return sampleId(origin, 'staff.access-logged', name)
}

/** A resource about one person each that some role may ask to read. */
function readable({ staff, resources }: SuretyConfig): Resource | null {
  const names = Object.values(staff?.roles ?? {}).flatMap(({ reads }) => reads ?? [])
  const found = names.map((name) => resources[name]).find((resource) => resource?.subjects.length === 1)
  return found ?? null
}

async function rehearse(context: ProbeContext, staff: StaffView, resource: Resource): Promise<Rehearsal> {
  const { config, clock, audit } = context
  const subject = invented(config, 'asker')
  const tenant = invented(config, 'tenant home')
  const operator = invented(config, 'operator')
  const scope = { tenant: resource.tenant === null ? null : tenant, subject }
  const tables = [resource.name, 'staff_accesses']
  const db = context.as(context.system('probe.staff.access-logged', tables))
  const values = sampleRow(
    resource,
    { tenant: tenantColumn(resource) === resource.subject ? subject : tenant, subject },
    createMarker(),
    clock,
  )
  const row = await db.insertInto(resource.name).values(values).returning('id').executeTakeFirstOrThrow()
  const id = String(row['id'])
  const since = clock.now()
  const readAs = (recorded: boolean) =>
    staff
      .rehearse({ operator, scope, resource: resource.name, recorded })
      .selectFrom(resource.name)
      .select('id')
      .where('id', '=', id)
      .execute()
  try {
    const unrecorded = await readAs(false).catch(withheld)
    const before = (await staff.shownTo(subject)).length
    const read = await readAs(true)
    await audit.flush()
    return {
      read: read.length,
      unrecorded: unrecorded.length,
      logged: await isLogged(context, since, operator, id),
      shown: (await staff.shownTo(subject)).length > before,
    }
  } finally {
    await db.deleteFrom(resource.name).where('id', '=', id).execute()
    await db.deleteFrom('staff_accesses').where('personId', '=', subject).execute()
  }
}

async function isLogged(
  { audit }: ProbeContext,
  since: number,
  operator: string,
  id: string,
): Promise<boolean> {
  for await (const { entry } of audit.entries(since - 1)) {
    if (entry.kind === 'staff.access' && entry.actor.id === operator && entry.rows.includes(id)) return true
  }
  return false
}

function withheld(error: unknown): [] {
  if (hasCode(error, 'ERR_STORE_UNRECORDED')) return []
  throw error
}
