import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { openTestStaff, type TestMember, type TestStaff } from './testing.ts'

/** Members of staff who lost their passkey, and others who say that they did. */
let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
}, 120_000)
afterAll(() => world?.close())

const refusal = (code: string) => expect.objectContaining({ code })
const HOUR = 3_600_000
const sql = (text: string, values: unknown[] = []) =>
  world.store.ungoverned<Record<string, unknown>>(text, values)

const newcomer = async (role: string, by: TestMember): Promise<TestMember> =>
  world.enrol(await world.staff.members.appoint(by.id, { personId: createPseudonym(), role }))

/** What that member signs so that another loses their passkeys and gets a code. */
async function signed(by: TestMember, member: string) {
  const { replacements } = world.staff
  world.store.clock.advance(1)
  const asked = await replacements.prepare(by.id, member)
  return { asked, assertion: by.authenticator.get(replacements.challenge(asked)) }
}

async function replace(by: TestMember, member: string) {
  const { asked, assertion } = await signed(by, member)
  return world.staff.replacements.approve(by.id, asked, assertion)
}

async function read(member: TestMember, grant: string) {
  const db = await world.operator(member, grant)
  return db.selectFrom('heartbeats').select('entity').execute()
}

describe('a lost passkey', () => {
  test('is replaced by one that a second member signed for; the old one signs nothing more', async () => {
    const { staff, first, second, supporter, asking } = world
    const lost = await newcomer('lead', first)
    const { id } = await staff.grants.request(supporter.id, asking(await world.person()))
    const challenge = await staff.grants.challenge(id)
    const enrolment = await replace(second, lost.id)
    await expect(staff.grants.approve(lost.id, id, lost.authenticator.get(challenge))).rejects.toThrow(
      refusal('ERR_STAFF_APPROVAL'),
    )
    const found = await world.enrol(enrolment)
    await expect(staff.grants.approve(lost.id, id, lost.authenticator.get(challenge))).rejects.toThrow(
      refusal('ERR_STAFF_APPROVAL'),
    )
    await staff.grants.approve(found.id, id, found.authenticator.get(challenge))
    expect(await read(supporter, id)).toHaveLength(1)
    const told = (await world.entries()).filter(({ kind }) => kind === 'staff.passkey-replaced')
    expect(told).toMatchObject([{ actor: second.id, member: lost.id }])
  })

  test('ends the open grants of its owner, and what it had approved', async () => {
    const { staff, first, second, supporter, asking } = world
    const lost = await newcomer('lead', first)
    const own = await staff.grants.request(lost.id, asking(await world.person()))
    await staff.grants.approve(
      second.id,
      own.id,
      second.authenticator.get(await staff.grants.challenge(own.id)),
    )
    const other = await staff.grants.request(supporter.id, asking(await world.person()))
    await staff.grants.approve(
      lost.id,
      other.id,
      lost.authenticator.get(await staff.grants.challenge(other.id)),
    )
    expect([await read(lost, own.id), await read(supporter, other.id)].map(({ length }) => length)).toEqual([
      1, 1,
    ])
    await replace(first, lost.id)
    await expect(read(lost, own.id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    await expect(read(supporter, other.id)).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
  })

  test('stays lost where its row is put back in SQL', async () => {
    const { staff, first, second } = world
    const lost = await newcomer('lead', first)
    const { rows } = await sql('select * from app.staff_credentials where "personId" = $1', [lost.id])
    await replace(second, lost.id)
    const names = Object.keys(rows[0]!)
    await sql(
      `insert into app.staff_credentials (${names.map((name) => `"${name}"`).join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`,
      Object.values(rows[0]!),
    )
    expect(await staff.members.passkeys(lost.id)).toEqual([])
    expect((await staff.members.enrolled()).has(lost.id)).toBe(false)
  })
})

describe('a replacement', () => {
  test('takes a passkey that signs for this very member, and not a session alone', async () => {
    const { staff, first, second, third } = world
    const lost = await newcomer('lead', first)
    const { asked, assertion } = await signed(second, third.id)
    const approve = (by: TestMember, what: typeof asked, with_ = assertion) =>
      staff.replacements.approve(by.id, what, with_)
    await expect(approve(second, { ...asked, member: lost.id })).rejects.toThrow(
      refusal('ERR_ACCESS_PASSKEY'),
    )
    await expect(approve(second, { ...asked, at: asked.at + 1 })).rejects.toThrow(
      refusal('ERR_ACCESS_PASSKEY'),
    )
    await expect(approve(first, asked)).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
    const stolen = first.authenticator.get(staff.replacements.challenge(asked))
    await expect(approve(second, asked, stolen)).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
    expect(await staff.members.passkeys(third.id)).toHaveLength(1)
  })

  test('is signed for once, within five minutes; its code serves once, within an hour', async () => {
    const { staff, first, second, store } = world
    const lost = await newcomer('lead', first)
    const { asked, assertion } = await signed(second, lost.id)
    const approve = () => staff.replacements.approve(second.id, asked, assertion)
    const both = await Promise.allSettled([approve(), approve()])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(approve()).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    const enrolment = await replace(second, lost.id)
    await world.enrol(enrolment)
    await expect(world.enrol(enrolment)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
    const late = await signed(second, lost.id)
    store.clock.advance(300_001)
    await expect(staff.replacements.approve(second.id, late.asked, late.assertion)).rejects.toThrow(
      refusal('ERR_STAFF_STATE'),
    )
    const unused = await replace(second, lost.id)
    store.clock.advance(HOUR)
    await expect(world.enrol(unused)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
  })

  test('is not for oneself, one’s own appointer or theirs, nor by a role that does not appoint', async () => {
    const { staff, first, second, supporter } = world
    const child = await newcomer('lead', first)
    const grandchild = await newcomer('lead', child)
    const refused: [string, string][] = [
      [first.id, first.id],
      [child.id, first.id],
      [grandchild.id, first.id],
      [grandchild.id, child.id],
      [supporter.id, second.id],
      [second.id, createPseudonym()],
    ]
    for (const [by, member] of refused)
      await expect(staff.replacements.prepare(by, member)).rejects.toThrow(refusal('ERR_STAFF_ROLE'))
    await staff.members.dismiss(first.id, grandchild.id)
    await expect(staff.replacements.prepare(first.id, grandchild.id)).rejects.toThrow(
      refusal('ERR_STAFF_ROLE'),
    )
    const open = await staff.replacements.openTo(child.id)
    expect([open.has(first.id), open.has(child.id), open.has(second.id)]).toEqual([false, false, true])
  })

  test('that was prepared before the signer was dismissed is refused', async () => {
    const { staff, first, third } = world
    const signer = await newcomer('lead', first)
    const { asked, assertion } = await signed(signer, third.id)
    await staff.members.dismiss(first.id, signer.id)
    await expect(staff.replacements.approve(signer.id, asked, assertion)).rejects.toThrow(
      refusal('ERR_STAFF_ROLE'),
    )
    expect(await staff.members.passkeys(third.id)).toHaveLength(1)
  })
})

describe('recovery at the command line', () => {
  let own: TestStaff
  beforeAll(async () => {
    own = await openTestStaff()
  }, 120_000)
  afterAll(() => own?.close())

  test('is refused while staff can help itself', async () => {
    const { staff, supporter, first } = own
    for (const personId of [supporter.id, first.id, createPseudonym()])
      await expect(staff.replacements.recover({ personId, role: 'lead' })).rejects.toThrow(
        refusal('ERR_STAFF_FOUNDED'),
      )
  })

  test('gives the last who appoints another passkey, then names a second founder', async () => {
    const { staff, first, second, third, supporter } = own
    await staff.members.dismiss(first.id, third.id)
    await staff.members.dismiss(second.id, first.id)
    const again = await own.enrol(await staff.replacements.recover({ personId: second.id, role: 'lead' }))
    expect(await staff.members.passkeys(second.id)).toHaveLength(1)
    expect(await staff.standing()).toMatchObject({ active: 3, founders: 1, enough: false })
    const { id } = await staff.grants.request(supporter.id, own.asking(await own.person()))
    const challenge = await staff.grants.challenge(id)
    await expect(staff.grants.approve(again.id, id, again.authenticator.get(challenge))).rejects.toThrow(
      refusal('ERR_ACCESS_APPOINTEE'),
    )
    const founder = await own.enrol(
      await staff.replacements.recover({ personId: createPseudonym(), role: 'lead' }),
    )
    await staff.grants.approve(founder.id, id, founder.authenticator.get(challenge))
    expect(await staff.standing()).toMatchObject({ active: 4, founders: 2, enough: true })
    await expect(staff.replacements.recover({ personId: createPseudonym(), role: 'lead' })).rejects.toThrow(
      refusal('ERR_STAFF_FOUNDED'),
    )
  })

  test('names nobody in place of founders whose rows were deleted in SQL, nor on another data folder', async () => {
    const { staff, first, marksFolder } = own
    const personId = createPseudonym()
    const gone = await own.store.ungoverned(
      'delete from app.staff_members where "personId" = $1 returning *',
      [first.id],
    )
    await expect(staff.replacements.recover({ personId, role: 'lead' })).rejects.toThrow(
      refusal('ERR_STAFF_FOUNDED'),
    )
    const names = Object.keys(gone.rows[0]!)
    await own.store.ungoverned(
      `insert into app.staff_members (${names.map((name) => `"${name}"`).join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`,
      Object.values(gone.rows[0]!),
    )
    await rename(join(marksFolder, 'founded'), join(marksFolder, 'elsewhere'))
    for (const attempt of [
      () => staff.members.all(),
      () => staff.members.found([{ personId, role: 'lead' }]),
      () => staff.replacements.recover({ personId, role: 'lead' }),
    ])
      await expect(attempt()).rejects.toThrow(refusal('ERR_STAFF_MARKS'))
    await rename(join(marksFolder, 'elsewhere'), join(marksFolder, 'founded'))
    expect((await staff.members.all()).size).toBe(6)
  })
})
