import type { Kysely } from 'kysely'
import type { Resource } from '../declare/index.ts'
import type { AnyTables } from './probe-context.ts'

/** Tries to reach the row `id`; resolves true if it did. Refusals are errors with a code. */
type IsolationAttempt = (db: Kysely<AnyTables>, resource: Resource, id: string) => Promise<boolean>

/** Query shapes that a curious tenant could send through an app's own code. */
export const ISOLATION_ATTEMPTS: Readonly<Record<string, IsolationAttempt>> = {
  'a read by id': async (db, { name }, id) =>
    (await db.selectFrom(name).select('id').where('id', '=', id).execute()).length > 0,

  'a read of everything': async (db, { name }, id) =>
    (await db.selectFrom(name).select('id').execute()).some((row) => row['id'] === id),

  'an always true condition': async (db, { name }, id) => {
    const query = db.selectFrom(name).select('id')
    return (
      await query.where((where) => where.or([where('id', '=', id), where('id', '!=', id)])).execute()
    ).some((row) => row['id'] === id)
  },

  'a subquery': async (db, { name }, id) => {
    const inner = db.selectFrom(name).select('id').where('id', '=', id).as('inner')
    return (await db.selectFrom(inner).select('id').execute()).length > 0
  },

  'a common table expression': async (db, { name }, id) => {
    const query = db
      .with('leak', (cte) => cte.selectFrom(name).select('id').where('id', '=', id))
      .selectFrom('leak')
    return (await query.select('id').execute()).length > 0
  },

  'a union': async (db, { name }, id) => {
    const one = db.selectFrom(name).select('id').where('id', '=', id)
    return (await one.unionAll(db.selectFrom(name).select('id').where('id', '=', id)).execute()).length > 0
  },

  'a join with itself': async (db, { name }, id) => {
    const query = db
      .selectFrom(`${name} as mine`)
      .innerJoin(`${name} as other`, (join) => join.onRef('mine.id', '=', 'other.id'))
    return (await query.select('other.id').where('other.id', '=', id).execute()).length > 0
  },

  'a left join': async (db, { name }, id) => {
    const query = db
      .selectFrom(`${name} as mine`)
      .leftJoin(`${name} as other`, (join) => join.on('other.id', '=', id))
    return (await query.select('other.id as id').execute()).some((row) => row['id'] === id)
  },

  'a count': async (db, { name }, id) => {
    const counted = await db
      .selectFrom(name)
      .select((select) => select.fn.countAll().as('n'))
      .where('id', '=', id)
      .execute()
    return Number(counted[0]?.['n'] ?? 0) > 0
  },

  'a deletion': async (db, { name }, id) =>
    (await db.deleteFrom(name).where('id', '=', id).executeTakeFirstOrThrow()).numDeletedRows > 0n,
}
