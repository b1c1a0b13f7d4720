import { impersonatedBy } from '../access/index.ts'
import type { AuditEvent } from '../log/index.ts'
import type { AuditedRow, OperatorAccess } from '../store/index.ts'
import { readRecords, RECORD_TABLES, type AccessRecord } from './access-records.ts'
import type { GrantRecord } from './grant-records.ts'
import {
  compareWithLog,
  type Comparison,
  type ComparisonOptions,
  type MissingAccess,
} from './missing-accesses.ts'
import type { StaffPorts } from './ports.ts'

/** One access as the person concerned is shown it: role, purpose and time, never who. */
export interface ShownAccess {
  readonly at: Date
  readonly role: string
  readonly kind: string
  readonly purpose: string
  readonly resource: string
  readonly action: string
  readonly rows: number
  /** Why it is shown only now; null where it was shown at once. */
  readonly delayReason: string | null
}

export interface Accesses {
  /** Commits the record of one statement: what the people concerned are shown, then the audit event. */
  record(access: OperatorAccess): Promise<void>
  /** All accesses to a person's own data, the newest first; those that are held back still are left out. */
  ofPerson(personId: string): Promise<ShownAccess[]>
  /** What was looked at under one grant, the newest first, shown to whom it concerns already or not. */
  ofGrant(grant: Pick<GrantRecord, 'id' | 'grant'>): Promise<ShownAccess[]>
  /** Accesses to a tenant's rows that are about nobody in particular. */
  ofTenant(tenant: string): Promise<ShownAccess[]>
  /** Holds what is shown against the audit log; `ignored` is an operator whose accesses do not count. */
  compare(ignored: string | null): Promise<Comparison>
  /**
   * What a person or a tenant should be shown and is not, since its record was removed or changed in SQL;
   * as of the last ten minutes. Null where the log could not be read.
   */
  missingOf(owner: string): Promise<readonly MissingAccess[] | null>
}

/** Rows of one owner. */
interface Owned {
  readonly resource: string
  readonly tenant: string | null
  readonly subject: string | null
  readonly rows: readonly string[]
}

export function createAccesses(ports: StaffPorts): Accesses {
  const { data, audit, clock, logger } = ports
  const forProbes = comparisons(ports, { most: 16_000, mostRecent: Infinity })
  const forPages = comparisons(ports, { most: 4_000, mostRecent: 4_000 })
  let last: { readonly at: number; readonly compared: Promise<Comparison> } | null = null
  const shownNow = (records: readonly AccessRecord[]): ShownAccess[] =>
    records.filter(({ shownFrom }) => shownFrom.getTime() <= clock.now()).map(toShown)
  return {
    async record(access) {
      const owned = access.accessed.flatMap(({ resource, rows }) => byOwner(access, resource, rows))
      const people = owned.flatMap((one) => toPersonRow(access, one, clock.now()))
      const tenants = owned.flatMap((one) => toTenantRow(access, one, clock.now()))
      if (people.length > 0)
        await data('staff_accesses').insertInto('staff_accesses').values(people).execute()
      if (tenants.length > 0)
        await data('staff_tenant_accesses').insertInto('staff_tenant_accesses').values(tenants).execute()
      // Last: a crash in between leaves a record of what nobody saw, never an entry that nobody is shown.
      await audit.record(owned.map((one) => toEvent(access, one)))
    },
    ofPerson: async (personId) => shownNow(await readRecords(ports, 'staff_accesses', { personId })),
    ofTenant: async (tenantId) => shownNow(await readRecords(ports, 'staff_tenant_accesses', { tenantId })),
    async ofGrant({ id, grant: { from, until, scope } }) {
      const wanted = { between: [from, until + LATE_MS] as const, tenantId: scope.tenant ?? scope.subject! }
      const during = await Promise.all(RECORD_TABLES.map((table) => readRecords(ports, table, wanted)))
      const rows = during.flat().filter(({ grantId }) => grantId === id)
      return rows.toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime()).map(toShown)
    },
    compare: forProbes,
    async missingOf(owner) {
      const now = clock.now()
      if (!last || Math.abs(now - last.at) >= COMPARED_EVERY_MS) last = { at: now, compared: forPages(null) }
      try {
        return (await last.compared).missing.filter((one) => one.owner === owner)
      } catch (err) {
        last = null
        logger.warn({ err }, 'what people are shown could not be held against the audit log')
        return null
      }
    },
  }
}

/** Visitors of ten minutes share one comparison, so that a page that is asked for often costs no more. */
const COMPARED_EVERY_MS = 600_000

/** Each goes on where the one before it ended. */
function comparisons(
  ports: StaffPorts,
  limits: Pick<ComparisonOptions, 'most' | 'mostRecent'>,
): (ignored: string | null) => Promise<Comparison> {
  let from: number | undefined
  return async (ignored) => {
    const compared = await compareWithLog(ports, { ...limits, ignored, from })
    from = compared.next
    return compared
  }
}

/** What ran when the grant ended is recorded a little later. */
const LATE_MS = 600_000

function toShown({
  createdAt,
  role,
  kind,
  purpose,
  resource,
  action,
  rows,
  delayReason,
}: AccessRecord): ShownAccess {
  return { at: createdAt, role, kind, purpose, resource, action, rows, delayReason }
}

/** An entry tells of one owner's rows. Where nothing was found, that it was looked for, in the grant's scope. */
function byOwner({ grant }: OperatorAccess, resource: string, rows: readonly AuditedRow[]): Owned[] {
  if (rows.length === 0) return [{ resource, ...grant.scope, rows: [] }]
  const each = rows.flatMap(({ id, tenant, subjects }) =>
    (subjects.length === 0 ? [null] : subjects).map((subject) => ({ id, tenant, subject })),
  )
  return [...Map.groupBy(each, ({ tenant, subject }) => `${tenant}/${subject}`).values()].map((group) => ({
    resource,
    tenant: group[0]!.tenant,
    subject: group[0]!.subject,
    rows: group.map(({ id }) => id),
  }))
}

function toEvent(access: OperatorAccess, { rows, ...owner }: Owned): AuditEvent {
  const { operator, action } = access
  const { kind, id, tenant, roles, grant } = operator
  const impersonates = impersonatedBy(access.grant)
  const actor = {
    ...{ kind, id, tenant, roles },
    ...(grant !== undefined && { grant }),
    ...(impersonates && { impersonates }),
  }
  return { kind: 'staff.access', actor, action, ...owner, rows, count: rows.length }
}

function toPersonRow(access: OperatorAccess, one: Owned, now: number) {
  if (one.subject === null) return []
  return [{ personId: one.subject, tenantId: one.tenant ?? one.subject, ...told(access, one, now) }]
}

function toTenantRow(access: OperatorAccess, one: Owned, now: number) {
  if (one.subject !== null || one.tenant === null) return []
  return [{ tenantId: one.tenant, ...told(access, one, now) }]
}

function told({ grant, action }: OperatorAccess, { resource, rows }: Owned, now: number) {
  return {
    grantId: grant.id,
    role: grant.role,
    kind: grant.kind,
    purpose: grant.purpose,
    resource,
    action,
    rows: rows.length,
    shownFrom: new Date(grant.delay?.until ?? now),
    delayReason: grant.delay?.reason ?? null,
  }
}
