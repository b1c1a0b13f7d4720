import { db, loose, type Loose } from './refusals.ts'

/** Places of a query where an expression can stand, built without the types that would stop it. */
export const PLACES: Record<string, (expression: (eb: Loose) => Loose) => Loose> = {
  'a selected column': (x) => loose.selectFrom('heartbeats').select((eb: Loose) => x(eb).as('x')),
  where: (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .where((eb: Loose) => eb(x(eb), '=', 1)),
  'the right side of a comparison': (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .where((eb: Loose) => eb('seconds', '=', x(eb))),
  'an or in parentheses': (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .where((eb: Loose) => eb.or([eb('seconds', '=', 1), eb(x(eb), '=', 1)])),
  'order by': (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .orderBy((eb: Loose) => x(eb)),
  'group by': (x) =>
    loose
      .selectFrom('heartbeats')
      .select('language')
      .groupBy((eb: Loose) => [x(eb)]),
  having: (x) =>
    loose
      .selectFrom('heartbeats')
      .select('language')
      .groupBy('language')
      .having((eb: Loose) => eb(x(eb), '=', 1)),
  'distinct on': (x) =>
    loose
      .selectFrom('heartbeats')
      .distinctOn((eb: Loose) => x(eb))
      .select('id'),
  limit: (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .limit((eb: Loose) => x(eb)),
  'a join condition': (x) =>
    loose
      .selectFrom('heartbeats as a')
      .innerJoin('heartbeats as b', (join: Loose) => join.on((eb: Loose) => eb('a.seconds', '=', x(eb))))
      .select('a.id'),
  'a CTE': (x) =>
    loose
      .with('c', (qb: Loose) => qb.selectFrom('heartbeats').select((eb: Loose) => x(eb).as('x')))
      .selectFrom('c')
      .select('x'),
  'a derived table': (x) =>
    loose
      .selectFrom((eb: Loose) =>
        eb
          .selectFrom('heartbeats')
          .select((e: Loose) => x(e).as('x'))
          .as('d'),
      )
      .select('x'),
  'a lateral join': (x) =>
    loose
      .selectFrom('heartbeats as a')
      .innerJoinLateral(
        (eb: Loose) =>
          eb
            .selectFrom('heartbeats')
            .select((e: Loose) => x(e).as('x'))
            .as('l'),
        (join: Loose) => join.onTrue(),
      )
      .select('l.x'),
  'a scalar subquery': (x) =>
    loose.selectFrom('heartbeats').select((eb: Loose) =>
      eb
        .selectFrom('heartbeats as o')
        .select((e: Loose) => x(e).as('x'))
        .as('s'),
    ),
  exists: (x) =>
    loose
      .selectFrom('heartbeats')
      .select('id')
      .where((eb: Loose) => eb.exists(eb.selectFrom('heartbeats as o').select((e: Loose) => x(e).as('x')))),
  'a union': (x) =>
    loose
      .selectFrom('heartbeats')
      .select('seconds')
      .unionAll((eb: Loose) => eb.selectFrom('heartbeats').select((e: Loose) => x(e).as('seconds'))),
  'a case': (x) =>
    loose
      .selectFrom('heartbeats')
      .select((eb: Loose) => eb.case().when('seconds', '=', 1).then(x(eb)).else(0).end().as('x')),
  'a cast': (x) => loose.selectFrom('heartbeats').select((eb: Loose) => eb.cast(x(eb), 'text').as('x')),
  'an argument of a function': (x) =>
    loose.selectFrom('heartbeats').select((eb: Loose) => eb.fn('coalesce', [x(eb), eb.val(1)]).as('x')),
  'an argument of an aggregate': (x) =>
    loose.selectFrom('heartbeats').select((eb: Loose) => eb.fn.max(x(eb)).as('x')),
  'a filter of an aggregate': (x) =>
    loose.selectFrom('heartbeats').select((eb: Loose) =>
      eb.fn
        .countAll()
        .filterWhere((e: Loose) => e(x(e), '=', 1))
        .as('n'),
    ),
  'a window': (x) =>
    loose.selectFrom('heartbeats').select((eb: Loose) =>
      eb.fn
        .countAll()
        .over((ob: Loose) => ob.partitionBy(x(eb)))
        .as('n'),
    ),
  'an inserted value': (x) =>
    loose
      .insertInto('heartbeats')
      .values((eb: Loose) => ({ entity: 'x', time: new Date(0), seconds: x(eb) })),
  'a returned column': (x) =>
    loose
      .insertInto('heartbeats')
      .values({ entity: 'x', time: new Date(0) })
      .returning((eb: Loose) => x(eb).as('x')),
  'an updated value': (x) => loose.updateTable('heartbeats').set((eb: Loose) => ({ seconds: x(eb) })),
  'the condition of an update': (x) =>
    loose
      .updateTable('heartbeats')
      .set({ seconds: 1 })
      .where((eb: Loose) => eb(x(eb), '=', 1)),
  'the condition of a delete': (x) => loose.deleteFrom('heartbeats').where((eb: Loose) => eb(x(eb), '=', 1)),
  'the value of a conflict': (x) =>
    loose
      .insertInto('notes')
      .values({ title: 'x', rank: 1 })
      .onConflict((oc: Loose) => oc.columns(['teamId', 'id']).doUpdateSet((eb: Loose) => ({ rank: x(eb) }))),
  'the condition of a conflict': (x) =>
    loose
      .insertInto('notes')
      .values({ title: 'x', rank: 1 })
      .onConflict((oc: Loose) =>
        oc
          .columns(['teamId', 'id'])
          .doUpdateSet({ rank: 2 })
          .where((eb: Loose) => eb(x(eb), '=', 1)),
      ),
}

/** Places of a query where a table can stand. */
export const TABLE_PLACES: Record<string, (table: string) => Loose> = {
  from: (table) => loose.selectFrom(table).selectAll(),
  'from under an alias': (table) => loose.selectFrom(`${table} as t`).selectAll(),
  'a join': (table) =>
    loose
      .selectFrom('rates')
      .innerJoin(`${table} as t`, (j: Loose) => j.onTrue())
      .select('rates.id'),
  'a second from': (table) => loose.selectFrom(['rates', `${table} as t`]).select('rates.id'),
  'a CTE': (table) =>
    loose
      .with('c', (qb: Loose) => qb.selectFrom(table).selectAll())
      .selectFrom('c')
      .selectAll(),
  'a subquery': (table) =>
    loose
      .selectFrom('rates')
      .select('id')
      .where('id', 'in', (eb: Loose) => eb.selectFrom(table).select('id')),
  exists: (table) =>
    loose
      .selectFrom('rates')
      .select('id')
      .where((eb: Loose) => eb.exists(eb.selectFrom(table).selectAll())),
  'a union': (table) =>
    loose
      .selectFrom('rates')
      .select('id')
      .unionAll((eb: Loose) => eb.selectFrom(table).select('id')),
  'a dynamic table': (table) => loose.selectFrom((db.dynamic as Loose).table(table).as('t')).selectAll(),
  insert: (table) => loose.insertInto(table).values({ id: 1 }),
  update: (table) => loose.updateTable(table).set({ id: 1 }),
  'the source of an update': (table) => loose.updateTable('notes').from(table).set({ rank: 1 }),
  delete: (table) => loose.deleteFrom(table),
  'the source of a delete': (table) => loose.deleteFrom('notes').using(table),
  merge: (table) =>
    loose
      .mergeInto('notes')
      .using(table, (j: Loose) => j.onTrue())
      .whenMatched()
      .thenDelete(),
}
