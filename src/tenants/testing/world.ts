import { permissionsGiven, systemPrincipal, type Principal } from '../../access/index.ts'
import { field, resource, type PermissionText, type ResourceMap } from '../../declare/index.ts'
import { createPseudonym, type ManualClock } from '../../kernel/index.ts'
import { silentLogger } from '../../database/index.ts'
import type { AccessChanged, AuditEvent } from '../../log/index.ts'
import { mailResources } from '../../mail/index.ts'
import { openStoreOver, type TestStore } from '../../store/testing.ts'
import {
  openTenants,
  tenantResources,
  type InvitationPorts,
  type Tenants,
  type TenantTables,
} from '../index.ts'
import type { Kysely } from 'kysely'

const BASE = { basis: 'contract', retention: 'account', undeclared: 'refuse' } as const

export const resources = {
  ...tenantResources,
  heartbeats: resource({
    ...BASE,
    name: 'heartbeats',
    subject: 'personId',
    tenant: 'teamId',
    purpose: 'to show time',
    fields: {
      personId: field.id(),
      teamId: field.id(),
      entity: field.text('path', { max: 100 }),
      language: field.text('language', { max: 20, clear: 'counted in SQL' }),
    },
  }),
  invoices: resource({
    ...BASE,
    name: 'invoices',
    tenant: 'teamId',
    seal: 'tenant',
    purpose: 'to bill',
    fields: { teamId: field.id(), total: field.integer('amount', { clear: 'summed in SQL' }) },
  }),
  rates: resource({ ...BASE, name: 'rates', purpose: 'to convert', fields: { value: field.number('rate') } }),
}

export const roles = {
  administrator: ['heartbeats:*:tenant', 'rates:read:any'],
  member: ['heartbeats:*:own', 'rates:read:any'],
  treasurer: ['invoices:*:tenant'],
  auditor: ['heartbeats:read:any'],
  anonymous: ['rates:read:any'],
} as const

export const NETWORK = '198.51.100.0/24'
export const HOME = '198.51.100.7'

export interface World {
  readonly store: TestStore<typeof resources>
  readonly tenants: Tenants
  /** A second process over the same database. */
  readonly elsewhere: Tenants
  readonly clock: ManualClock
  readonly events: AccessChanged[]
  /** Whose accounts are switched off. */
  readonly switchedOff: Set<string>
  /** The room over the same database, where something happens right before a table is read. */
  interrupted(table: keyof TenantTables, happen: () => Promise<unknown>): Tenants
  /** A new tenant; its founder as a principal. */
  found(): Promise<Principal>
  /** Somebody new in the founder's tenant. */
  join(founder: Principal, roles: readonly string[]): Promise<Principal>
  /** Many members at once, as an app's own import would make them. */
  crowd(founder: Principal, count: number): Promise<readonly Principal[]>
  /** The same person, asking again. */
  again(principal: Principal): Promise<Principal>
  close(): Promise<void>
}

/** @param more what an administrator holds beside, of everybody in the tenant */
export async function openWorld(more: ResourceMap = {}, invitations?: InvitationPorts): Promise<World> {
  const everything = { ...resources, ...mailResources, ...more }
  const held = Object.keys(more).map((name): PermissionText => `${name}:*:tenant`)
  const given = { ...roles, administrator: [...roles.administrator, ...held] }
  const store = (await openStoreOver(everything, given)) as TestStore<typeof resources>
  const events: AccessChanged[] = []
  const record = async (told: readonly AuditEvent[]): Promise<void> => {
    for (const event of told) if (event.kind === 'access.changed') events.push(event)
  }
  const switchedOff = new Set<string>()
  const open = (wrap = (db: Kysely<TenantTables>): Kysely<TenantTables> => db): Tenants =>
    openTenants({
      store: {
        as: (principal) => ({
          db: wrap(store.store.as(principal).db as unknown as Kysely<TenantTables>),
        }),
      },
      audit: { record },
      isSwitchedOff: async (personId) => switchedOff.has(personId),
      resources: everything,
      roles: given,
      name: 'Code time',
      clock: store.clock,
      logger: silentLogger,
      ...(invitations && { invitations }),
    })
  const tenants = open()
  const again = async ({ id, tenant }: Pick<Principal, 'id' | 'tenant'>): Promise<Principal> =>
    (await tenants.principalOf(id, { tenant: tenant!, address: HOME }))!
  return {
    store,
    tenants,
    elsewhere: open(),
    clock: store.clock,
    events,
    switchedOff,
    interrupted: (table, happen) => open((db) => interrupt(db, table, happen)),
    again,
    async found() {
      const [tenant, id] = [createPseudonym(), createPseudonym()]
      await tenants.members.found(tenant, id)
      return again({ id, tenant })
    },
    async join(founder, given) {
      const id = createPseudonym()
      await tenants.members.add(
        founder,
        id,
        given.filter((role) => role in roles && role !== 'treasurer'),
      )
      if (given.includes('treasurer')) await force(store, id, given)
      return again({ id, tenant: founder.tenant })
    },
    crowd: (founder, count) => insertCrowd(store, founder, count),
    close: () => store.close(),
  }
}

async function insertCrowd(
  store: TestStore<typeof resources>,
  { tenant }: Principal,
  count: number,
): Promise<readonly Principal[]> {
  const people = Array.from({ length: count }, (): Principal => ({
    kind: 'user',
    id: createPseudonym(),
    tenant,
    roles: ['member'],
  }))
  const rows = people.map(({ id }) => ({ personId: id, tenantId: tenant!, roles: ['member'] }))
  await store.store
    .as(systemPrincipal('set-up', ['tenant_members']))
    .db.insertInto('tenant_members')
    .values(rows)
    .execute()
  return people
}

/** Waits for `happen`, once, before the first statement that reads the table is run. */
function interrupt<Db extends object>(db: Db, table: string, happen: () => Promise<unknown>): Db {
  let happened: Promise<unknown> | null = null
  const follow = <Target extends object>(target: Target, reads: boolean): Target =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (reads && String(name).startsWith('execute'))
          return async (...args: unknown[]): Promise<unknown> => {
            await (happened ??= happen())
            return Reflect.apply(value, target, args) as unknown
          }
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args)
          const isBuilder = typeof result === 'object' && result !== null && 'toOperationNode' in result
          return isBuilder ? follow(result, reads || (name === 'selectFrom' && args[0] === table)) : result
        }
      },
    })
  return follow(db, false)
}

/** A role that no administrator could give, as an app's own set-up would. */
async function force(
  store: TestStore<typeof resources>,
  id: string,
  given: readonly string[],
): Promise<void> {
  await store.store
    .as(systemPrincipal('set-up', ['tenant_members']))
    .db.updateTable('tenant_members')
    .set({ roles: [...given] })
    .where('personId', '=', id)
    .execute()
}

/** What a principal of the room may, as texts. */
export function textsOf(principal: Principal): readonly string[] {
  return permissionsGiven(principal)!.texts
}

export const refusal = (code: string): { readonly code: string } => ({ code: `ERR_TENANTS_${code}` })
