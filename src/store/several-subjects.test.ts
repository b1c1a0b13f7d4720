import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { inTransaction, quoteIdentifier } from '../database/index.ts'
import { erasureOf } from '../declare/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { WITHOUT_PREDICATES } from './store.ts'
import { openSharedStore, person, sharedResources, type SharedStore } from './testing/shared-rows.ts'

let context: SharedStore
beforeAll(async () => {
  context = await openSharedStore()
})
afterAll(() => context.close())

const as = (who: Principal) => context.store.as(who).db

/** A review of two people, and their team's others. */
async function reviewed(values: Record<string, unknown> = {}) {
  const author = person(createPseudonym())
  const reviewer = person(author.tenant!)
  const row = {
    authorId: author.id,
    reviewerId: reviewer.id,
    teamId: author.tenant!,
    title: 'title-text',
    work: 'work-text',
    verdict: 'verdict-text',
    mark: 3,
    round: 1,
    ...values,
  }
  const { id } = await as(author).insertInto('reviews').values(row).returning('id').executeTakeFirstOrThrow()
  return { author, reviewer, administrator: person(author.tenant!, 'administrator'), id, row }
}

const erase = (...people: Principal[]) =>
  inTransaction(context.database.owner, (connection) =>
    context.keys.erase(
      connection,
      people.map(({ id, tenant }) => ({ tenant: tenant!, subject: id })),
    ),
  )

/** Carries out on stored rows what `erasureOf` says, as the one who erases does. */
async function carryOut(name: 'reviews' | 'messages', id: string, who: Principal): Promise<string> {
  const resource = sharedResources[name]
  const { rows } = await context.ungoverned<Record<string, unknown>>(
    `select * from app.${name} where id = $1`,
    [id],
  )
  const erasure = erasureOf(resource, rows[0]!, who.id)
  if (erasure.what === 'delete') await context.ungoverned(`delete from app.${name} where id = $1`, [id])
  if (erasure.what === 'blank') {
    const blanks = erasure.columns.map((column) => `${quoteIdentifier(column)} = null`).join(', ')
    await context.ungoverned(`update app.${name} set ${blanks} where id = $1`, [id])
  }
  return erasure.what
}

