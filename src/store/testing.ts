import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { Principal } from '../access/index.ts'
import { applyPlan, inTransaction, planResources, settingName, silentLogger } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { field, resource, type Resource, type ResourceMap, type TablesOf } from '../declare/index.ts'
import { createPseudonym, manualClock, type ManualClock } from '../kernel/index.ts'
import {
  keysMigrations,
  openFileProvider,
  openKeyTree,
  type KeyProvider,
  type KeyTreeOptions,
  type OpenKeyTree,
} from '../keys/index.ts'
import { createStore, type Store, type StoreOptions } from './store.ts'

const BASE = { basis: 'contract', retention: 'account' } as const

/** A data map with every shape of ownership: subject and tenant, subject alone, tenant alone, nobody. */
export const testResources = {
  heartbeats: resource({
    ...BASE,
    name: 'heartbeats',
    subject: 'personId',
    tenant: 'teamId',
    purpose: 'show the person how their time is spent',
    undeclared: 'drop',
    fields: {
      personId: field.id(),
      teamId: field.id(),
      entity: field.text('path of the open file', { max: 4096 }),
      project: field.text('project name', { max: 255, index: 'blind', optional: true }),
      branch: field.text('branch name', { max: 255, index: 'blind', optional: true }),
      lines: field.integer('lines of the file', { optional: true, min: 0 }),
      seen: field.timestamp('when it was seen', { optional: true }),
      proof: field.bytes('raw bytes', { max: 64, optional: true }),
      language: field.text('language', { max: 64, clear: 'aggregated in SQL', optional: true }),
      time: field.timestamp('when', { clear: 'ranges in SQL' }),
      seconds: field.integer('duration', { clear: 'summed in SQL', optional: true, min: 0 }),
      tags: field.list('tags', { max: 5, clear: 'shown in lists', optional: true }),
      extra: field.json('more', { max: 1000, clear: 'debugging', optional: true }),
      day: field.date('day', { clear: 'grouped in SQL', optional: true }),
    },
  }),
  people: resource({
    ...BASE,
    name: 'people',
    subject: 'personId',
    purpose: 'to sign the person in',
    undeclared: 'refuse',
    fields: {
      personId: field.id(),
      email: field.text('address', { max: 320, index: 'blind-installation' }),
      locale: field.text('language of the pages', { max: 16, clear: 'chosen before sign-in' }),
    },
  }),
  teams: resource({
    ...BASE,
    name: 'teams',
    tenant: 'teamId',
    seal: 'tenant',
    purpose: 'to bill the team',
    undeclared: 'refuse',
    fields: {
      teamId: field.id(),
      name: field.text('name of the team', { max: 100, index: 'blind' }),
      seats: field.integer('paid seats', { clear: 'limits in SQL' }),
    },
  }),
  notes: resource({
    ...BASE,
    name: 'notes',
    tenant: 'teamId',
    purpose: 'to show notices',
    undeclared: 'refuse',
    fields: {
      teamId: field.id(),
      title: field.text('title', { max: 20 }),
      rank: field.integer('order', { max: 100 }),
    },
  }),
  rates: resource({
    ...BASE,
    name: 'rates',
    purpose: 'to convert prices',
    undeclared: 'refuse',
    fields: { currency: field.text('currency', { max: 3 }), value: field.number('value') },
  }),
}

export const testRoles = {
  member: ['heartbeats:*:own', 'people:*:own', 'notes:read:tenant', 'rates:read:any'],
  administrator: ['heartbeats:read:tenant', 'teams:*:tenant', 'notes:*:tenant', 'rates:read:any'],
  reader: ['heartbeats:read:own'],
  anonymous: ['rates:read:any'],
} as const satisfies StoreOptions<typeof testResources>['roles']

export type TestTables = TablesOf<typeof testResources>

export interface TestStore<Resources extends ResourceMap = typeof testResources> {
  readonly database: TestDatabase
  readonly keys: OpenKeyTree
  readonly clock: ManualClock
  readonly store: Store<TablesOf<Resources>>
  /** Names of dropped members by resource, as the store told them. */
  readonly dropped: [string, readonly string[]][]
  /** Another store over the same data. */
  reopen(options: Partial<StoreOptions<Resources>>): Store<TablesOf<Resources>>
  /** Runs SQL as the owner, with every table of the data map open. */
  ungoverned<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
  close(): Promise<void>
}

export interface TestStoreOptions {
  /** Puts something between the key tree and the real provider, such as a failing line. Default nothing. */
  readonly line?: (provider: KeyProvider) => KeyProvider
  readonly outage?: KeyTreeOptions['outage']
}

/** A real database with the test data map, a key tree, and a store over the app role. */
export function openTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  return openStoreOver(testResources, testRoles, options)
}

/** The same over another data map. */
export async function openStoreOver<const Resources extends ResourceMap>(
  resources: Resources,
  roles: StoreOptions<Resources>['roles'],
  { line, outage }: TestStoreOptions = {},
): Promise<TestStore<Resources>> {
  const clock = manualClock(Date.UTC(2026, 10, 1, 12))
  const database = await startTestDatabase({ clock, migrations: [keysMigrations] })
  await createTables(database.owner, Object.values(resources))
  const folder = await mkdtemp(join(tmpdir(), 'surety-keys-'))
  const files = await openFileProvider({ folder, outside: [database.databaseDir!], clock })
  const provider = line?.(files) ?? files
  const common = { owner: database.owner, clock, logger: silentLogger }
  const keys = await openKeyTree({ provider, ...common, ...(outage && { outage }) })
  const dropped: [string, readonly string[]][] = []
  const options: StoreOptions<Resources> = {
    resources,
    roles,
    pool: database.app,
    keys,
    clock,
    logger: silentLogger,
    onDropped: (name, names) => dropped.push([name, names]),
  }
  return {
    database,
    keys,
    clock,
    dropped,
    store: createStore(options),
    reopen: (changes) => createStore({ ...options, ...changes }),
    ungoverned: (sql, values) => ungoverned(database.owner, Object.values(resources), sql, values),
    async close() {
      keys.close()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function createTables(owner: pg.Pool, resources: readonly Resource[]): Promise<void> {
  const plan = await inTransaction(owner, (connection) => planResources(connection, resources))
  await applyPlan(owner, plan, { allow: 'additive' })
}

async function ungoverned<Row extends pg.QueryResultRow>(
  owner: pg.Pool,
  resources: readonly Resource[],
  sql: string,
  values: unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  const client = await owner.connect()
  try {
    await client.query('begin')
    for (const { name } of resources) {
      for (const verb of ['read', 'write', 'delete'] as const) {
        await client.query(`set local ${settingName(verb, name)} = 'any'`)
      }
    }
    const result = await client.query<Row>(sql, values)
    await client.query('commit')
    return result
  } finally {
    client.release(true)
  }
}

export function user(
  tenant: string,
  role: keyof typeof testRoles = 'member',
  id = createPseudonym(),
): Principal {
  return { kind: 'user', id, tenant, roles: [role] }
}

/** A heartbeat of that person. */
export function heartbeatOf({ id, tenant }: Principal, values: Record<string, unknown> = {}) {
  return {
    personId: id,
    teamId: tenant!,
    entity: '/home/ada/secret.ts',
    project: 'apollo',
    language: 'TypeScript',
    time: new Date(Date.UTC(2026, 9, 31)),
    seconds: 60,
    ...values,
  } as never
}
