import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grantDigest } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { openTestStaff, site, type TestMember, type TestStaff } from './testing.ts'
import { createSoftAuthenticator } from '../access/testing/soft-authenticator.ts'

let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
})
afterAll(() => world.close())

const refusal = (code: string) => expect.objectContaining({ code })
const HOUR = 3_600_000

async function read(member: TestMember, grant: string) {
  const db = await world.operator(member, grant)
  return db.selectFrom('heartbeats').select('entity').execute()
}

describe('a grant', () => {
  test('opens a person’s rows once a second person has signed it, until its end', async () => {
    const { staff, supporter, first, asking } = world
    const person = await world.person()
    const { id, state } = await staff.grants.request(supporter.id, asking(person))
    expect(state).toBe('waiting')
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    await staff.grants.approve(first.id, id, first.authenticator.get(await staff.grants.challenge(id)))
    expect(await read(supporter, id)).toEqual([{ entity: '/home/ada/secret.ts' }])
    world.store.clock.advance(HOUR)
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_ACCESS_GRANT_TIME'))
    await expect(
      staff.grants.approve(first.id, id, first.authenticator.get(await staff.grants.challenge(id))),
    ).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('serves nobody but who asked for it', async () => {
    const { staff, supporter, engineer, asking } = world
    const id = await world.approved(supporter, asking(await world.person()))
    await expect(read(engineer, id)).rejects.toThrow(refusal('ERR_STAFF_GRANT'))
    await expect(read(supporter, createPseudonym())).rejects.toThrow(refusal('ERR_STAFF_GRANT'))
    const nameless = await staff.principal(supporter.id, id)
    const { grant: _, ...without } = nameless
    await expect(staff.gate.check(without)).rejects.toThrow(refusal('ERR_STAFF_GRANT'))
  })

  test('that ended early opens nothing, at once, and is never opened again', async () => {
    const { staff, supporter, first, asking } = world
    const id = await world.approved(supporter, asking(await world.person()))
    await staff.grants.end(supporter.id, id)
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    await expect(
      staff.grants.approve(first.id, id, first.authenticator.get(await staff.grants.challenge(id))),
    ).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('falls with the membership of whoever asked for it or approved it', async () => {
    const { staff, first, second, asking } = world
    const newcomer = async (role: string, by = second) =>
      world.enrol(await staff.members.appoint(by.id, { personId: createPseudonym(), role }))
    const [asks, approves] = [await newcomer('support'), await newcomer('lead', first)]
    const { id } = await staff.grants.request(asks.id, asking(await world.person()))
    await staff.grants.approve(approves.id, id, approves.authenticator.get(await staff.grants.challenge(id)))
    expect(await read(asks, id)).toHaveLength(1)
    await staff.members.dismiss(second.id, approves.id)
    await expect(read(asks, id)).rejects.toThrow(refusal('ERR_ACCESS_STAFF'))
    const again = await world.approved(asks, asking(await world.person()))
    await staff.members.dismiss(second.id, asks.id)
    await expect(read(asks, again)).rejects.toThrow(refusal('ERR_ACCESS_STAFF'))
  })

  test('is not asked for beyond the role', async () => {
    const { staff, supporter, asking } = world
    const person = await world.person()
    for (const wider of [
      { resources: { notes: null } },
      { resources: { staff_credentials: null } },
      { actions: ['read', 'write'] as const },
    ])
      await expect(staff.grants.request(supporter.id, asking(person, wider))).rejects.toThrow(
        refusal('ERR_ACCESS_GRANT_WIDER'),
      )
    await expect(
      staff.grants.request(supporter.id, asking(person, { lastsMs: 8 * HOUR + 1 })),
    ).rejects.toThrow(refusal('ERR_ACCESS_GRANT'))
    await expect(staff.grants.request(createPseudonym(), asking(person))).rejects.toThrow(
      refusal('ERR_ACCESS_STAFF'),
    )
  })
})

describe('an approval', () => {
  test('is refused to the requester, and to whom the requester appointed', async () => {
    const { staff, first, second, asking } = world
    const person = await world.person()
    const { id } = await staff.grants.request(second.id, asking(person))
    const challenge = await staff.grants.challenge(id)
    await expect(staff.grants.approve(second.id, id, second.authenticator.get(challenge))).rejects.toThrow(
      refusal('ERR_ACCESS_SELF_APPROVAL'),
    )
    const crony = await world.enrol(
      await staff.members.appoint(second.id, { personId: createPseudonym(), role: 'lead' }),
    )
    await expect(staff.grants.approve(crony.id, id, crony.authenticator.get(challenge))).rejects.toThrow(
      refusal('ERR_ACCESS_APPOINTEE'),
    )
    await staff.grants.approve(first.id, id, first.authenticator.get(challenge))
    expect(await read(second, id)).toHaveLength(1)
  })

  test('is refused to all who go back to the requester’s founder: appointer, sibling, and further down', async () => {
    const { staff, first, second, supporter, asking } = world
    const lead = async (by: TestMember) =>
      world.enrol(await staff.members.appoint(by.id, { personId: createPseudonym(), role: 'lead' }))
    const sibling = await lead(second)
    const nephew = await lead(sibling)
    const grandNephew = await lead(nephew)
    const { id } = await staff.grants.request(supporter.id, asking(await world.person()))
    const challenge = await staff.grants.challenge(id)
    for (const { id: by, authenticator } of [second, sibling, nephew, grandNephew])
      await expect(staff.grants.approve(by, id, authenticator.get(challenge))).rejects.toThrow(
        refusal('ERR_ACCESS_APPOINTEE'),
      )
    const outsider = await lead(await lead(first))
    await staff.grants.approve(outsider.id, id, outsider.authenticator.get(challenge))
    expect(await read(supporter, id)).toHaveLength(1)
  })

  test('is refused with the signature over another grant, of another member, or unverified', async () => {
    const { staff, first, second, supporter, asking } = world
    const person = await world.person()
    const { id } = await staff.grants.request(supporter.id, asking(person))
    const other = await staff.grants.request(supporter.id, asking(person))
    const challenge = await staff.grants.challenge(id)
    const approve = (assertion: ReturnType<typeof first.authenticator.get>) =>
      staff.grants.approve(first.id, id, assertion)
    await expect(approve(first.authenticator.get(await staff.grants.challenge(other.id)))).rejects.toThrow(
      refusal('ERR_ACCESS_PASSKEY'),
    )
    await expect(approve(first.authenticator.get(challenge, { flags: 0x01 }))).rejects.toThrow(
      refusal('ERR_ACCESS_PASSKEY'),
    )
    await expect(approve(second.authenticator.get(challenge))).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
    await expect(approve(createSoftAuthenticator(site).get(challenge))).rejects.toThrow(
      refusal('ERR_STAFF_APPROVAL'),
    )
    expect((await staff.grants.read(id)).state).toBe('waiting')
  })

  test('sent twice at once counts once', async () => {
    const { staff, first, supporter, asking } = world
    const { id } = await staff.grants.request(supporter.id, asking(await world.person()))
    const assertion = first.authenticator.get(await staff.grants.challenge(id))
    // Somebody holds the row until all of them are under way.
    const blocker = await world.store.database.owner.connect()
    await blocker.query(
      "begin; set local surety.read_staff_grants = 'any'; set local surety.write_staff_grants = 'any'",
    )
    await blocker.query('select from app.staff_grants where id = $1 for update', [id])
    const sent = Promise.allSettled(
      Array.from({ length: 3 }, () => staff.grants.approve(first.id, id, assertion)),
    )
    await new Promise((done) => setTimeout(done, 1_000))
    await blocker.query('commit')
    blocker.release(true)
    const outcomes = await sent
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(refusal('ERR_STAFF_STATE'))
    expect((await staff.grants.read(id)).decisions).toHaveLength(1)
  })

  test('waits for the customer who asked to be asked first', async () => {
    const { staff, supporter, asking } = world
    const person = await world.person()
    await staff.grants.setAsksFirst(person.id, person.tenant!, true)
    const id = await world.approved(supporter, asking(person))
    await expect(read(supporter, id)).rejects.toThrow(refusal('ERR_STAFF_CONSENT'))
    const stranger = await world.person()
    await expect(
      staff.grants.consent({ personId: stranger.id, tenant: stranger.tenant }, id),
    ).rejects.toThrow(refusal('ERR_STAFF_CONSENT'))
    await staff.grants.consent({ personId: person.id, tenant: person.tenant }, id)
    expect(await read(supporter, id)).toHaveLength(1)
    world.store.clock.advance(1)
    await staff.grants.setAsksFirst(person.id, person.tenant!, false)
    expect(await read(supporter, await world.approved(supporter, asking(person)))).toHaveLength(1)
  })
})

describe('broken glass', () => {
  test('opens at once, alarms before anything is seen, and waits for an independent review', async () => {
    const { staff, engineer, first, second, third, alarms, asking } = world
    const person = await world.person()
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(person))
    const record = await staff.grants.breakGlass(
      engineer.id,
      grant,
      engineer.authenticator.get(grantDigest(grant)),
    )
    expect(alarms.at(-1)).toMatchObject({ grant: record.id, member: engineer.id, role: 'engineer' })
    expect((await world.entries()).filter(({ kind }) => kind === 'staff.broke-glass')).toHaveLength(1)
    expect(await read(engineer, record.id)).toHaveLength(1)
    expect(staff.grants.reviewDueAt(record)).toBe(grant.from + 24 * HOUR)
    world.store.clock.advance(24 * HOUR)
    expect(await staff.standing()).toMatchObject({ overdueReviews: 1 })
    const challenge = await staff.grants.reviewChallenge(record.id, 'justified')
    const review = (by: TestMember, signed = challenge) =>
      staff.grants.review(by.id, record.id, 'justified', 'production was down', by.authenticator.get(signed))
    await expect(review(engineer)).rejects.toThrow(refusal('ERR_ACCESS_SELF_APPROVAL'))
    await expect(review(first, await staff.grants.reviewChallenge(record.id, 'unjustified'))).rejects.toThrow(
      refusal('ERR_ACCESS_PASSKEY'),
    )
    await expect(review(second)).rejects.toThrow(refusal('ERR_ACCESS_APPOINTEE'))
    await review(third)
    await expect(review(first)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    expect(await staff.standing()).toMatchObject({ overdueReviews: 0, unjustified: 0 })
  })

  test('takes the role, one’s own passkey, and a grant just prepared', async () => {
    const { staff, engineer, supporter, first, asking } = world
    const person = await world.person()
    await expect(staff.grants.prepareBreakGlass(supporter.id, asking(person))).rejects.toThrow(
      refusal('ERR_ACCESS_GRANT_WIDER'),
    )
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(person))
    const before = world.alarms.length
    const broken = (by: TestMember, change: object = {}) =>
      staff.grants.breakGlass(engineer.id, { ...grant, ...change }, by.authenticator.get(grantDigest(grant)))
    await expect(broken(first)).rejects.toThrow(refusal('ERR_STAFF_APPROVAL'))
    await expect(broken(engineer, { until: grant.until + 1 })).rejects.toThrow(refusal('ERR_ACCESS_PASSKEY'))
    await expect(broken(engineer, { kind: 'support' })).rejects.toThrow(refusal('ERR_STAFF_GRANT'))
    world.store.clock.advance(300_001)
    await expect(broken(engineer)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
    expect(world.alarms).toHaveLength(before)
  })
})

describe('staff', () => {
  test('is founded once', async () => {
    await expect(world.staff.members.found([{ personId: createPseudonym(), role: 'lead' }])).rejects.toThrow(
      refusal('ERR_STAFF_FOUNDED'),
    )
  })

  test('is appointed and dismissed only by whose role says so, and nobody twice', async () => {
    const { staff, supporter, second } = world
    const member = { personId: createPseudonym(), role: 'support' }
    await expect(staff.members.appoint(supporter.id, member)).rejects.toThrow(refusal('ERR_STAFF_ROLE'))
    await expect(staff.members.dismiss(supporter.id, second.id)).rejects.toThrow(refusal('ERR_STAFF_ROLE'))
    await world.enrol(await staff.members.appoint(second.id, member))
    await expect(staff.members.appoint(second.id, member)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })

  test('enrols a passkey once, with the right code, within a day', async () => {
    const { staff, second, store } = world
    const late = await staff.members.appoint(second.id, { personId: createPseudonym(), role: 'support' })
    const authenticator = createSoftAuthenticator(site)
    const enrol = (enrolment: typeof late, code = enrolment.code) =>
      staff.members.enrol(enrolment, authenticator.create(staff.members.enrolmentChallenge(code)))
    await expect(enrol({ ...late, code: 'guessed' })).rejects.toThrow(refusal('ERR_STAFF_CODE'))
    await expect(enrol(late, 'another')).rejects.toThrow(refusal('ERR_ACCESS_PASSKEY'))
    await enrol(late)
    await expect(enrol(late)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
    const later = await staff.members.appoint(second.id, { personId: createPseudonym(), role: 'support' })
    store.clock.advance(24 * HOUR)
    await expect(enrol(later)).rejects.toThrow(refusal('ERR_STAFF_CODE'))
  })

  test('counts only what is declared, in groups large enough, within a budget', async () => {
    const { staff, supporter, engineer } = world
    for (let i = 0; i < 5; i++) await world.person()
    const one = await world.person()
    await world.store.store.as(one).db.updateTable('heartbeats').set({ language: 'Cobol' }).execute()
    await expect(staff.count(engineer.id, 'languages')).rejects.toThrow(refusal('ERR_STAFF_QUERY'))
    await expect(staff.count(supporter.id, 'salaries')).rejects.toThrow(refusal('ERR_STAFF_QUERY'))
    const groups = await staff.count(supporter.id, 'languages')
    expect(groups.map(({ language }) => language)).toEqual(['TypeScript'])
    const both = await Promise.allSettled([1, 2, 3].map(() => staff.count(supporter.id, 'languages')))
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    await expect(staff.count(supporter.id, 'languages')).rejects.toThrow(refusal('ERR_STAFF_BUDGET'))
    world.store.clock.advance(25 * HOUR)
    await staff.count(supporter.id, 'languages')
  })
})
