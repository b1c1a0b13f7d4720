import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { inTransaction } from '../database/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import { openSharedStore, person, sharedResources, type SharedStore } from './testing/shared-rows.ts'

let context: SharedStore
beforeAll(async () => {
  context = await openSharedStore()
})
afterAll(() => context.close())

const as = (who: Principal) => context.store.as(who).db
const mover = () => as(systemPrincipal('moves', Object.keys(sharedResources)))

/** A person in a team of its own, with one document. */
async function owner(slug = 'plan') {
  const who = person(createPseudonym())
  const row = { personId: who.id, teamId: who.tenant!, slug, number: 1, body: 'moved text', words: 2 }
  const { id } = await as(who).insertInto('documents').values(row).returning('id').executeTakeFirstOrThrow()
  return { who, id }
}

const erase = (...people: Principal[]) =>
  inTransaction(context.database.owner, (connection) =>
    context.keys.erase(
      connection,
      people.map(({ id, tenant }) => ({ tenant: tenant!, subject: id })),
    ),
  )

const bodyOf = (who: Principal, slug = 'plan') =>
  as(who).selectFrom('documents').select(['id', 'body']).where('slug', '=', slug).execute()

describe('a row that moves', () => {
  test('to another tenant opens for the new owner, by the new tenant’s index, and for nobody else', async () => {
    const { who, id } = await owner()
    const heir = person(createPseudonym())
    const moved = await mover()
      .updateTable('documents')
      .set({ teamId: heir.tenant!, personId: heir.id })
      .where('id', '=', id)
      .returning(['teamId', 'personId', 'body'])
      .execute()
    expect(moved).toEqual([{ teamId: heir.tenant, personId: heir.id, body: 'moved text' }])
    expect(await bodyOf(heir)).toEqual([{ id, body: 'moved text' }])
    expect(await bodyOf(who)).toEqual([])
    expect(await bodyOf(person(createPseudonym()))).toEqual([])
    expect(await bodyOf(person(heir.tenant!))).toEqual([])
  })

  test('no longer needs the keys of the owner that it left', async () => {
    const { who, id } = await owner()
    const heir = person(createPseudonym())
    const changes = { teamId: heir.tenant!, personId: heir.id }
    await mover().updateTable('documents').set(changes).where('id', '=', id).execute()
    await erase(who, { ...who, id: who.tenant! })
    expect(await bodyOf(heir)).toEqual([{ id, body: 'moved text' }])
    await erase(heir)
    expect(await bodyOf(heir)).toEqual([])
  })

  test('takes other changes along, and none of them when it is refused', async () => {
    const { who, id } = await owner()
    const heir = person(createPseudonym())
    await erase(heir)
    const move = mover()
      .updateTable('documents')
      .set((eb) => ({ teamId: heir.tenant!, personId: heir.id, words: eb('words', '+', 1), body: 'edited' }))
      .where('id', '=', id)
    await expect(move.execute()).rejects.toMatchObject({ code: 'ERR_KEYS_ERASED' })
    expect(await bodyOf(who)).toEqual([{ id, body: 'moved text' }])
    const other = person(createPseudonym())
    const { words } = await mover()
      .updateTable('documents')
      .set((eb) => ({
        teamId: other.tenant!,
        personId: other.id,
        words: eb('words', '+', 1),
        body: 'edited',
      }))
      .where('id', '=', id)
      .returning('words')
      .executeTakeFirstOrThrow()
    expect(words).toBe(3)
    expect(await bodyOf(other)).toEqual([{ id, body: 'edited' }])
  })

  test('within a tenant takes a permission over the tenant', async () => {
    const { who, id } = await owner()
    const colleague = person(who.tenant!)
    const move = (principal: Principal) =>
      as(principal).updateTable('documents').set({ personId: colleague.id }).where('id', '=', id).execute()
    await expect(move(who)).rejects.toMatchObject({ code: 'ERR_STORE_OWNER_FIXED' })
    await move(person(who.tenant!, 'administrator'))
    expect(await bodyOf(who)).toEqual([])
    expect(await bodyOf(colleague)).toEqual([{ id, body: 'moved text' }])
  })

  test('does not leave a tenant by the hand of one who knows only this side, with either guard alone', async () => {
    const { who, id } = await owner()
    const administrator = person(who.tenant!, 'administrator')
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })]) {
      const move = async () =>
        store.as(administrator).db.updateTable('documents').set({ teamId: createPseudonym() }).execute()
      await expect(move()).rejects.toMatchObject({ code: 'ERR_STORE_OWNER_FIXED' })
    }
    const client = await context.database.app.connect()
    try {
      await client.query('begin')
      await client.query(
        `select set_config('surety.tenant', $1, true), set_config('surety.read_documents', 'tenant', true), set_config('surety.write_documents', 'tenant', true)`,
        [who.tenant],
      )
      const past = client.query('update app.documents set "teamId" = $1 where id = $2', [
        createPseudonym(),
        id,
      ])
      await expect(past).rejects.toMatchObject({ code: '42501' })
    } finally {
      client.release(true)
    }
    expect(await bodyOf(who)).toEqual([{ id, body: 'moved text' }])
  })

  test('is not pulled in from a tenant that one does not reach', async () => {
    const { who, id } = await owner()
    const thief = person(createPseudonym(), 'administrator')
    const result = await as(thief)
      .updateTable('documents')
      .set({ teamId: thief.tenant!, personId: thief.id })
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(result.numUpdatedRows).toBe(0n)
    expect(await bodyOf(who)).toHaveLength(1)
  })

  test('stays where it is when an update names the owner that it has', async () => {
    const { who, id } = await owner()
    const result = await as(who)
      .updateTable('documents')
      .set({ teamId: who.tenant!, personId: who.id, words: 7 })
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(result.numUpdatedRows).toBe(1n)
    expect(await bodyOf(who)).toHaveLength(1)
  })

  test('meets a row with the same unique values only in its new tenant', async () => {
    const [one, two] = [await owner('same'), await owner('same')]
    const move = mover()
      .updateTable('documents')
      .set({ teamId: two.who.tenant!, personId: two.who.id })
      .where('id', '=', one.id)
    await expect(move.execute()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    expect(await bodyOf(one.who, 'same')).toEqual([{ id: one.id, body: 'moved text' }])
  })

  test('does not take its owner from an expression', async () => {
    const { id } = await owner()
    const move = async () =>
      mover()
        .updateTable('documents')
        .set((eb) => ({ personId: eb.ref('teamId') }))
        .where('id', '=', id)
        .execute()
    await expect(move()).rejects.toMatchObject({ code: 'ERR_STORE_OWNER_FIXED' })
  })

  test('makes an erasure of the owner that it leaves wait for it', async () => {
    const { who, id } = await owner()
    const heir = person(createPseudonym())
    const trx = await mover().startTransaction().execute()
    await trx
      .updateTable('documents')
      .set({ teamId: heir.tenant!, personId: heir.id })
      .where('id', '=', id)
      .execute()
    const hasty = inTransaction(context.database.owner, async (connection) => {
      await connection.query(`set local lock_timeout = '200ms'`)
      await context.keys.erase(connection, [{ tenant: who.tenant!, subject: who.id }])
    })
    await expect(hasty).rejects.toMatchObject({ code: '55P03' })
    await trx.commit().execute()
    await erase(who)
    expect(await bodyOf(heir)).toEqual([{ id, body: 'moved text' }])
  })
})
