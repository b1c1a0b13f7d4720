import type { Kysely } from 'kysely'
import { systemPrincipal, type Principal, type Roles } from '../access/index.ts'
import type { Logger } from '../database/index.ts'
import type { ResourceMap, TablesOf } from '../declare/index.ts'
import { hasCode, type Clock } from '../kernel/index.ts'
import type { AccessChanged, AuditEvent } from '../log/index.ts'
import { TenantsError } from './errors.ts'
import type { InvitationPorts } from './invitations.ts'
import { tenantResources } from './resources.ts'
import type { RoleTable } from './rules.ts'

export type TenantTables = TablesOf<typeof tenantResources>

/** What the room needs of the rooms above. */
export interface TenantsOptions {
  readonly store: { as(principal: Principal): { readonly db: Kysely<TenantTables> } }
  /** Records each change before it commits: an event may tell of a change that failed, never the reverse. */
  readonly audit: { record(events: readonly AuditEvent[]): Promise<void> }
  /** The configuration's data map and roles. */
  readonly resources: ResourceMap
  readonly roles: RoleTable
  /** The product's name, which keys begin with. */
  readonly name: string
  /**
   * True for somebody whose account is switched off: no key acts for them, and they are no administrator
   * whom a tenant could be left with. Default: nobody is.
   */
  readonly isSwitchedOff?: (personId: string) => Promise<boolean>
  readonly clock: Clock
  readonly logger: Logger
  /** Default: nobody is invited by mail. */
  readonly invitations?: InvitationPorts
}

/** The room's parts share this. */
export interface Office {
  readonly db: Kysely<TenantTables>
  readonly roles: Roles
  /** Names of the roles that can be given without having been made: built in, and of the configuration. */
  readonly givenRoles: readonly string[]
  readonly resources: ResourceMap
  readonly keyPrefix: string
  isSwitchedOff(personId: string): Promise<boolean>
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Changes something of one tenant, one at a time for each tenant, whichever process asks. The tenant's
   * row is locked first, so that what `work` reads stays so until it is done. All of it happens, or nothing.
   * @throws TenantsError `ERR_TENANTS_MISSING` where there is no such tenant
   */
  change<Result>(tenant: string, work: (change: Change) => Promise<Result>): Promise<Result>
  /** Looks at one tenant, without holding anybody up: what is read may be changed by the time it is shown. */
  look<Result>(tenant: string, work: (looked: Look) => Promise<Result>): Promise<Result>
  /** As `change`, of a tenant that is not there yet. @throws TenantsError `ERR_TENANTS_EXISTS` */
  create<Result>(tenant: string, work: (change: Change) => Promise<Result>): Promise<Result>
}

/** One tenant, while it is looked at. */
export interface Look {
  readonly db: Kysely<TenantTables>
  readonly tenant: string
}

/** One change, while it is being made. */
export interface Change extends Look {
  /** Said in the audit log when the change is done. */
  tell(event: Omit<AccessChanged, 'kind' | 'tenant'>): void
}

export function openOffice(
  { store, audit, resources, clock, logger, invitations, ...more }: TenantsOptions,
  { roles, givenRoles, keyPrefix }: Pick<Office, 'roles' | 'givenRoles' | 'keyPrefix'>,
): Office {
  const { isSwitchedOff = async () => false } = more
  const letters = invitations ? ['waiting_letters'] : []
  const principal = systemPrincipal('tenants', [...Object.keys(tenantResources), ...letters])
  const { db } = store.as(principal)
  let last: Promise<unknown> = Promise.resolve()
  // One at a time in this process: each takes a second connection for its audit event.
  const inTurn: (begin: typeof lockTenant) => Office['change'] = (begin) => (tenant, work) => {
    const next = last.then(() =>
      db.transaction().execute(async (open) => {
        await begin(open, tenant)
        return runChange(open, audit, tenant, work)
      }),
    )
    last = next.catch(() => undefined)
    return next
  }
  return {
    db,
    roles,
    givenRoles,
    resources,
    keyPrefix,
    isSwitchedOff,
    clock,
    logger,
    change: inTurn(lockTenant),
    look: (tenant, work) => work({ db, tenant }),
    create: inTurn(insertTenant),
  }
}

async function lockTenant(db: Kysely<TenantTables>, tenant: string): Promise<void> {
  const lock = db.selectFrom('tenant_settings').select('id').where('tenantId', '=', tenant).forUpdate()
  if (!(await lock.executeTakeFirst())) throw missing('there is no such tenant')
}

async function insertTenant(db: Kysely<TenantTables>, tenant: string): Promise<void> {
  try {
    await db.insertInto('tenant_settings').values({ tenantId: tenant, allowList: [] }).execute()
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_CONFLICT')) throw error
    throw new TenantsError('ERR_TENANTS_EXISTS', 'this tenant is there')
  }
}

async function runChange<Result>(
  db: Kysely<TenantTables>,
  audit: TenantsOptions['audit'],
  tenant: string,
  work: (change: Change) => Promise<Result>,
): Promise<Result> {
  const events: AuditEvent[] = []
  const result = await work({
    db,
    tenant,
    tell: (event) => events.push({ kind: 'access.changed', tenant, ...event }),
  })
  if (events.length > 0) await audit.record(events)
  return result
}

export function missing(what: string): Error {
  return new TenantsError('ERR_TENANTS_MISSING', what)
}
