import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grantDigest } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { openTestStaff, type TestMember, type TestStaff } from './testing.ts'

/** Members of staff who turn on their own customers, with a login, with SQL, or with both. */
let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
}, 120_000)
afterAll(() => world?.close())

const refusal = (code: string) => expect.objectContaining({ code })
const HOUR = 3_600_000
const sql = (text: string, values: unknown[] = []) =>
  world.store.ungoverned<Record<string, unknown>>(text, values)

async function read(member: TestMember, grant: string) {
  const db = await world.operator(member, grant)
  return db.selectFrom('heartbeats').select('entity').execute()
}

/** Rows as they are now; gives what puts them back, wholly. */
async function keep(table: string, where: string, value: unknown): Promise<() => Promise<void>> {
  const { rows } = await sql(`select * from app.${table} where ${where} = $1`, [value])
  return async () => {
    await sql(`delete from app.${table} where ${where} = $1`, [value])
    for (const row of rows) {
      const names = Object.keys(row)
      await sql(
        `insert into app.${table} (${names.map((name) => `"${name}"`).join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`,
        Object.values(row),
      )
    }
  }
}

async function newcomer(role: string, by = world.second): Promise<TestMember> {
  return world.enrol(await world.staff.members.appoint(by.id, { personId: createPseudonym(), role }))
}

async function brokenGlass(member = world.engineer) {
  const { staff } = world
  const grant = await staff.grants.prepareBreakGlass(member.id, world.asking(await world.person()))
  const assertion = member.authenticator.get(grantDigest(grant))
  const { id } = await staff.grants.breakGlass(member.id, grant, assertion)
  return { id, grant, assertion }
}

async function reviewed(id: string, verdict: 'justified' | 'unjustified', by = world.first): Promise<void> {
  const { grants } = world.staff
  const signed = by.authenticator.get(await grants.reviewChallenge(id, verdict))
  await grants.review(by.id, id, verdict, 'looked at the ticket', signed)
}

const caseOf = async (id: string) =>
  (await world.staff.standing()).glass.find(({ grant }) => grant === id)?.state ?? null

