import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { PLACES, TABLE_PLACES } from './testing/places.ts'
import { compile, db, loose, refusalOf, verdict, type Loose, type Refusal } from './testing/refusals.ts'

/**
 * Ways around the governed builder, each in every place where a query has room for it. Nothing here
 * reaches a database: a refusal is the planner's. `escapes.database.test.ts` goes on where the
 * planner ends.
 */

/** What reads settings, files, catalogs or other rows; what acts, waits, returns sets, or runs text. */
const FUNCTIONS = [
  ...['set_config', 'current_setting', 'pg_reload_conf', 'pg_read_file', 'pg_ls_dir', 'pg_stat_file'],
  ...['query_to_xml', 'table_to_xml', 'database_to_xml', 'cursor_to_xml', 'xpath_table', 'ts_stat'],
  ...['pg_sleep', 'pg_sleep_for', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_notify'],
  ...['dblink', 'dblink_exec', 'dblink_connect', 'postgres_fdw_get_connections'],
  ...['nextval', 'setval', 'currval', 'lastval', 'pg_sequence_last_value'],
  ...['pg_advisory_lock', 'pg_advisory_xact_lock', 'pg_try_advisory_lock', 'pg_advisory_unlock_all'],
  ...['generate_series', 'unnest', 'json_array_elements', 'jsonb_each', 'regexp_split_to_table'],
  ...['json_populate_recordset', 'jsonb_to_recordset', 'pg_get_keywords', 'pg_stat_get_activity'],
  ...['lo_create', 'lo_import', 'lo_export', 'lo_get', 'lo_from_bytea', 'pg_logical_emit_message'],
  ...['pg_relation_size', 'pg_total_relation_size', 'pg_stat_get_live_tuples', 'pg_get_viewdef'],
  ...['current_user', 'session_user', 'version', 'inet_server_addr', 'pg_backend_pid', 'txid_current'],
  ...['pg_catalog.set_config', 'surety.f', 'now', 'clock_timestamp', 'gen_random_uuid', 'random'],
  ...['repeat', 'regexp_replace', 'regexp_matches', 'encode', 'row_to_json', 'record_out', 'hstore'],
]

describe('a function that is not on the list', () => {
  test.each(Object.entries(PLACES))('is refused in %s', (_place, build) => {
    for (const name of FUNCTIONS) {
      const asFunction = () => compile(build((eb) => eb.fn(name, [eb.val('x')])))
      expect([name, verdict('FUNCTION|UNSUPPORTED', asFunction)]).toEqual([name, 'refused'])
      const asAggregate = () => compile(build((eb) => eb.fn.agg(name, ['language'])))
      expect([name, verdict('FUNCTION|UNSUPPORTED', asAggregate)]).toEqual([name, 'refused'])
    }
  })

  test('is not let in by a look-alike of one that is', () => {
    const names = [
      'lower ',
      ' lower',
      'LOWER',
      'lower/**/',
      'lower(version()) --',
      'pg_catalog.lower',
      '"lower"',
      'lоwer',
    ]
    for (const name of names) {
      const build = () =>
        compile(loose.selectFrom('heartbeats').select((eb: Loose) => eb.fn(name, ['language']).as('x')))
      expect([name, refusalOf(build)]).toEqual([name, 'ERR_STORE_FUNCTION'])
    }
  })
})

/** Every form that `sql` has. */
const RAW: Record<string, (eb: Loose) => Loose> = {
  'a template': () => sql`(select language from app.heartbeats limit 1)`,
  'a template with parameters': () => sql`coalesce(${'a'}, ${'b'})`,
  'sql.raw': () => sql.raw('1'),
  'sql.lit': () => sql.lit('x'),
  'sql.ref': () => sql.ref('app.heartbeats.language'),
  'sql.id': () => sql.id('app', 'heartbeats', 'language'),
  'sql.table': () => sql.table('app.heartbeats'),
  'sql.join': () => sql.join([1, 2]),
  'a typed template': () => sql<number>`1`.$castTo<number>(),
  'an empty template': () => sql``,
  'a fragment that the planner knows elsewhere': () => sql`true`,
  'another one': () => sql`desc`,
}

describe('raw SQL', () => {
  test.each(Object.entries(PLACES))('is refused in %s', (_place, build) => {
    for (const [what, raw] of Object.entries(RAW)) {
      // Aliased or bare, as the place wants it: a raw builder takes both.
      expect([what, verdict('RAW|UNSUPPORTED', () => compile(build(raw)))]).toEqual([what, 'refused'])
    }
  })

  test.each<[string, () => Loose]>([
    ['from', () => loose.selectFrom(sql`app.heartbeats`.as('h')).select('h.id')],
    [
      'from, as a set-returning function',
      () => loose.selectFrom(sql`generate_series(1, 9)`.as('g')).select('g'),
    ],
    [
      'a join',
      () =>
        loose
          .selectFrom('rates')
          .innerJoin(sql`app.heartbeats`.as('h'), 'h.id', 'rates.id')
          .select('h.id'),
    ],
    ['using', () => loose.deleteFrom('heartbeats').using(sql`pg_stats`.as('s'))],
    [
      'an update’s from',
      () =>
        loose
          .updateTable('notes')
          .from(sql`pg_stats`.as('s'))
          .set({ rank: 1 }),
    ],
    ['an alias', () => loose.selectFrom('rates').select(sql`1`.as(sql`x`))],
    [
      'a CTE’s name',
      () =>
        loose
          .with(sql`c`, (qb: Loose) => qb.selectFrom('rates').select('id'))
          .selectFrom('c')
          .select('id'),
    ],
    [
      'a CTE’s body',
      () =>
        loose
          .with('c', () => sql`select * from app.heartbeats`)
          .selectFrom('c')
          .selectAll(),
    ],
    ['a table to insert into', () => loose.insertInto(sql`app.notes`).values({ title: 'x', rank: 1 })],
    [
      'a target of a conflict',
      () =>
        loose
          .insertInto('notes')
          .values({ title: 'x', rank: 1 })
          .onConflict((oc: Loose) => oc.expression(sql`title`).doNothing()),
    ],
    [
      'a direction',
      () =>
        loose
          .selectFrom('rates')
          .select('id')
          .orderBy('id', sql`desc, (select 1)`),
    ],
    [
      'an operator',
      () =>
        loose
          .selectFrom('rates')
          .select('id')
          .where('id', sql`=`, 'x'),
    ],
    [
      'a modifier',
      () =>
        loose
          .selectFrom('rates')
          .select('id')
          .modifyEnd(sql`for update`),
    ],
    [
      'a modifier in front',
      () =>
        loose
          .selectFrom('rates')
          .select('id')
          .modifyFront(sql`sql_no_cache`),
    ],
    ['a type', () => loose.selectFrom('rates').select((eb: Loose) => eb.cast('id', sql`regclass`).as('x'))],
  ])('is refused as %s', (_what, build) => {
    const refusal = refusalOf(() => compile(build()))
    // Kysely itself refuses some as they are built, with an error of its own.
    expect(refusal instanceof Error || String(refusal).startsWith('ERR_STORE_')).toBe(true)
  })
})

/** Relations that no resource declares; whether by right or by nature readable to the app role. */
const RELATIONS = [
  ...['pg_stats', 'pg_stat_activity', 'pg_statistic', 'pg_class', 'pg_authid', 'pg_roles', 'pg_settings'],
  ...['pg_locks', 'pg_prepared_statements', 'pg_cursors', 'pg_stat_user_tables', 'pg_largeobject'],
  ...['information_schema.columns', 'pg_catalog.pg_stats', 'surety.data_keys', 'surety.resources'],
  ...['app.heartbeats', 'heartbeats_2026_11', 'app.heartbeats_default', 'data_keys', 'pgboss.job'],
  ...['Heartbeats', '"heartbeats"', 'heartbeats;', 'heartbeats h', 'only heartbeats', 'heartbeats*'],
]

describe('a relation that is not declared', () => {
  test.each(Object.entries(TABLE_PLACES))('is refused as %s', (_place, build) => {
    for (const name of RELATIONS) {
      // Kysely reads the space of `heartbeats h` as part of the name.
      const refused = verdict('UNKNOWN_TABLE|UNSUPPORTED|FORBIDDEN|RAW', () => compile(build(name)))
      expect([name, refused]).toEqual([name, 'refused'])
    }
  })

  test('is refused with a schema set for all of a query', () => {
    for (const schema of ['pg_catalog', 'surety', 'information_schema', 'app', 'pgboss']) {
      const build = () => compile(loose.withSchema(schema).selectFrom('heartbeats').selectAll())
      expect([schema, refusalOf(build)]).toEqual([schema, 'ERR_STORE_UNSUPPORTED'])
    }
  })
})

describe('a name made of text', () => {
  const TEXTS = [
    ...['language; drop table app.heartbeats', 'language desc, (select 1)', '(select 1)', '1', 'language--'],
    ...[
      '_envelope',
      '_blind_project',
      'ctid',
      'xmin',
      'tableoid',
      'heartbeats',
      'rates.id',
      'app.heartbeats.id',
    ],
  ]
  test.each<[string, (text: string) => Loose]>([
    ['order by', (text) => loose.selectFrom('heartbeats').select('id').orderBy(text)],
    [
      'order by, with a direction inside',
      (text) => loose.selectFrom('heartbeats').select('id').orderBy(`${text} desc`),
    ],
    ['group by', (text) => loose.selectFrom('heartbeats').select('id').groupBy(text)],
    ['a selected column', (text) => loose.selectFrom('heartbeats').select(text)],
    [
      'a dynamic reference',
      (text) => loose.selectFrom('heartbeats').select('id').where(db.dynamic.ref(text), '=', 1),
    ],
    ['eb.ref', (text) => loose.selectFrom('heartbeats').select((eb: Loose) => eb.ref(text).as('x'))],
    [
      'a reference in a comparison',
      (text) => loose.selectFrom('heartbeats').select('id').whereRef('seconds', '=', text),
    ],
    [
      'a JSON path’s root',
      (text) => loose.selectFrom('heartbeats').select((eb: Loose) => eb.ref(text, '->').key('x').as('x')),
    ],
    ['an updated column', (text) => loose.updateTable('heartbeats').set({ [text]: 1 })],
    ['a returned column', (text) => loose.deleteFrom('heartbeats').returning(text)],
    ['distinct on', (text) => loose.selectFrom('heartbeats').distinctOn(text).select('id')],
    ['an aggregate', (text) => loose.selectFrom('heartbeats').select((eb: Loose) => eb.fn.max(text).as('x'))],
  ])('is a column or nothing in %s', (_place, build) => {
    for (const text of TEXTS) {
      const refusal = refusalOf(() => compile(build(text)))
      // Kysely itself knows a wrong direction, and throws an error without a code.
      const refused = refusal instanceof Error || /^ERR_(STORE|VALUE)_/.test(String(refusal))
      expect([text, refused]).toEqual([text, true])
    }
  })
})

describe('what leaves the builder', () => {
  test.each<Refusal>([
    ['schema: create', 'UNSUPPORTED', () => compile(loose.schema.createTable('x').addColumn('a', 'text'))],
    [
      'schema: create as a select',
      'UNSUPPORTED',
      () => compile(loose.schema.createTable('x').as(loose.selectFrom('rates').selectAll())),
    ],
    [
      'schema: a view',
      'UNSUPPORTED',
      () => compile(loose.schema.createView('x').as(loose.selectFrom('rates').selectAll())),
    ],
    [
      'schema: an index',
      'UNSUPPORTED',
      () => compile(loose.schema.createIndex('x').on('notes').column('title').unique()),
    ],
    ['schema: a schema', 'UNSUPPORTED', () => compile(loose.schema.createSchema('x'))],
    ['schema: a type', 'UNSUPPORTED', () => compile(loose.schema.createType('x').asEnum(['a']))],
    [
      'schema: truncate by another name',
      'UNSUPPORTED',
      () => compile(loose.schema.dropTable('heartbeats').cascade()),
    ],
    ['schema: a materialized view', 'UNSUPPORTED', () => compile(loose.schema.refreshMaterializedView('x'))],
    [
      'schema without plugins',
      'UNSUPPORTED',
      () => compile(loose.withoutPlugins().schema.dropTable('notes')),
    ],
    ['introspection', 'NOT_OFFERED', () => loose.introspection],
    ['introspection within withTables', 'NOT_OFFERED', () => loose.withTables().introspection],
    [
      'a function-like table',
      'RAW|UNSUPPORTED',
      () =>
        compile(
          loose
            .selectFrom((eb: Loose) => eb.fn('generate_series', [eb.val(1), eb.val(2)]).as('g'))
            .selectAll(),
        ),
    ],
    [
      'values as a table',
      'RAW|UNSUPPORTED',
      () => compile(loose.selectFrom(sql`(values (1))`.as('v')).selectAll()),
    ],
    [
      'table statistics by a sample',
      'RAW|UNSUPPORTED',
      () =>
        compile(
          loose
            .selectFrom('heartbeats')
            .select('id')
            .modifyEnd(sql`tablesample system (1)`),
        ),
    ],
    [
      'select into',
      'RAW|UNSUPPORTED',
      () =>
        compile(
          loose
            .selectFrom('heartbeats')
            .modifyFront(sql`into x`)
            .select('id'),
        ),
    ],
    [
      'a recursive CTE',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .withRecursive('c', (qb: Loose) => qb.selectFrom('rates').select('id'))
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'a CTE that inserts',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .with('c', (qb: Loose) => qb.insertInto('notes').values({ title: 'x', rank: 1 }).returning('id'))
            .selectFrom('c')
            .selectAll(),
        ),
    ],
    [
      'insert … select',
      'UNSUPPORTED',
      () =>
        compile(
          loose
            .insertInto('notes')
            .columns(['title'])
            .expression((eb: Loose) => eb.selectFrom('notes').select('title')),
        ),
    ],
  ])('is refused: %s', (_what, codes, build) => {
    expect(verdict(codes, build)).toBe('refused')
  })

  test('is refused: explaining, copying and destroying, in every form that runs', async () => {
    const query = loose.selectFrom('heartbeats').select('id')
    const ways: [string, () => unknown][] = [
      ['explain', () => query.explain()],
      ['explain analyze', () => query.explain('json', sql`analyze`)],
      ['explain of an update', () => loose.updateTable('notes').set({ rank: 1 }).explain()],
      ['destroy', () => loose.destroy()],
      ['copy', () => sql`copy app.heartbeats to stdout`.execute(loose)],
      [
        'copy by a compiled query',
        () => loose.executeQuery(sql`copy app.heartbeats to stdout`.compile(loose)),
      ],
      ['prepare', () => sql`prepare p as select 1`.execute(loose)],
      ['a block of code', () => sql`do 'begin end'`.execute(loose)],
      ['set role', () => sql`set role postgres`.execute(loose)],
      ['a procedure', () => sql`call x()`.execute(loose)],
      ['listening', () => sql`listen x`.execute(loose)],
    ]
    for (const [what, way] of ways) {
      const outcome: unknown = await Promise.resolve()
        .then(way)
        .catch((error: unknown) => error)
      expect([what, outcome]).toEqual([what, expect.any(Error)])
      // The backend of these tests would fail with a RangeError, had anything reached it.
      expect([what, outcome instanceof RangeError]).toEqual([what, false])
    }
  })
})
