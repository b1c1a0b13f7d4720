import { afterEach, describe, expect, it } from 'vitest'
import { heartbeats, resources } from '../../test/fixtures/database/resources.ts'
import { field, resource, type FieldMap, type Resource } from '../declare/index.ts'
import { createId, systemClock } from '../kernel/index.ts'
import {
  applyPlan,
  asConnection,
  assertCannotBypass,
  describeSchema,
  inTransaction,
  planResources,
  type MigrationPlan,
} from './index.ts'
import { startTestDatabase, type TestDatabase, type TestDatabaseOptions } from './testing.ts'

const open: TestDatabase[] = []
afterEach(async () => {
  for (const database of open.splice(0)) await database.close()
})

async function started(options: TestDatabaseOptions): Promise<TestDatabase> {
  const database = await startTestDatabase(options)
  open.push(database)
  return database
}

const about = {
  purpose: 'show the person how their time is spent',
  basis: 'contract',
  retention: 'account',
} as const

function visits(fields: FieldMap, options: object = { subject: 'personId' }): Resource {
  return resource({
    ...about,
    ...options,
    name: 'visits',
    fields: { personId: field.id(), ...fields },
  }) as Resource
}

const text = (options: object = {}): FieldMap[string] => field.text('a text', { max: 100, ...options })
const clearText = (options: object = {}): FieldMap[string] => text({ clear: 'needed in SQL', ...options })

/** Visits of two people; `about` is whom the note is about. */
function severalPeople(
  subjects: object = { personId: 'delete', hostId: 'blank' },
  noteAbout = 'personId',
): Resource {
  const optional = { optional: true } as const
  const fields = {
    teamId: field.id(),
    hostId: field.id('the host', optional),
    guestId: field.id('the guest', optional),
    note: field.text('a note', { max: 100, about: noteAbout, ...optional }),
  }
  return visits(fields, { tenant: 'teamId', subjects })
}

const plan = (database: TestDatabase, declared: readonly Resource[]): Promise<MigrationPlan> =>
  planResources(asConnection(database.owner), declared)

async function apply(database: TestDatabase, declared: readonly Resource[]): Promise<MigrationPlan> {
  return applyPlan(database.owner, await plan(database, declared), { allow: 'additive' })
}

/** One row in `visits`, as a system task. */
async function addRow(database: TestDatabase, columns: Record<string, unknown> = {}): Promise<void> {
  const row = {
    id: createId(systemClock),
    createdAt: new Date(),
    personId: createId(systemClock),
    ...columns,
  }
  const names = Object.keys(row).map((name) => `"${name}"`)
  await inTransaction(database.owner, async (connection) => {
    await connection.query(`set local surety.write_visits = 'any'`)
    await connection.query(
      `insert into app.visits (${names.join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`,
      Object.values(row),
    )
  })
}