describe('a row about several people', () => {
  test('gives each an envelope under a key of its own, and no sealed value in the clear', async () => {
    const { id, row, administrator } = await reviewed()
    const { rows } = await context.ungoverned<Record<string, Buffer>>(
      'select * from app.reviews where id = $1',
      [id],
    )
    const [one, two] = [rows[0]!['_envelope_authorId']!, rows[0]!['_envelope_reviewerId']!]
    expect(one[0]).toBe(2)
    expect(one.subarray(4, 20).equals(two.subarray(4, 20))).toBe(false)
    expect(JSON.stringify(rows)).not.toMatch(/title-text|work-text|verdict-text/)
    expect(await as(administrator).selectFrom('reviews').selectAll().execute()).toMatchObject([
      { id, ...row },
    ])
  })

  test('is found and grouped by the blind indexes of all', async () => {
    const { author, administrator } = await reviewed()
    for (const who of [author, administrator]) {
      const { db } = context.store.as(who)
      expect(
        await db.selectFrom('reviews').select('work').where('verdict', '=', 'verdict-text').execute(),
      ).toEqual([{ work: 'work-text' }])
      expect(
        await db
          .selectFrom('reviews')
          .select(['title', 'verdict', ({ fn }) => fn.countAll().as('n')])
          .groupBy(['title', 'verdict'])
          .execute(),
      ).toEqual([{ title: 'title-text', verdict: 'verdict-text', n: 1 }])
    }
  })

  test('travels through derived tables and outer joins', async () => {
    const { author } = await reviewed({ reviewerId: null, verdict: null, mark: null })
    const db = as(author)
    const derived = db.selectFrom((eb) => eb.selectFrom('reviews').select(['work', 'verdict']).as('d'))
    expect(await derived.selectAll().execute()).toEqual([{ work: 'work-text', verdict: null }])
    const joined = await db
      .selectFrom('reviews as a')
      .leftJoin('reviews as b', (join) => join.onRef('a.id', '<', 'b.id'))
      .select(['a.work as mine', 'b.work as none', 'b.verdict'])
      .execute()
    expect(joined).toEqual([{ mine: 'work-text', none: null, verdict: null }])
  })

  test('may lack a subject, but not keep what is about them, and never lacks all', async () => {
    const lonely = await reviewed({ reviewerId: null, verdict: null, mark: null })
    expect(await as(lonely.author).selectFrom('reviews').select(['work', 'verdict']).execute()).toEqual([
      { work: 'work-text', verdict: null },
    ])
    for (const values of [
      { verdict: 'x', mark: null },
      { verdict: null, mark: 1 },
    ])
      await expect(reviewed({ reviewerId: null, ...values })).rejects.toMatchObject({
        code: 'ERR_VALUE_MISSING',
      })
    const system = as(systemPrincipal('tests', ['messages']))
    const nobodys = async () => system.insertInto('messages').values({ teamId: createPseudonym() }).execute()
    await expect(nobodys()).rejects.toMatchObject({ code: 'ERR_VALUE_MISSING' })
    const dropping = as(lonely.author).updateTable('reviews').set({ verdict: 'x' })
    await expect(dropping.execute()).rejects.toMatchObject({ code: 'ERR_VALUE_MISSING' })
  })

  test('is resealed for each when anything of it changes, also by an upsert', async () => {
    const { author, reviewer, row } = await reviewed()
    await as(reviewer).updateTable('reviews').set({ verdict: 'good', mark: 5, round: 2 }).execute()
    await as(author)
      .insertInto('reviews')
      .values({ ...row, work: 'better' })
      .onConflict((oc) => oc.column('title').doUpdateSet((eb) => ({ work: eb.ref('excluded.work') })))
      .execute()
    expect(
      await as(author).selectFrom('reviews').select(['work', 'verdict', 'mark', 'round']).execute(),
    ).toEqual([{ work: 'better', verdict: 'good', mark: 5, round: 2 }])
  })
})

