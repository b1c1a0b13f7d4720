import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../database/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { heartbeatOf, openTestStore, user, type TestStore } from './testing.ts'

let context: TestStore
beforeAll(async () => {
  context = await openTestStore()
})
afterAll(() => context.close())

/** A person alone in a new team, with heartbeats stored. */
async function personWith(...rows: Record<string, unknown>[]) {
  const person = user(createPseudonym())
  const { db } = context.store.as(person)
  if (rows.length > 0)
    await db
      .insertInto('heartbeats')
      .values(rows.map((row) => heartbeatOf(person, row)))
      .execute()
  return { person, db }
}

describe('inserting and selecting', () => {
  test('gives back every kind of value as it was stored', async () => {
    const row = {
      entity: 'ünïcode \u{1F600} "quoted"',
      project: 'apollo',
      branch: null,
      lines: 2 ** 52,
      seen: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
      proof: Buffer.from([0, 1, 255]),
      language: 'TypeScript',
      time: new Date(Date.UTC(2026, 9, 31, 23, 59, 59, 999)),
      seconds: 2 ** 51,
      tags: ['a,b', '"', ''],
      extra: { list: [1, 0.1, null, 'x'], nested: { b: true } },
      day: '2026-10-31',
    }
    const { db, person } = await personWith(row)
    const [found] = await db.selectFrom('heartbeats').selectAll().execute()
    expect(found).toMatchObject(row)
    expect(found).toMatchObject({
      personId: person.id,
      teamId: person.tenant,
      createdAt: new Date(context.clock.now()),
    })
    expect(Object.keys(found!).filter((name) => name.startsWith('_'))).toEqual([])
  })

  test('stores no sealed value in the clear', async () => {
    const { person } = await personWith({ entity: 'plaintext-marker', project: 'project-marker' })
    const { rows } = await context.ungoverned<{ text: string }>(
      'select h::text as text from app.heartbeats h',
    )
    const stored = rows.map(({ text }) => text).filter((text) => text.includes(person.id))
    expect(stored).toHaveLength(1)
    for (const marker of ['plaintext-marker', 'project-marker']) {
      expect(stored[0]).not.toContain(marker)
      expect(stored[0]).not.toContain(Buffer.from(marker).toString('hex'))
    }
  })

  test('mints the id and the time of receipt, and returns what is asked for', async () => {
    const { db, person } = await personWith()
    const made = await db
      .insertInto('heartbeats')
      .values(heartbeatOf(person))
      .returning(['id', 'project', 'seconds'])
      .executeTakeFirstOrThrow()
    expect(made).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{14}7/), project: 'apollo', seconds: 60 })
  })

  test('fills the owner from the principal', async () => {
    const { db, person } = await personWith()
    await db
      .insertInto('heartbeats')
      .values({ entity: 'x', time: new Date(0) } as never)
      .execute()
    expect(await db.selectFrom('heartbeats').select(['personId', 'teamId']).execute()).toEqual([
      { personId: person.id, teamId: person.tenant },
    ])
  })

  test('drops and reports undeclared members', async () => {
    const { db } = await personWith({ spy: 'x' })
    expect(context.dropped.at(-1)).toEqual(['heartbeats', ['spy']])
    expect(await db.selectFrom('heartbeats').selectAll().executeTakeFirst()).not.toHaveProperty('spy')
  })

  test('seals a resource without a declared tenant and one sealed for its tenant', async () => {
    const { db, person } = await personWith()
    await db
      .insertInto('people')
      .values({ personId: person.id, email: 'ada@example.com', locale: 'en' })
      .execute()
    expect(
      await db
        .selectFrom('people')
        .select(['email', 'locale'])
        .where('email', '=', 'ada@example.com')
        .execute(),
    ).toEqual([{ email: 'ada@example.com', locale: 'en' }])
    const admin = context.store.as(user(person.tenant!, 'administrator')).db
    await admin.insertInto('teams').values({ teamId: person.tenant!, name: 'Rocket', seats: 3 }).execute()
    expect(
      await admin.selectFrom('teams').select(['name', 'seats']).where('name', '=', 'Rocket').execute(),
    ).toEqual([{ name: 'Rocket', seats: 3 }])
  })

  test('takes the same compiled query twice and mints new ids', async () => {
    const { db, person } = await personWith()
    const compiled = db.insertInto('heartbeats').values(heartbeatOf(person)).compile()
    await db.executeQuery(compiled)
    await db.executeQuery(compiled)
    expect(await db.selectFrom('heartbeats').select('id').execute()).toHaveLength(2)
  })
})