describe('the tables of a data map', () => {
  it('are made once and then agree with it', async () => {
    const database = await started({})
    const applied = await apply(database, resources)
    expect(applied.steps.every(({ kind }) => kind === 'additive')).toBe(true)
    expect((await plan(database, resources)).steps).toEqual([])
    await assertCannotBypass(
      asConnection(database.app),
      resources.map(({ name }) => name),
    )
  })

  it('have a column for each clear field and none for a sealed one', async () => {
    const database = await started({ resources: [heartbeats] })
    const [table] = (await describeSchema(asConnection(database.owner))).filter(
      ({ name }) => name === 'heartbeats',
    )
    expect(
      table?.columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`),
    ).toEqual([
      'id uuid not null',
      'createdAt timestamp(3) with time zone not null',
      'personId uuid not null',
      'teamId uuid not null',
      'language text',
      'category text not null',
      'lines bigint',
      'share double precision',
      'written boolean',
      'day date',
      'tags text[]',
      'extra jsonb',
      'digest bytea',
      'time timestamp(3) with time zone not null',
      '_envelope bytea not null',
      '_blind_project bytea',
    ])
  })

  it('lead every key and index of a tenant’s table with the tenant', async () => {
    const database = await started({ resources: [heartbeats] })
    const { rows } = await database.owner.query(
      `select indexdef from pg_indexes where schemaname = 'app' order by indexname`,
    )
    expect(rows).toHaveLength(3)
    for (const { indexdef } of rows as { indexdef: string }[]) expect(indexdef).toContain('("teamId", ')
  })

  it('lead a unique set with the tenant, whatever the set says', async () => {
    const unique = { tenant: 'teamId', unique: [['city'], ['teamId', 'personId']] }
    const declared = visits({ teamId: field.id(), city: field.text('a city', { max: 100 }) }, unique)
    const database = await started({ resources: [declared] })
    const { rows } = await database.owner.query<{ indexdef: string }>(
      `select indexdef from pg_indexes where schemaname = 'app' and indexname like '%unique%' order by indexdef collate "C"`,
    )
    expect(rows.map(({ indexdef }) => indexdef.replace(/.*using btree/i, ''))).toEqual([
      ' ("teamId", "personId")',
      ' ("teamId", city)',
    ])
    expect((await plan(database, [declared])).steps).toEqual([])
  })

  it('give rows about several people an envelope each, and an index to find them by', async () => {
    const several = severalPeople()
    const database = await started({ resources: [several] })
    const [table] = await describeSchema(asConnection(database.owner))
    const columns = table!.columns.map(
      ({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`,
    )
    expect(columns).toEqual(
      expect.arrayContaining(['hostId uuid', '_envelope_personId bytea', '_envelope_hostId bytea']),
    )
    const { rows } = await database.owner.query<{ indexdef: string }>(
      `select indexdef from pg_indexes where schemaname = 'app' and indexname like '%about%'`,
    )
    expect(rows).toHaveLength(2)
    expect((await plan(database, [several])).steps).toEqual([])
  })

  it('refuse a choice that is not declared', async () => {
    const database = await started({
      resources: [visits({ kind: field.choice('kind of visit', ['a', `it's`], { clear: 'needed in SQL' }) })],
    })
    await addRow(database, { kind: `it's` })
    await expect(addRow(database, { kind: 'c' })).rejects.toMatchObject({ code: '23514' })
  })

  it('are made by one of several processes that start together', async () => {
    const database = await started({})
    const empty = await plan(database, [heartbeats])
    await Promise.all([1, 2, 3].map(() => applyPlan(database.owner, empty, { allow: 'additive' })))
    expect((await plan(database, [heartbeats])).steps).toEqual([])
  })

  it('refuse two resources that differ in case only', async () => {
    const database = await started({})
    const twin = { ...heartbeats, name: 'Heartbeats' } as Resource
    await expect(plan(database, [heartbeats, twin])).rejects.toMatchObject({ code: 'ERR_DATABASE_NAME' })
    await expect(plan(database, [{ ...heartbeats, name: 'a.b' } as Resource])).rejects.toMatchObject({
      code: 'ERR_DATABASE_NAME',
    })
  })
})

describe('additive changes', () => {
  const before = visits({ note: text(), city: clearText() })
  const row = { _envelope: Buffer.of(1), city: 'Graz' }

  it.each<[string, FieldMap]>([
    ['an optional clear column', { note: text(), city: clearText(), street: clearText({ optional: true }) }],
    ['an optional sealed field', { note: text(), city: clearText(), other: text({ optional: true }) }],
    ['a blind index', { note: text({ index: 'blind' }), city: clearText() }],
    ['a required column that becomes optional', { note: text(), city: clearText({ optional: true }) }],
  ])('apply with rows in place: %s', async (_, fields) => {
    const database = await started({ resources: [before] })
    await addRow(database, row)
    await apply(database, [visits(fields)])
    expect((await plan(database, [visits(fields)])).steps).toEqual([])
  })

  it('apply to an empty table: a required column and another choice', async () => {
    const kind = (choices: [string, ...string[]]): FieldMap => ({
      kind: field.choice('kind of visit', choices, { clear: 'needed in SQL' }),
    })
    const database = await started({ resources: [visits(kind(['a', 'b']))] })
    await apply(database, [visits({ ...kind(['a', 'c']), city: clearText() })])
    await addRow(database, { kind: 'c', city: 'Graz' })
  })

  it('widen a choice with rows in place', async () => {
    const kind = (choices: [string, ...string[]]): Resource =>
      visits({ kind: field.choice('kind of visit', choices, { clear: 'needed in SQL' }) })
    const database = await started({ resources: [kind(['a'])] })
    await addRow(database, { kind: 'a' })
    await apply(database, [kind(['a', 'b'])])
    await addRow(database, { kind: 'b' })
  })

  it('put row-level security back that somebody changed by hand', async () => {
    const database = await started({ resources: [before] })
    await database.owner.query('alter policy surety_read on app.visits using (true)')
    await database.owner.query('alter table app.visits no force row level security')
    await apply(database, [before])
    await addRow(database, row)
    expect((await database.app.query('select from visits')).rowCount).toBe(0)
    await assertCannotBypass(asConnection(database.app), ['visits'])
  })
})