describe('rows put back in SQL as they were give nothing back:', () => {
  test('a grant from before its end', async () => {
    const { staff, supporter, asking } = world
    const id = await world.approved(supporter, asking(await world.person()))
    const putBack = await keep('staff_grants', 'id', id)
    expect(await read(supporter, id)).toHaveLength(1)
    await staff.grants.end(supporter.id, id)
    await putBack()
    expect((await staff.grants.read(id)).state).toBe('open')
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('a request from before it was refused, whoever approves it then', async () => {
    const { staff, supporter, first, third, asking } = world
    const { id } = await staff.grants.request(supporter.id, asking(await world.person()))
    const putBack = await keep('staff_grants', 'id', id)
    await staff.grants.refuse(first.id, id)
    await putBack()
    await staff.grants.approve(third.id, id, third.authenticator.get(await staff.grants.challenge(id)))
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('a member from before they were dismissed', async () => {
    const { staff, second, asking } = world
    const member = await newcomer('support')
    const id = await world.approved(member, asking(await world.person()))
    const putBack = await keep('staff_members', '"personId"', member.id)
    await staff.members.dismiss(second.id, member.id)
    await putBack()
    expect(await staff.roleOf(member.id)).toBe(null)
    await expect(read(member, id)).rejects.toThrow(refusal('ERR_ACCESS_STAFF'))
    await expect(staff.grants.request(member.id, asking(await world.person()))).rejects.toThrow(
      refusal('ERR_ACCESS_STAFF'),
    )
  })

  test('a member from before they registered their passkey, whose code then makes no second one', async () => {
    const { staff, second, store } = world
    const enrolment = await staff.members.appoint(second.id, { personId: createPseudonym(), role: 'lead' })
    const putBack = await keep('staff_members', '"personId"', enrolment.personId)
    const { id } = await world.enrol(enrolment)
    await putBack()
    await expect(world.enrol(enrolment)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
    expect(await staff.members.passkeys(id)).toHaveLength(1)
    store.clock.advance(1)
  })

  test('broken glass from before its review', async () => {
    const { id } = await brokenGlass()
    const putBack = await keep('staff_grants', 'id', id)
    await reviewed(id, 'unjustified')
    await putBack()
    expect(await caseOf(id)).toBe('unjustified')
    await expect(reviewed(id, 'justified', world.third)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    expect(await caseOf(id)).toBe('unjustified')
  })
})

describe('rows deleted in SQL give nothing either:', () => {
  test('a customer’s wish to be asked first', async () => {
    const { staff, supporter, asking } = world
    const person = await world.person()
    await staff.grants.setAsksFirst(person.id, person.tenant!, true)
    await sql('delete from app.staff_tenant_settings')
    const id = await world.approved(supporter, asking(person))
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_CONSENT'))
    await staff.grants.setAsksFirst(person.id, person.tenant!, false)
    expect(await read(supporter, id)).toHaveLength(1)
  })

  test('broken glass, which is missed', async () => {
    const { id } = await brokenGlass()
    expect(await caseOf(id)).toBe('due')
    const putBack = await keep('staff_grants', 'id', id)
    await sql('delete from app.staff_grants where id = $1', [id])
    expect(await world.staff.standing()).toMatchObject({ lost: 1 })
    expect(await caseOf(id)).toBe('lost')
    await putBack()
    await sql(
      'update app.staff_grants set _envelope = set_byte(_envelope, 60, get_byte(_envelope, 60) # 1) where id = $1',
      [id],
    )
    await expect(world.staff.grants.read(id)).rejects.toThrow(refusal('ERR_STORE_TAMPERED'))
    await putBack()
    expect(await caseOf(id)).toBe('due')
  })

  test('all of staff, which is not founded anew', async () => {
    const { staff } = world
    const putBack = await Promise.all(
      [...(await staff.members.all()).keys()].map((id) => keep('staff_members', '"personId"', id)),
    )
    await sql('delete from app.staff_members')
    await expect(staff.members.found([{ personId: createPseudonym(), role: 'lead' }])).rejects.toThrow(
      refusal('ERR_STAFF_FOUNDED'),
    )
    for (const one of putBack) await one()
    expect((await staff.members.all()).size).toBeGreaterThanOrEqual(4)
  })

  test('a spent budget of counts', async () => {
    const { staff, second } = world
    const member = await newcomer('support', second)
    for (let i = 0; i < 3; i++) await staff.count(member.id, 'languages')
    await sql('delete from app.staff_counts')
    await expect(staff.count(member.id, 'languages')).rejects.toThrow(refusal('ERR_STAFF_BUDGET'))
    world.store.clock.advance(24 * HOUR)
    await staff.count(member.id, 'languages')
  })
})

describe('an account that is switched off', () => {
  test('between two statements: the second is refused, and whatever else its member could do', async () => {
    const { staff, disabled, asking } = world
    const member = await newcomer('support')
    const id = await world.approved(member, asking(await world.person()))
    const db = await world.operator(member, id)
    const query = db.selectFrom('heartbeats').select('entity')
    expect(await query.execute()).toHaveLength(1)
    disabled.add(member.id)
    await expect(query.execute()).rejects.toThrow(refusal('ERR_ACCESS_STAFF'))
    expect(await staff.roleOf(member.id)).toBe(null)
    await expect(staff.count(member.id, 'languages')).rejects.toThrow(refusal('ERR_STAFF_QUERY'))
    await expect(staff.grants.request(member.id, asking(await world.person()))).rejects.toThrow(
      refusal('ERR_ACCESS_STAFF'),
    )
    disabled.delete(member.id)
  })

  test('of the approver: what they had signed opens nothing', async () => {
    const { staff, supporter, disabled, asking } = world
    const approver = await newcomer('lead', world.first)
    const { id } = await staff.grants.request(supporter.id, asking(await world.person()))
    await staff.grants.approve(approver.id, id, approver.authenticator.get(await staff.grants.challenge(id)))
    expect(await read(supporter, id)).toHaveLength(1)
    disabled.add(approver.id)
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_ACCESS_STAFF'))
  })

  test('ends its grants for good: switched on again, it has none', async () => {
    const { staff, asking } = world
    const member = await newcomer('support')
    const open = await world.approved(member, asking(await world.person()))
    const waiting = await staff.grants.request(member.id, asking(await world.person()))
    await staff.grants.endAllOf(member.id)
    await staff.grants.endAllOf(member.id)
    for (const id of [open, waiting.id]) {
      const { state, decisions } = await staff.grants.read(id)
      expect([state, decisions.filter(({ what }) => what === 'ended').length]).toEqual(['ended', 1])
      await expect(read(member, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    }
  })
})

describe('broken glass', () => {
  test('is broken once by one signature: sent again, at once or after its end, it opens nothing more', async () => {
    const { staff, engineer, asking } = world
    const { id, grant, assertion } = await brokenGlass()
    const again = () => staff.grants.breakGlass(engineer.id, grant, assertion)
    await expect(again()).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    await staff.grants.end(engineer.id, id)
    await expect(again()).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    const other = await staff.grants.prepareBreakGlass(engineer.id, asking(await world.person()))
    const signed = engineer.authenticator.get(grantDigest(other))
    const both = await Promise.allSettled(
      [0, 1, 2].map(() => staff.grants.breakGlass(engineer.id, other, signed)),
    )
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('hides from nobody: a delay that only its user signed is refused', async () => {
    const { staff, engineer, asking } = world
    const delay = { until: world.store.clock.now() + HOUR, reason: 'so that nobody sees it' }
    const person = await world.person()
    await expect(staff.grants.prepareBreakGlass(engineer.id, asking(person, { delay }))).rejects.toThrow(
      refusal('ERR_ACCESS_GRANT'),
    )
    const grant = { ...(await staff.grants.prepareBreakGlass(engineer.id, asking(person))), delay }
    const signed = engineer.authenticator.get(grantDigest(grant))
    await expect(staff.grants.breakGlass(engineer.id, grant, signed)).rejects.toThrow(
      refusal('ERR_ACCESS_GRANT'),
    )
  })

  test('that was reviewed goes on no more', async () => {
    const { id } = await brokenGlass()
    expect(await read(world.engineer, id)).toHaveLength(1)
    await reviewed(id, 'justified')
    await expect(read(world.engineer, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('without the mark by which its review is missed opens nothing', async () => {
    const { id, grant } = await brokenGlass()
    await rm(join(world.marksFolder, 'glass'), { recursive: true })
    await expect(read(world.engineer, id)).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
    expect(grant.kind).toBe('break-glass')
  })

  test('that was not justified is settled by a consequence that an independent member signs, once', async () => {
    const { staff, engineer, first, third } = world
    const { id } = await brokenGlass()
    const words = 'The engineer was trained again, and the alarm goes to the night shift.'
    const settle = async (by: TestMember, said = words, signed = said) => {
      const challenge = await staff.grants.acknowledgeChallenge(id, signed)
      return staff.grants.acknowledge(by.id, id, said, by.authenticator.get(challenge))
    }
    await expect(settle(first)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    await reviewed(id, 'unjustified')
    expect(await world.staff.standing()).toMatchObject({ unjustified: 1 })
    await expect(settle(engineer)).rejects.toThrow(refusal('ERR_ACCESS_SELF_APPROVAL'))
    await expect(settle(third, 'nothing')).rejects.toThrow(refusal('ERR_STAFF_CONSEQUENCE'))
    await expect(settle(third, words, `${words} Or not.`)).rejects.toThrow(refusal('ERR_ACCESS_PASSKEY'))
    expect(await caseOf(id)).toBe('unjustified')
    await settle(third)
    expect(await caseOf(id)).toBe(null)
    await expect(settle(third)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    const acknowledged = (await world.entries()).filter(({ kind }) => kind === 'staff.acknowledged')
    expect(acknowledged).toMatchObject([{ actor: third.id, grant: id }])
    expect(JSON.stringify(acknowledged)).not.toContain('trained')
  })

  test('shows its reviewer what was looked at, also what the person is shown later', async () => {
    const { id } = await brokenGlass()
    await read(world.engineer, id)
    await read(world.engineer, id)
    const other = await world.approved(world.supporter, world.asking(await world.person()))
    await read(world.supporter, other)
    const record = await world.staff.grants.read(id)
    expect(await world.staff.accesses.ofGrant(record)).toMatchObject([
      { kind: 'break-glass', resource: 'heartbeats', rows: 1 },
      { kind: 'break-glass', resource: 'heartbeats', rows: 1 },
    ])
  })
})

describe('staff itself', () => {
  test('keeps somebody who appoints and can sign in, also where two dismiss each other at once', async () => {
    const { staff, first, second } = world
    const leads = [...(await staff.members.all()).values()].filter(
      ({ id, role, active }) => role === 'lead' && active && id !== first.id && id !== second.id,
    )
    for (const { id } of leads) await staff.members.dismiss(first.id, id)
    const both = await Promise.allSettled([
      staff.members.dismiss(first.id, second.id),
      staff.members.dismiss(second.id, first.id),
    ])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const left = both[0]!.status === 'fulfilled' ? first : second
    await expect(staff.members.dismiss(left.id, left.id)).rejects.toThrow(refusal('ERR_STAFF_LAST'))
    expect(await staff.roleOf(left.id)).not.toBe(null)
    const heir = await newcomer('lead', left)
    await staff.members.dismiss(left.id, left.id)
    expect(await staff.roleOf(heir.id)).not.toBe(null)
  })
})

describe('in a world of its own', () => {
  let own: TestStaff
  beforeAll(async () => {
    own = await openTestStaff()
  }, 120_000)
  afterAll(() => own?.close())

  test('a member whose code ran out is given another, and the first serves no more', async () => {
    const { staff, second, store } = own
    const member = { personId: createPseudonym(), role: 'support' }
    const late = await staff.members.appoint(second.id, member)
    store.clock.advance(24 * HOUR)
    const next = await staff.members.appoint(second.id, member)
    await expect(own.enrol(late)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
    await own.enrol(next)
    await expect(staff.members.appoint(second.id, member)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('nobody floods the console: of one member twenty requests wait at most', async () => {
    const { staff, supporter, asking, store } = own
    const person = await own.person()
    for (let i = 0; i < 20; i++) await staff.grants.request(supporter.id, asking(person))
    const more = () => staff.grants.request(supporter.id, asking(person))
    await expect(more()).rejects.toThrow(refusal('ERR_STAFF_TOO_MANY'))
    store.clock.advance(9 * HOUR)
    await more()
  })

  test('newer grants hide no review that is due', async () => {
    const { staff, engineer, supporter, asking, store } = own
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(await own.person()))
    const { id } = await staff.grants.breakGlass(
      engineer.id,
      grant,
      engineer.authenticator.get(grantDigest(grant)),
    )
    store.clock.advance(1)
    const newer = await staff.grants.request(supporter.id, asking(await own.person()))
    expect((await staff.grants.list({ most: 1 })).map((record) => record.id)).toEqual([newer.id])
    store.clock.advance(24 * HOUR)
    expect((await staff.standing()).glass).toMatchObject([{ grant: id, state: 'overdue' }])
  })

  test('two counts whose difference would be one person show no difference', async () => {
    const { supporter, ports, staff } = own
    const groups = [{ language: 'TypeScript', people: 11 }]
    const counted = (people: number) => {
      Object.assign(ports, { count: async () => [{ ...groups[0], people }] })
      return staff.count(supporter.id, 'languages')
    }
    expect(await counted(11)).toEqual(await counted(14))
    expect(await counted(15)).toEqual([{ language: 'TypeScript', people: 15 }])
  })

  test('where the marks cannot be read, nobody sees anything', async () => {
    const { supporter, asking } = own
    const id = await own.approved(supporter, asking(await own.person()))
    const ended = join(own.marksFolder, 'dismissed')
    await rm(ended, { recursive: true, force: true })
    await writeFile(ended, 'no folder')
    const db = await own.operator(supporter, id).catch((error: unknown) => error)
    expect(db).toEqual(refusal('ERR_STAFF_MARKS'))
  })
})
