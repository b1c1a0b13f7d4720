import { Kysely, PostgresDialect } from 'kysely'
import type { Principal } from '../../src/access/index.ts'
import {
  applyPlan,
  databaseMigrations,
  inTransaction,
  migrateSystem,
  planResources,
  silentLogger,
} from '../../src/database/index.ts'
import { field, resource, type TablesOf } from '../../src/declare/index.ts'
import { createId, createPseudonym, systemClock } from '../../src/kernel/index.ts'
import { keysMigrations, openFileProvider, openKeyTree } from '../../src/keys/index.ts'
import { logMigrations } from '../../src/log/index.ts'
import { createStore } from '../../src/store/index.ts'
import type { BenchDatabase } from '../log/server.ts'
import { join } from 'node:path'

export const resources = {
  heartbeats: resource({
    name: 'heartbeats',
    subject: 'personId',
    tenant: 'teamId',
    purpose: 'show the person how their coding time is spent',
    basis: 'contract',
    retention: 'account',
    fields: {
      personId: field.id(),
      teamId: field.id(),
      entity: field.text('path of the open file', { max: 4096 }),
      project: field.text('project name', { max: 255, index: 'blind' }),
      branch: field.text('branch name', { max: 255 }),
      language: field.text('language', { max: 64, clear: 'aggregated over time in SQL' }),
      time: field.timestamp('when the editor reported activity', { clear: 'ranges in SQL' }),
      seconds: field.integer('duration', { clear: 'summed in SQL', min: 0 }),
    },
  }),
}

export type Tables = TablesOf<typeof resources>

/** What a heartbeat holds besides its owner. */
export interface Beat {
  readonly entity: string
  readonly project: string
  readonly branch: string
  readonly language: string
  readonly time: Date
  readonly seconds: number
}

const LANGUAGES = ['TypeScript', 'Rust', 'SQL', 'Markdown', 'Python', 'Go', 'CSS', 'YAML']
const YEAR_MS = 365 * 86_400_000
const START = Date.UTC(2025, 0, 1)

/** The `i`th of `count` heartbeats of one year. */
export function beat(i: number, count: number): Beat {
  return {
    entity: `/home/someone/work/project-${i % 12}/src/module-${i % 97}/file-${i % 1013}.ts`,
    project: `project-${i % 12}`,
    branch: `feature/${i % 31}-something-to-do`,
    language: LANGUAGES[i % LANGUAGES.length]!,
    time: new Date(START + Math.floor((i / count) * YEAR_MS)),
    seconds: 30 + (i % 120),
  }
}

/** One person's view of the same heartbeats in one of the contenders. */
export interface Contestant {
  readonly db: Kysely<Tables>
  /** What the application itself must add to a query so that it finds the person's rows only. */
  readonly condition: Partial<Record<'personId' | 'teamId', string>>
  /** A heartbeat as this one takes it. */
  row(values: Beat): never
  /** Ids of stored heartbeats. */
  ids: string[]
}

/** The governed store, and plain Kysely over a table with the same columns, all in the clear. */
export async function openWorld(database: BenchDatabase) {
  const { owner, app, folder } = database
  await migrateSystem(owner, [databaseMigrations, logMigrations, keysMigrations], systemClock)
  const plan = await inTransaction(owner, (connection) => planResources(connection, Object.values(resources)))
  await applyPlan(owner, plan, { allow: 'additive' })
  await owner.query(`
    create table public.heartbeats (
      id uuid not null, "createdAt" timestamptz(3) not null, "personId" uuid not null, "teamId" uuid not null,
      entity text not null, project text not null, branch text not null, language text not null,
      time timestamptz(3) not null, seconds bigint not null, primary key ("teamId", id));
    create index on public.heartbeats ("teamId", project);
    create index on public.heartbeats ("teamId", "personId", time)`)
  const provider = await openFileProvider({
    folder: join(folder, 'provider-keys'),
    outside: [join(folder, 'data')],
    clock: systemClock,
  })
  const keys = await openKeyTree({ provider, owner, clock: systemClock, logger: silentLogger })
  const store = createStore({
    resources,
    roles: { member: ['heartbeats:*:own'] },
    pool: app,
    keys,
    clock: systemClock,
    logger: silentLogger,
  })
  const governed = (principal: Principal): Contestant => ({
    // A request's own view each time, as an application makes it.
    get db() {
      return store.as(principal).db
    },
    condition: {},
    row: (values) => ({ ...ownersOf(principal), ...values }) as never,
    ids: [],
  })
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: owner }) }).withSchema('public')
  const plain = (principal: Principal): Contestant => ({
    db: kysely,
    condition: ownersOf(principal),
    row: (values) =>
      ({
        id: createId(systemClock),
        createdAt: new Date(systemClock.now()),
        ...ownersOf(principal),
        ...values,
      }) as never,
    ids: [],
  })
  return { governed, plain, close: () => keys.close() }
}

export function createPerson(): Principal {
  return { kind: 'user', id: createPseudonym(), tenant: createPseudonym(), roles: ['member'] }
}

function ownersOf({ id, tenant }: Principal): { personId: string; teamId: string } {
  return { personId: id, teamId: tenant! }
}