describe('destructive changes', () => {
  const before = visits({
    note: text(),
    other: text({ optional: true }),
    city: clearText(),
    size: field.integer('a size', { clear: 'needed in SQL', optional: true }),
  })
  const rest = {
    note: text(),
    other: text({ optional: true }),
    city: clearText(),
    size: field.integer('a size', { clear: 'needed in SQL', optional: true }),
  }

  it.each<[string, FieldMap, RegExp]>([
    ['a column is dropped', { note: rest.note, other: rest.other, size: rest.size }, /drop column "city"/],
    [
      'a type changes',
      { ...rest, size: field.number('a size', { clear: 'needed in SQL', optional: true }) },
      /alter column "size" type double precision/,
    ],
    [
      'an optional column becomes required',
      { ...rest, size: field.integer('a size', { clear: 'needed in SQL' }) },
      /alter column "size" set not null/,
    ],
    [
      'a required column is added',
      { ...rest, street: clearText() },
      /add column "street" text; update .* set not null/,
    ],
    ['a clear field is sealed', { ...rest, city: text() }, /drop table app."visits"/],
    ['a sealed field is cleared', { ...rest, note: clearText() }, /drop table app."visits"/],
    [
      'a sealed field is dropped',
      { other: rest.other, city: rest.city, size: rest.size },
      /drop table app."visits"/,
    ],
    [
      'a sealed field changes its kind',
      { ...rest, note: field.integer('a note') },
      /drop table app."visits"/,
    ],
    ['a sealed optional field becomes required', { ...rest, other: text() }, /drop table app."visits"/],
    ['a required sealed field is added', { ...rest, more: text() }, /drop table app."visits"/],
  ])('are refused with the statement to run, and nothing is applied: %s', async (_, fields, statement) => {
    const database = await started({ resources: [before] })
    await addRow(database, { city: 'Graz', _envelope: Buffer.of(1) })
    const refused = apply(database, [visits(fields), heartbeats])
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DATABASE_DESTRUCTIVE' })
    await expect(refused).rejects.toThrow(statement)
    expect((await plan(database, [before])).steps).toEqual([])
  })

  it('are refused: a table that no resource declares, a new tenant, a new seal', async () => {
    const database = await started({ resources: [before] })
    await expect(apply(database, [])).rejects.toThrow(/drop table app."visits"/)
    await expect(
      apply(database, [visits({ ...rest, teamId: field.id() }, { subject: 'personId', tenant: 'teamId' })]),
    ).rejects.toThrow(/tenant of visits changed/)
    const sealedForTenant = visits(rest, { tenant: 'personId', seal: 'tenant' })
    await expect(apply(database, [sealedForTenant])).rejects.toThrow(/sealed for: subject, now: tenant/)
  })

  it('are refused: another circle of subjects, or a field that is about another', async () => {
    const database = await started({ resources: [severalPeople()] })
    await addRow(database, { teamId: createId(systemClock) })
    const other = severalPeople({ personId: 'delete', guestId: 'delete' }, 'personId')
    await expect(apply(database, [other])).rejects.toThrow(/subject of visits changed/)
    const swapped = severalPeople({ personId: 'delete', hostId: 'blank' }, 'hostId')
    await expect(apply(database, [swapped])).rejects.toThrow(
      /note of visits was about personId and is about hostId/,
    )
    await apply(database, [severalPeople({ personId: 'delete', hostId: 'keep-others' })])
  })

  it('are refused: a unique set over rows that may break it, and a unique index across tenants', async () => {
    const shape = (options: object = {}): Resource =>
      visits(
        { teamId: field.id(), city: field.text('a city', { max: 100 }) },
        { tenant: 'teamId', ...options },
      )
    const database = await started({ resources: [shape()] })
    await addRow(database, { teamId: createId(systemClock), city: 'Graz' })
    await expect(apply(database, [shape({ unique: [['city']] })])).rejects.toThrow(/create unique index/)
    await database.owner.query('create unique index mine on app.visits ("teamId", city)')
    expect((await plan(database, [shape()])).steps).toEqual([])
    await database.owner.query('create unique index oracle on app.visits (city)')
    await expect(apply(database, [shape()])).rejects.toThrow(/drop index app."oracle"/)
  })

  it('can be made by running the named statement', async () => {
    const database = await started({ resources: [before] })
    const { steps } = await plan(database, [])
    await database.owner.query(steps[0]!.statement)
    expect((await plan(database, [])).steps).toEqual([])
  })
})
