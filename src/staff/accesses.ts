import { impersonatedBy, type GrantScope } from '../access/index.ts'
import type { AuditEvent } from '../log/index.ts'
import type { AuditedRow, OperatorAccess } from '../store/index.ts'
import type { GrantRecord } from './grant-records.ts'
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
  /** Commits the record of one statement: to the audit log, then to what the people concerned are shown. */
  record(access: OperatorAccess): Promise<void>
  /** All accesses to a person's own data, the newest first; those that are held back still are left out. */
  ofPerson(personId: string): Promise<ShownAccess[]>
  /** What was looked at under one grant, the newest first, shown to whom it concerns already or not. */
  ofGrant(grant: Pick<GrantRecord, 'id' | 'grant'>): Promise<ShownAccess[]>
  /** Accesses to a tenant's rows that are about nobody in particular. */
  ofTenant(tenant: string): Promise<ShownAccess[]>
}

/** Rows of one owner. */
interface Owned {
  readonly resource: string
  readonly tenant: string | null
  readonly subject: string | null
  readonly rows: readonly string[]
}

export function createAccesses(ports: StaffPorts): Accesses {
  const { data, audit, clock } = ports
  return {
    async record(access) {
      const owned = access.accessed.flatMap(({ resource, rows }) => byOwner(access, resource, rows))
      await audit.record(owned.map((one) => toEvent(access, one)))
      const people = owned.flatMap((one) => toPersonRow(access, one, clock.now()))
      const tenants = owned.flatMap((one) => toTenantRow(access, one, clock.now()))
      if (people.length > 0)
        await data('staff_accesses').insertInto('staff_accesses').values(people).execute()
      if (tenants.length > 0)
        await data('staff_tenant_accesses').insertInto('staff_tenant_accesses').values(tenants).execute()
    },
    async ofPerson(personId) {
      const rows = await data('staff_accesses')
        .selectFrom('staff_accesses')
        .select(SHOWN)
        .where('personId', '=', personId)
        .orderBy('id', 'desc')
        .execute()
      return rows.filter(({ shownFrom }) => shownFrom.getTime() <= clock.now()).map(toShown)
    },
    async ofGrant({ id, grant: { from, until, scope } }) {
      const during = await Promise.all(
        SHOWN_IN.map((table) => accessesDuring(data, table, from, until + LATE_MS, scope)),
      )
      const rows = during.flat().filter(({ grantId }) => grantId === id)
      return rows
        .toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
        .map(({ grantId: _, ...row }) => toShown(row))
    },
    async ofTenant(tenant) {
      const rows = await data('staff_tenant_accesses')
        .selectFrom('staff_tenant_accesses')
        .select(SHOWN)
        .where('tenantId', '=', tenant)
        .orderBy('id', 'desc')
        .execute()
      return rows.filter(({ shownFrom }) => shownFrom.getTime() <= clock.now()).map(toShown)
    },
  }
}

const SHOWN_IN = ['staff_accesses', 'staff_tenant_accesses'] as const

/** What ran when the grant ended is recorded a little later. */
const LATE_MS = 600_000

function accessesDuring(
  data: StaffPorts['data'],
  table: (typeof SHOWN_IN)[number],
  from: number,
  until: number,
  { tenant, subject }: GrantScope,
) {
  const rows = data(table)
    .selectFrom(table)
    .select([...SHOWN, 'grantId'])
    .where('createdAt', '>=', new Date(from))
    .where('createdAt', '<', new Date(until))
    .where('tenantId', '=', tenant ?? subject!)
  return rows.orderBy('id', 'desc').execute()
}

const SHOWN = [
  ...(['createdAt', 'role', 'kind', 'purpose', 'resource', 'action', 'rows'] as const),
  ...(['shownFrom', 'delayReason'] as const),
] as const

function toShown({
  createdAt,
  shownFrom: _,
  ...row
}: Omit<ShownAccess, 'at'> & { createdAt: Date; shownFrom: Date }): ShownAccess {
  return { at: createdAt, ...row }
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
