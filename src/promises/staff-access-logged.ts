import { z } from 'zod'
import { tenantColumn, type Resource, type SuretyConfig } from '../declare/index.ts'
import { hasCode } from '../kernel/index.ts'
import { createMarker } from './canaries.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'
import { sampleId, sampleRow } from './sample-row.ts'
import type { StaffView } from './staff-view.ts'
import type { Comparison } from '../staff/index.ts'

/** Every access of an employee to customer data is logged, and shown to whom it concerns. */
export const staffAccessLogged = definePromise({
  id: 'staff.access-logged',
  evidence: 'measured',
  checkedBy: 'self',
  version: 3,
  cadence: '1h',
  parameters: z.strictObject({}),

  check: ({ staff }) =>
    staff
      ? []
      : [{ key: 'staff', problem: 'is not declared', mend: 'declare staff.roles, and who may read what' }],

  cannotProve: () => [
    'What a superuser of the database, the root of a host or the holder of a provider’s keys reads without the library.',
    'A direct session that calls itself by this library’s name, or one that came and went between two looks, a minute apart.',
    'In a long audit log, that no record older than two hours was removed from the person’s view since it was last looked at: each time 16,000 older entries are compared, one after the other, so that a log of 384,000 takes a day. The audit log keeps the access itself.',
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
    const real = await staff.compare(invented(context.config, 'operator'))
    const values = {
      realAccesses: real.accesses,
      missingFromView: real.missing.length,
      entriesRead: real.entries,
      wholeLogRead: real.whole,
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
  real: Comparison,
  strangers: readonly string[],
  values: Measurement['values'],
): Measurement {
  const problem = problemOf(rehearsal)
  if (problem) return { outcome: 'broken', summary: `A rehearsed access ${problem}.`, values }
  if (real.missing.length > 0) {
    const summary = `${real.missing.length} of ${real.accesses} accesses stand in the audit log and not where the person would see them.`
    return { outcome: 'broken', summary, values }
  }
  if (strangers.length > 0) {
    const summary = `At the database directly, where nothing here logs what is read, stands what nobody declared: ${strangers.join(', ')}.`
    return { outcome: 'broken', summary, values }
  }
  const summary = `A rehearsed access stood in the audit log and in the person’s own view before its row came; without a record no row came; so ${real.whole ? `did all ${real.accesses} accesses that the log still tells of` : `did ${real.accesses} accesses, all of the last two hours and those of a part of the log before`}; nobody undeclared is at the database.`
  return { outcome: 'kept', summary, values }
}

function problemOf({ read, logged, shown, unrecorded }: Rehearsal): string | null {
  if (unrecorded > 0) return 'released a row though its record had failed'
  if (read !== 1) return 'did not read the one row that was laid there'
  if (!logged) return 'is not in the audit log'
  return shown ? null : 'is not shown to the person'
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
