import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Resource } from '../declare/index.ts'
import { canonicalJson } from '../kernel/index.ts'
import { compareTable } from './compare-table.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import { MIGRATION_LOCK, type Migration } from './migrate.ts'
import type { LiveTable, MigrationPlan, MigrationStep } from './migration-plan.ts'
import { policyStatements } from './policies.ts'
import { inTransaction, quoteLiteral } from './pools.ts'
import { describeSchema } from './schema.ts'
import {
  createIndexSql,
  createTableSql,
  refuseClashes,
  tableName,
  tableShape,
  type DeclaredShape,
  type TableShape,
} from './table-shape.ts'

/** The tables that planning itself needs; the first room of every system. */
export const databaseMigrations: readonly Migration[] = [
  {
    id: 'database-0001',
    sql: `create table surety.resources (
            name text primary key,
            declared jsonb not null,
            policies_source text not null,
            policies_live text not null)`,
  },
]

/**
 * Compares the live schema `app` with the data map. Reads only; run it as the owner.
 * @throws DatabaseError `ERR_DATABASE_NAME`
 */
export async function planResources(
  owner: Connection,
  resources: readonly Resource[],
): Promise<MigrationPlan> {
  refuseClashes(resources)
  const live = await readLive(owner)
  const shapes = resources.map(tableShape)
  const declared = new Set(shapes.map(({ name }) => name))
  const steps = shapes.flatMap((shape) => stepsFor(shape, live.get(shape.name)))
  for (const name of live.keys()) {
    if (declared.has(name)) continue
    const statement = `drop table ${tableName(name)}; delete from surety.resources where name = ${quoteLiteral(name)}`
    steps.push({
      kind: 'destructive',
      resource: name,
      statement,
      why: `no resource declares the table ${name}`,
    })
  }
  return { resources, steps }
}

/**
 * Applies the additive steps in one transaction, planned again under the migration lock, so that
 * two starting processes do not collide. Applies nothing when any step is destructive.
 *
 * @throws DatabaseError `ERR_DATABASE_DESTRUCTIVE` naming each statement to run by hand
 */
export async function applyPlan(
  owner: pg.Pool,
  plan: MigrationPlan,
  options: { readonly allow: 'additive' },
): Promise<MigrationPlan> {
  return inTransaction(owner, async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    const fresh = await planResources(connection, plan.resources)
    const refused = fresh.steps.filter(({ kind }) => kind !== options.allow)
    if (refused.length > 0) throw destructive(refused)
    for (const { statement } of fresh.steps) await connection.query(statement)
    return fresh
  })
}

function destructive(steps: readonly MigrationStep[]): Error {
  const reasons = steps.map(({ why, statement }) => `${why}; run by hand: ${statement};`)
  return new DatabaseError('ERR_DATABASE_DESTRUCTIVE', reasons.join(' — '))
}

function stepsFor(shape: TableShape, live: LiveTable | undefined): MigrationStep[] {
  const steps = live ? compareTable(shape, live) : creation(shape)
  if (steps.some(({ kind }) => kind === 'destructive')) return steps
  const source = policiesSource(shape)
  const add = (statement: string, why: string): unknown =>
    steps.push({ kind: 'additive', resource: shape.name, statement, why })
  const guarded =
    live?.protected && live.noted?.policiesSource === source && live.noted.policiesLive === live.policiesLive
  if (!guarded)
    add(
      policyStatements(shape).join(';\n'),
      `row-level security of ${shape.name} is not what the data map asks for`,
    )
  const noted = live?.noted ? canonicalJson(live.noted.declared) : null
  if (!guarded || noted !== canonicalJson(shape.declared))
    add(noteSql(shape, source), `note how ${shape.name} is declared`)
  return steps
}

function creation(shape: TableShape): MigrationStep[] {
  const indexes = [...shape.indexes].map(([name, columns]) => createIndexSql(shape.name, name, columns))
  const uniques = [...shape.uniques].map(([name, columns]) => createIndexSql(shape.name, name, columns, true))
  const statement = [createTableSql(shape), ...indexes, ...uniques].join(';\n')
  return [{ kind: 'additive', resource: shape.name, statement, why: `resource ${shape.name} has no table` }]
}

function policiesSource(shape: TableShape): string {
  return createHash('sha256').update(policyStatements(shape).join('\n')).digest('hex')
}

/** The live policies of a table as one digest: who changes one by hand is noticed at the next plan. */
const LIVE_POLICIES = `(select md5(coalesce(string_agg(concat_ws('|', p.polname, p.polcmd, p.polpermissive, p.polroles::text,
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), '/' order by p.polname), ''))
  from pg_policy p where p.polrelid = c.oid)`

const LIVE_UNIQUES = `(select coalesce(jsonb_object_agg(x.relname, array(
    select coalesce(a.attname::text, '') from unnest(i.indkey) with ordinality k(attnum, position)
      left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
     where k.position <= i.indnkeyatts order by k.position)), '{}')
  from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisunique and not i.indisprimary)`

function noteSql(shape: TableShape, source: string): string {
  const values = [shape.name, canonicalJson(shape.declared), source]
    .map((text) => quoteLiteral(text))
    .join(', ')
  return `insert into surety.resources (name, declared, policies_source, policies_live)
select ${values}, ${LIVE_POLICIES} from pg_class c where c.oid = ${quoteLiteral(tableName(shape.name))}::regclass
on conflict (name) do update set declared = excluded.declared, policies_source = excluded.policies_source, policies_live = excluded.policies_live`
}

interface LiveRow {
  readonly name: string
  readonly primary_key: string[]
  readonly indexes: string[]
  readonly uniques: { readonly [name: string]: readonly string[] }
  readonly size: number
  readonly protected: boolean
  readonly policies_live: string
  readonly declared: DeclaredShape | null
  readonly noted_source: string | null
  readonly noted_live: string | null
}

async function readLive(owner: Connection): Promise<Map<string, LiveTable>> {
  const tables = (await describeSchema(owner)).filter(({ schema }) => schema === 'app')
  const rows = await owner.query<LiveRow>(
    `select c.relname as name, pg_relation_size(c.oid) as size, c.relrowsecurity and c.relforcerowsecurity as protected,
            array(select a.attname::text from pg_index i, unnest(i.indkey) with ordinality k(attnum, position)
                    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
                   where i.indrelid = c.oid and i.indisprimary order by k.position) as primary_key,
            array(select x.relname::text from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid) as indexes,
            ${LIVE_UNIQUES} as uniques,
            ${LIVE_POLICIES} as policies_live,
            r.declared, r.policies_source as noted_source, r.policies_live as noted_live
       from pg_class c left join surety.resources r on r.name = c.relname
      where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
  )
  const columns = new Map(
    tables.map((table) => [table.name, new Map(table.columns.map((column) => [column.name, column]))]),
  )
  return new Map(rows.map((row) => [row.name, liveTable(row, columns.get(row.name) ?? new Map())]))
}

function liveTable(row: LiveRow, columns: LiveTable['columns']): LiveTable {
  const { declared, noted_source: policiesSource, noted_live: policiesLive } = row
  return {
    columns,
    primaryKey: row.primary_key,
    indexes: new Set(row.indexes),
    uniques: new Map(Object.entries(row.uniques)),
    mayHoldRows: row.size > 0,
    protected: row.protected,
    policiesLive: row.policies_live,
    noted:
      declared && policiesSource !== null && policiesLive !== null
        ? { declared, policiesSource, policiesLive }
        : null,
  }
}