describe('updating and deleting', () => {
  test('reseals a row when a sealed or a clear field changes', async () => {
    const { db } = await personWith({ project: 'apollo', seconds: 1 }, { project: 'gemini', seconds: 2 })
    const result = await db
      .updateTable('heartbeats')
      .set({ project: 'mercury' })
      .where('project', '=', 'apollo')
      .executeTakeFirstOrThrow()
    expect(result.numUpdatedRows).toBe(1n)
    const returned = await db
      .updateTable('heartbeats')
      .set((eb) => ({ seconds: eb('seconds', '+', 100), language: 'Rust' }))
      .returning(['project', 'seconds', 'language'])
      .execute()
    expect(returned.toSorted((a, b) => a.seconds! - b.seconds!)).toEqual([
      { project: 'mercury', seconds: 101, language: 'Rust' },
      { project: 'gemini', seconds: 102, language: 'Rust' },
    ])
    expect(
      await db.selectFrom('heartbeats').select('entity').where('project', '=', 'mercury').execute(),
    ).toEqual([{ entity: '/home/ada/secret.ts' }])
  })

  test('changes nothing when one row of an update does not fit', async () => {
    const { db } = await personWith({ seconds: 1 }, { seconds: 50 })
    const update = db.updateTable('heartbeats').set((eb) => ({ seconds: eb('seconds', '-', 10) }))
    await expect(update.execute()).rejects.toMatchObject({ code: 'ERR_VALUE_RANGE' })
    await db.transaction().execute(async (trx) => {
      await expect(
        trx
          .updateTable('heartbeats')
          .set((eb) => ({ seconds: eb('seconds', '-', 10) }))
          .execute(),
      ).rejects.toMatchObject({ code: 'ERR_VALUE_RANGE' })
      await trx.updateTable('heartbeats').set({ language: 'C' }).execute()
    })
    expect(
      await db.selectFrom('heartbeats').select(['seconds', 'language']).orderBy('seconds').execute(),
    ).toEqual([
      { seconds: 1, language: 'C' },
      { seconds: 50, language: 'C' },
    ])
  })

  test('takes a table under another name', async () => {
    const { db } = await personWith({ project: 'apollo', seconds: 1 })
    const updated = await db
      .updateTable('heartbeats as h')
      .set({ branch: 'main' })
      .where('h.project', '=', 'apollo')
      .returning(['h.branch', 'h.project'])
      .execute()
    expect(updated).toEqual([{ branch: 'main', project: 'apollo' }])
  })

  test('keeps both of two concurrent updates of one row', async () => {
    const { db } = await personWith({ seconds: 0, project: 'a' })
    await Promise.all([
      ...Array.from({ length: 5 }, () =>
        db
          .updateTable('heartbeats')
          .set((eb) => ({ seconds: eb('seconds', '+', 1) }))
          .execute(),
      ),
      db.updateTable('heartbeats').set({ project: 'b' }).execute(),
    ])
    expect(await db.selectFrom('heartbeats').select(['seconds', 'project']).execute()).toEqual([
      { seconds: 5, project: 'b' },
    ])
  })

  test('updates plain resources in the database, also with an upsert', async () => {
    const admin = user(createPseudonym(), 'administrator')
    const { db } = context.store.as(admin)
    await db
      .insertInto('notes')
      .values([
        { title: 'one', rank: 1 },
        { title: 'two', rank: 2 },
      ] as never)
      .execute()
    const changed = await db
      .updateTable('notes')
      .set({ title: 'ONE' })
      .where('rank', '=', 1)
      .returning(['title', 'rank'])
      .execute()
    expect(changed).toEqual([{ title: 'ONE', rank: 1 }])
    await db
      .updateTable('notes')
      .set((eb) => ({ rank: eb('rank', '*', 10) }))
      .execute()
    expect(await db.selectFrom('notes').select('rank').orderBy('rank').execute()).toEqual([
      { rank: 10 },
      { rank: 20 },
    ])
    await expect(
      db
        .updateTable('notes')
        .set((eb) => ({ rank: eb('rank', '*', 10) }))
        .execute(),
    ).rejects.toMatchObject({ code: 'ERR_VALUE_RANGE' })
    await db
      .insertInto('notes')
      .values({ title: 'x', rank: 3 } as never)
      .onConflict((oc) =>
        oc.columns(['teamId', 'id']).doUpdateSet((eb) => ({ rank: eb.ref('excluded.rank') })),
      )
      .execute()
    await db
      .insertInto('notes')
      .values({ title: 'y', rank: 4 } as never)
      .onConflict((oc) => oc.doNothing())
      .execute()
    expect(await db.selectFrom('notes').select('title').execute()).toHaveLength(4)
  })

  test('deletes by sealed fields and returns what it deleted', async () => {
    const { db } = await personWith({ project: 'apollo' }, { project: 'gemini' })
    expect(
      await db
        .deleteFrom('heartbeats')
        .where('project', '=', 'apollo')
        .returning(['project', 'entity'])
        .execute(),
    ).toEqual([{ project: 'apollo', entity: '/home/ada/secret.ts' }])
    expect(await db.selectFrom('heartbeats').select('project').execute()).toEqual([{ project: 'gemini' }])
    const using = await db
      .deleteFrom('heartbeats as h')
      .using('rates')
      .where('h.project', '=', 'gemini')
      .executeTakeFirstOrThrow()
    expect(using.numDeletedRows).toBe(0n)
  })
})