describe('whose row it is', () => {
  test('own means any of its subjects, for reading, changing and deleting, with either guard alone', async () => {
    const { author, reviewer, id } = await reviewed()
    const bystander = person(author.tenant!)
    const namesake = person(createPseudonym(), 'member', author.id)
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })]) {
      for (const subject of [author, reviewer]) {
        const { db } = store.as(subject)
        expect(await db.selectFrom('reviews').select('id').execute()).toEqual([{ id }])
        expect((await db.updateTable('reviews').set({ round: 2 }).executeTakeFirst()).numUpdatedRows).toBe(1n)
      }
      for (const other of [bystander, namesake]) {
        const { db } = store.as(other)
        expect(await db.selectFrom('reviews').select(['id', 'work']).execute()).toEqual([])
        expect((await db.updateTable('reviews').set({ round: 9 }).executeTakeFirst()).numUpdatedRows).toBe(0n)
        expect((await db.deleteFrom('reviews').executeTakeFirst()).numDeletedRows).toBe(0n)
      }
    }
    expect((await as(reviewer).deleteFrom('reviews').executeTakeFirst()).numDeletedRows).toBe(1n)
  })

  test('own holds with the predicates alone', async () => {
    const { author, reviewer, id } = await reviewed()
    const bystander = person(author.tenant!)
    await context.database.owner.query('alter table app.reviews disable row level security')
    try {
      expect(await as(reviewer).selectFrom('reviews').select('id').execute()).toEqual([{ id }])
      expect(await as(bystander).selectFrom('reviews').select('id').execute()).toEqual([])
      const or = as(bystander)
        .selectFrom('reviews')
        .select('id')
        .where((eb) => eb.or([eb('round', '>', 0), eb('round', '<', 9)]))
      expect(await or.execute()).toEqual([])
    } finally {
      await context.database.owner.query('alter table app.reviews enable row level security')
    }
  })

  test('a row is inserted only by one of its subjects', async () => {
    const { row } = await reviewed()
    const bystander = person(row.teamId)
    const insert = async (store: typeof context.store) =>
      store
        .as(bystander)
        .db.insertInto('reviews')
        .values({ ...row, title: 'other' })
        .execute()
    for (const store of [context.store, context.reopen({ [WITHOUT_PREDICATES]: true })])
      await expect(insert(store)).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' })
  })

  test('one subject may name another, and may not leave the row to others', async () => {
    const { author, reviewer, administrator } = await reviewed({ verdict: null, mark: null })
    const second = person(author.tenant!)
    await as(author).updateTable('reviews').set({ reviewerId: second.id }).execute()
    expect(await as(reviewer).selectFrom('reviews').select('id').execute()).toEqual([])
    await as(second).updateTable('reviews').set({ verdict: 'mine' }).execute()
    const leave = as(second).updateTable('reviews').set({ reviewerId: reviewer.id })
    await expect(leave.execute()).rejects.toMatchObject({ code: 'ERR_STORE_OWNER_FIXED' })
    await as(administrator).updateTable('reviews').set({ reviewerId: reviewer.id }).execute()
    expect(await as(reviewer).selectFrom('reviews').select('verdict').execute()).toEqual([
      { verdict: 'mine' },
    ])
    await erase(second)
    expect(await as(reviewer).selectFrom('reviews').select('verdict').execute()).toEqual([
      { verdict: 'mine' },
    ])
  })

  test('moves to another tenant with all of its subjects', async () => {
    const { author, reviewer, id } = await reviewed()
    const tenant = createPseudonym()
    await as(systemPrincipal('moves', ['reviews']))
      .updateTable('reviews')
      .set({ teamId: tenant })
      .where('id', '=', id)
      .execute()
    await erase(author, reviewer)
    const found = as(person(tenant, 'member', reviewer.id))
      .selectFrom('reviews')
      .select(['work', 'verdict'])
    expect(await found.where('verdict', '=', 'verdict-text').execute()).toEqual([
      { work: 'work-text', verdict: 'verdict-text' },
    ])
  })
})

describe('the erasure of one subject', () => {
  test('leaves the others’ fields to read, before and after it is carried out', async () => {
    const { author, reviewer, id } = await reviewed()
    await erase(reviewer)
    const read = () =>
      as(author).selectFrom('reviews').select(['id', 'work', 'verdict', 'mark']).executeTakeFirstOrThrow()
    expect(await read()).toEqual({ id, work: 'work-text', verdict: null, mark: 3 })
    expect(await carryOut('reviews', id, reviewer)).toBe('blank')
    expect(await read()).toEqual({ id, work: 'work-text', verdict: null, mark: null })
    const { rows } = await context.ungoverned('select * from app.reviews where id = $1', [id])
    expect(JSON.stringify(rows)).not.toContain(reviewer.id)
    expect(rows[0]).toMatchObject({ _blind_verdict: null, _envelope_reviewerId: null })
    await as(author).updateTable('reviews').set({ work: 'goes on' }).execute()
    expect(await read()).toMatchObject({ work: 'goes on' })
  })

  test('takes the whole row where it says so', async () => {
    const { author, reviewer, id } = await reviewed()
    await erase(author)
    expect(await as(reviewer).selectFrom('reviews').select(['id', 'work']).execute()).toEqual([])
    expect(await carryOut('reviews', id, author)).toBe('delete')
    expect(await as(reviewer).selectFrom('reviews').select('id').execute()).toEqual([])
  })

  test('keeps the row for the others, and takes it with the last', async () => {
    const sender = person(createPseudonym())
    const recipient = person(sender.tenant!)
    const row = { teamId: sender.tenant!, senderId: sender.id, recipientId: recipient.id }
    const { id } = await as(sender)
      .insertInto('messages')
      .values({ ...row, text: 'hello', note: 'private' })
      .returning('id')
      .executeTakeFirstOrThrow()
    await erase(sender)
    expect(await carryOut('messages', id, sender)).toBe('blank')
    expect(await as(recipient).selectFrom('messages').select(['text', 'note', 'senderId']).execute()).toEqual(
      [{ text: null, note: 'private', senderId: null }],
    )
    await erase(recipient)
    expect(await carryOut('messages', id, recipient)).toBe('delete')
  })

  test('lets nobody write about them again', async () => {
    const { author, reviewer } = await reviewed({ reviewerId: null, verdict: null, mark: null })
    await erase(reviewer)
    const naming = as(author).updateTable('reviews').set({ reviewerId: reviewer.id })
    await expect(naming.execute()).rejects.toMatchObject({ code: 'ERR_KEYS_ERASED' })
  })
})

