import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { openTestStaff, type TestMember, type TestStaff } from './testing.ts'

/** An operator who can write to the database directly, as the owner of its tables. */
let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
})
afterAll(() => world.close())

const sql = (text: string, values: unknown[] = []) =>
  world.store.ungoverned<Record<string, unknown>>(text, values)

async function read(member: TestMember, grant: string): Promise<unknown> {
  const db = await world.operator(member, grant)
  return db.selectFrom('heartbeats').select('entity').execute()
}

const refusal = (code: RegExp) => ({ code: expect.stringMatching(code) })
const TAMPERED = /^ERR_STORE_TAMPERED$/

/** Each changes rows in SQL to open an unapproved grant of the supporter's; it gives back how to undo that. */
const ATTACKS: Record<
  string,
  (grant: string, approved: string) => Promise<[RegExp, () => Promise<unknown>]>
> = {
  'copies the envelope of an approved grant onto it': async (grant, approved) => {
    await sql(
      'update app.staff_grants set _envelope = (select _envelope from app.staff_grants where id = $2) where id = $1',
      [grant, approved],
    )
    return [TAMPERED, () => sql('delete from app.staff_grants where id = $1', [grant])]
  },
  'inserts a copy of an approved grant under another id': async (grant, approved) => {
    await sql('delete from app.staff_grants where id = $1', [grant])
    await sql(
      'insert into app.staff_grants (id, "createdAt", "personId", _envelope) select $1, "createdAt", "personId", _envelope from app.staff_grants where id = $2',
      [grant, approved],
    )
    return [TAMPERED, () => sql('delete from app.staff_grants where id = $1', [grant])]
  },
  'edits a byte of its envelope': async (grant) => {
    await sql(
      'update app.staff_grants set _envelope = set_byte(_envelope, 60, get_byte(_envelope, 60) # 1) where id = $1',
      [grant],
    )
    return [TAMPERED, () => sql('delete from app.staff_grants where id = $1', [grant])]
  },
  'removes its envelope': async (grant) => {
    await sql('alter table app.staff_grants alter column _envelope drop not null')
    await sql('update app.staff_grants set _envelope = null where id = $1', [grant])
    return [/^ERR_(STORE|ACCESS|STAFF)_/, () => sql('delete from app.staff_grants where id = $1', [grant])]
  },
}

describe('an operator who edits their own grant in SQL gains nothing:', () => {
  test.each(Object.entries(ATTACKS))('who %s', async (_name, attack) => {
    const { staff, supporter, asking } = world
    const person = await world.person()
    const approved = await world.approved(supporter, asking(await world.person()))
    const { id } = await staff.grants.request(supporter.id, asking(person))
    const [code, undo] = await attack(id, approved)
    await expect(read(supporter, id)).rejects.toMatchObject(refusal(code))
    await undo()
    expect(await read(supporter, approved)).toHaveLength(1)
  })

  test('who hands an approved grant to another member', async () => {
    const { supporter, engineer, asking } = world
    const id = await world.approved(supporter, asking(await world.person()))
    await sql('update app.staff_grants set "personId" = $2 where id = $1', [id, engineer.id])
    await expect(read(engineer, id)).rejects.toMatchObject(refusal(TAMPERED))
    await sql('delete from app.staff_grants where id = $1', [id])
  })

  test('who makes the approver’s passkey their own, or gives away one of theirs', async () => {
    const { supporter, first, engineer, asking } = world
    const id = await world.approved(supporter, asking(await world.person()))
    expect(await read(supporter, id)).toHaveLength(1)
    const credentials = await sql('select * from app.staff_credentials')
    const restore = async () => {
      await sql('delete from app.staff_credentials')
      for (const row of credentials.rows) {
        const names = Object.keys(row)
        await sql(
          `insert into app.staff_credentials (${names.map((name) => `"${name}"`).join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`,
          Object.values(row),
        )
      }
    }
    await sql('update app.staff_credentials set "personId" = $1 where "personId" = $2', [
      engineer.id,
      first.id,
    ])
    await expect(read(supporter, id)).rejects.toMatchObject(refusal(/^ERR_STAFF_APPROVAL$/))
    await restore()
    await sql('delete from app.staff_credentials where "personId" = $1', [first.id])
    await sql('update app.staff_credentials set "personId" = $1 where "personId" = $2', [
      first.id,
      engineer.id,
    ])
    await expect(read(supporter, id)).rejects.toMatchObject(refusal(TAMPERED))
    await restore()
    expect(await read(supporter, id)).toHaveLength(1)
  })

  test('who makes themselves an approver, or the approver independent', async () => {
    const { staff, supporter, asking } = world
    const members = await sql('select id, "personId", _envelope from app.staff_members')
    const envelopeOf = (member: string) =>
      members.rows.find((row) => row['personId'] === member)!['_envelope']
    const id = await world.approved(supporter, asking(await world.person()))
    await sql('update app.staff_members set _envelope = $2 where "personId" = $1', [
      supporter.id,
      envelopeOf(world.first.id),
    ])
    await expect(staff.grants.request(supporter.id, asking(await world.person()))).rejects.toMatchObject(
      refusal(TAMPERED),
    )
    await expect(read(supporter, id)).rejects.toMatchObject(refusal(TAMPERED))
    await sql('update app.staff_members set _envelope = $2 where "personId" = $1', [
      supporter.id,
      envelopeOf(supporter.id),
    ])
    expect(await read(supporter, id)).toHaveLength(1)
  })

  test('who adds a member in SQL', async () => {
    const { staff } = world
    const intruder = createPseudonym()
    await sql(
      `insert into app.staff_members (id, "createdAt", "personId", _envelope)
        select $1, "createdAt", $2, _envelope from app.staff_members where "personId" = $3`,
      [createPseudonym(), intruder, world.first.id],
    )
    await expect(staff.members.all()).rejects.toMatchObject(refusal(TAMPERED))
    await sql('delete from app.staff_members where "personId" = $1', [intruder])
    expect((await staff.members.all()).size).toBe(5)
  })
})