describe('transactions', () => {
  test('commits and rolls back', async () => {
    const { db, person } = await personWith()
    await db
      .transaction()
      .setIsolationLevel('serializable')
      .execute((trx) => trx.insertInto('heartbeats').values(heartbeatOf(person)).execute())
    await expect(
      db.transaction().execute(async (trx) => {
        await trx.insertInto('heartbeats').values(heartbeatOf(person)).execute()
        expect(await trx.selectFrom('heartbeats').select('id').execute()).toHaveLength(2)
        throw new RangeError('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await db.selectFrom('heartbeats').select('id').execute()).toHaveLength(1)
  })

  test('keeps settings right over savepoints and concurrent statements of one transaction', async () => {
    const admin = user(createPseudonym(), 'administrator')
    const { db } = context.store.as(admin)
    const trx = await db.startTransaction().execute()
    const saved = await trx.savepoint('before').execute()
    await saved
      .insertInto('notes')
      .values({ title: 'one', rank: 1 } as never)
      .execute()
    await saved.rollbackToSavepoint('before').execute()
    const all = await Promise.all([
      saved
        .insertInto('notes')
        .values({ title: 'two', rank: 2 } as never)
        .execute(),
      saved.selectFrom('rates').select('id').execute(),
      saved
        .insertInto('teams')
        .values({ name: 'Team', seats: 1 } as never)
        .execute(),
      saved.selectFrom('heartbeats').select('entity').execute(),
    ])
    expect(all[3]).toEqual([])
    await trx.commit().execute()
    expect(await db.selectFrom('notes').select('title').execute()).toEqual([{ title: 'two' }])
  })

  test('locks rows for an update within one’s permissions', async () => {
    const { db } = await personWith({ seconds: 1 })
    await db.transaction().execute(async (trx) => {
      const rows = await trx
        .selectFrom('heartbeats as h')
        .select(['h.id', 'h.project'])
        .forUpdate()
        .skipLocked()
        .execute()
      expect(rows).toHaveLength(1)
      expect(await db.selectFrom('heartbeats').select('id').forUpdate().skipLocked().execute()).toEqual([])
    })
  })

  test('locks the named tables only', async () => {
    const { db } = await personWith({ seconds: 1 })
    const joined = db
      .selectFrom('heartbeats as h')
      .innerJoin('rates as r', (join) => join.onTrue())
      .select('h.id')
    expect(await joined.forUpdate('h').execute()).toEqual([])
    await expect(joined.forUpdate().execute()).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  })

  test('does not serve a connection that was given back', async () => {
    const { db, person } = await personWith({ seconds: 1 })
    const query = db.selectFrom('heartbeats').select('seconds')
    let late: Promise<unknown> | undefined
    const kept = await db.connection().execute(async (held) => {
      late = held.executeQuery(query)
      return held
    })
    expect(await late).toMatchObject({ rows: [{ seconds: 1 }] })
    await expect(kept.executeQuery(query)).rejects.toMatchObject({ code: 'ERR_STORE_NOT_OFFERED' })
    await expect(
      kept.transaction().execute((trx) => trx.insertInto('heartbeats').values(heartbeatOf(person)).execute()),
    ).rejects.toMatchObject({ code: 'ERR_STORE_NOT_OFFERED' })
  })

  test('serves a connection held by the caller', async () => {
    const { db } = await personWith({ seconds: 1 })
    const rows = await db
      .connection()
      .execute((held) => held.selectFrom('heartbeats').select('seconds').execute())
    expect(rows).toEqual([{ seconds: 1 }])
  })
})

describe('erasure and tampering', () => {
  test('withholds rows of an erased subject, and stores nothing more for it', async () => {
    const { db, person } = await personWith({ project: 'apollo' })
    const owners = [{ tenant: person.tenant!, subject: person.id }]
    await inTransaction(context.database.owner, (connection) => context.keys.erase(connection, owners))
    expect(await db.selectFrom('heartbeats').select(['id', 'entity']).execute()).toEqual([])
    await expect(db.insertInto('heartbeats').values(heartbeatOf(person)).execute()).rejects.toMatchObject({
      code: 'ERR_KEYS_ERASED',
    })
  })

  const attacks: [string, string][] = [
    ['an edited clear column', 'update app.heartbeats set seconds = 61 where "personId" = $1'],
    [
      'a flipped bit',
      'update app.heartbeats set _envelope = set_bit(_envelope, 300, 1 - get_bit(_envelope, 300)) where "personId" = $1',
    ],
    [
      'a forged key id',
      'update app.heartbeats set _envelope = set_byte(_envelope, 5, 255 - get_byte(_envelope, 5)) where "personId" = $1',
    ],
    ['a cut envelope', `update app.heartbeats set _envelope = '\\x0101' where "personId" = $1`],
    [
      'an envelope of another row',
      `update app.heartbeats a set _envelope = b._envelope from app.heartbeats b where a."personId" = $1 and b."personId" = $1 and a.id <> b.id`,
    ],
  ]
  test.each(attacks)('refuses a row with %s', async (_what, statement) => {
    const { db, person } = await personWith({}, { seconds: 60 })
    expect((await context.ungoverned(statement, [person.id])).rowCount).toBeGreaterThan(0)
    await expect(db.selectFrom('heartbeats').select('entity').execute()).rejects.toMatchObject({
      code: 'ERR_STORE_TAMPERED',
      message: expect.stringMatching(/^the envelope of heartbeats [0-9a-f-]{36} does not belong to its row$/),
    })
  })
})