describe('an edit behind the library’s back', () => {
  const edits: [string, string, ('work' | 'verdict')[]][] = [
    ['a clear column about all', 'round = 9', ['work', 'verdict']],
    ['a clear column about one', 'mark = 9', ['verdict']],
    ['the time of receipt', `"createdAt" = "createdAt" + interval '1 day'`, ['work', 'verdict']],
    ['another reviewer', `"reviewerId" = gen_random_uuid()`, ['verdict']],
    ['no reviewer', `"reviewerId" = null`, ['verdict']],
    ['the author as reviewer', `"reviewerId" = "authorId"`, ['verdict']],
    [
      'a reviewer taken away, and not all about them',
      `"reviewerId" = null, "_envelope_reviewerId" = null`,
      ['verdict'],
    ],
    ['an envelope taken away', `"_envelope_reviewerId" = null`, ['verdict']],
    [
      'envelopes exchanged',
      `"_envelope_reviewerId" = "_envelope_authorId", "_envelope_authorId" = "_envelope_reviewerId"`,
      ['work', 'verdict'],
    ],
    ['one envelope in both places', `"_envelope_reviewerId" = "_envelope_authorId"`, ['verdict']],
    ['subjects exchanged', `"reviewerId" = "authorId", "authorId" = "reviewerId"`, ['work', 'verdict']],
    [
      'a flipped bit',
      `"_envelope_authorId" = set_bit("_envelope_authorId", 300, 1 - get_bit("_envelope_authorId", 300))`,
      ['work'],
    ],
    [
      'the format of rows with one subject',
      `"_envelope_authorId" = set_byte("_envelope_authorId", 0, 1)`,
      ['work'],
    ],
  ]
  test.each(edits)('is noticed: %s', async (_what, edit, noticed) => {
    const { administrator, id } = await reviewed()
    expect((await context.ungoverned(`update app.reviews set ${edit} where id = $1`, [id])).rowCount).toBe(1)
    for (const field of ['work', 'verdict'] as const) {
      const read = as(administrator).selectFrom('reviews').select(field).execute()
      if (noticed.includes(field)) await expect(read).rejects.toMatchObject({ code: 'ERR_STORE_TAMPERED' })
      else expect(await read).toHaveLength(1)
    }
    const whole = as(administrator).selectFrom('reviews').selectAll().execute()
    await expect(whole).rejects.toMatchObject({ code: 'ERR_STORE_TAMPERED' })
    const change = as(administrator).updateTable('reviews').set({ work: 'x' }).execute()
    await expect(change).rejects.toMatchObject({ code: 'ERR_STORE_TAMPERED' })
  })

  test('is noticed when the edited row stands for its group', async () => {
    const { administrator, id } = await reviewed()
    await context.ungoverned('update app.reviews set mark = 9 where id = $1', [id])
    const grouped = as(administrator).selectFrom('reviews').select('verdict').groupBy('verdict')
    await expect(grouped.execute()).rejects.toMatchObject({ code: 'ERR_STORE_TAMPERED' })
  })
})
