import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '../kernel/index.ts'
import { openTestStaff, type TestStaff } from './testing.ts'

let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
})
afterAll(() => world.close())

const refusal = (code: string) => expect.objectContaining({ code })

async function opened(changes: object = {}) {
  const person = await world.person()
  const grant = await world.approved(world.supporter, world.asking(person, changes))
  return { person, grant, db: await world.operator(world.supporter, grant) }
}

describe('an access', () => {
  test('is in the audit log, and the person sees role, purpose and time, never who', async () => {
    const { person, grant, db } = await opened()
    const [row] = await db.selectFrom('heartbeats').select(['id', 'entity']).execute()
    const events = (await world.entries()).filter((entry) => entry.kind === 'staff.access')
    expect(events.at(-1)).toMatchObject({
      ...{ action: 'select', resource: 'heartbeats', rows: [row!.id], count: 1 },
      ...{
        tenant: person.tenant,
        subject: person.id,
        actor: { kind: 'operator', id: world.supporter.id, grant },
      },
    })
    const shown = await world.staff.accesses.ofPerson(person.id)
    expect(shown).toEqual([
      {
        ...{ at: new Date(world.store.clock.now()), role: 'support', kind: 'support', action: 'select' },
        ...{
          purpose: 'the person asked why a day is empty',
          resource: 'heartbeats',
          rows: 1,
          delayReason: null,
        },
      },
    ])
    expect(JSON.stringify(shown)).not.toContain(world.supporter.id)
  })

  test('that found nothing is shown, too', async () => {
    const { person, db } = await opened()
    await db.selectFrom('heartbeats').select('id').where('seconds', '<', 0).execute()
    expect(await world.staff.accesses.ofPerson(person.id)).toMatchObject([{ rows: 0 }])
  })

  test('stays on record where the operator’s transaction is rolled back', async () => {
    const { person, db } = await opened()
    const transaction = await db.startTransaction().execute()
    await transaction.selectFrom('heartbeats').select('entity').execute()
    await transaction.rollback().execute()
    expect(await world.staff.accesses.ofPerson(person.id)).toHaveLength(1)
  })

  test('of a whole team is shown to each person in it', async () => {
    const { person, tenant } = await world
      .person()
      .then((found) => ({ person: found, tenant: found.tenant! }))
    const colleague = { ...(await world.person()), tenant }
    const row = { personId: colleague.id, teamId: tenant, entity: 'b', time: new Date(0) }
    await world.store.store.as(colleague).db.insertInto('heartbeats').values(row).execute()
    const grant = await world.approved(
      world.supporter,
      world.asking(person, { scope: { tenant, subject: null } }),
    )
    const db = await world.operator(world.supporter, grant)
    expect(await db.selectFrom('heartbeats').select('id').execute()).toHaveLength(2)
    expect(await world.staff.accesses.ofPerson(person.id)).toMatchObject([{ rows: 1 }])
    expect(await world.staff.accesses.ofPerson(colleague.id)).toMatchObject([{ rows: 1 }])
  })

  test('to a team’s own rows is shown to the team', async () => {
    const person = await world.person()
    const admin = { ...person, roles: ['administrator'] }
    await world.store.store
      .as(admin)
      .db.insertInto('teams')
      .values({ teamId: person.tenant!, name: 'a', seats: 2 })
      .execute()
    const scope = { tenant: person.tenant, subject: null }
    const grant = await world.approved(
      world.supporter,
      world.asking(person, { scope, resources: { teams: null } }),
    )
    const db = await world.operator(world.supporter, grant)
    expect(await db.selectFrom('teams').select('name').execute()).toEqual([{ name: 'a' }])
    expect(await world.staff.accesses.ofTenant(person.tenant!)).toMatchObject([
      { resource: 'teams', rows: 1 },
    ])
  })

  test('is shown later where the signed grant says so, with the reason', async () => {
    const until = world.store.clock.now() + 3_600_000
    const { person, db } = await opened({ delay: { until, reason: 'an investigation of abuse' } })
    await db.selectFrom('heartbeats').select('id').execute()
    expect(await world.staff.accesses.ofPerson(person.id)).toEqual([])
    world.store.clock.advance(3_600_000)
    expect(await world.staff.accesses.ofPerson(person.id)).toMatchObject([
      { delayReason: 'an investigation of abuse' },
    ])
  })

  test('by impersonation says so, reads only, and names whose banner it is', async () => {
    const { person, grant, db } = await opened({ kind: 'impersonation' })
    await db.selectFrom('heartbeats').select('id').execute()
    expect(await world.staff.accesses.ofPerson(person.id)).toMatchObject([{ kind: 'impersonation' }])
    const operator = await world.staff.principal(world.supporter.id, grant)
    expect(await world.staff.impersonation(operator)).toMatchObject({
      scope: { subject: person.id },
      actions: ['read'],
    })
    await expect(db.deleteFrom('heartbeats').execute()).rejects.toThrow(refusal('ERR_STORE_FORBIDDEN'))
  })

  test('that is taken along is marked and counted', async () => {
    const { grant, db } = await opened()
    const rows = await db.selectFrom('heartbeats').select(['id', 'entity']).execute()
    const operator = await world.staff.principal(world.supporter.id, grant)
    const { id, text } = await world.staff.export(operator, rows)
    const [head, ...lines] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(head).toMatchObject({ export: id, grant, role: 'support' })
    expect(lines).toEqual(rows.map((row) => ({ ...row, _export: id })))
    const counted = (await world.entries()).filter((entry) => entry.kind === 'staff.exported')
    expect(counted).toMatchObject([{ what: id, grant, count: 1 }])
    await world.staff.grants.end(world.supporter.id, grant)
    await expect(world.staff.export(operator, rows)).rejects.toThrow(refusal('ERR_STAFF_STATE'))
  })
})

describe('no log, no data:', () => {
  /** Takes something away that recording needs, and gives it back afterwards. */
  async function without(take: string, back: string, work: () => Promise<void>): Promise<void> {
    await world.store.database.owner.query(take)
    try {
      await work()
    } finally {
      await world.store.database.owner.query(back)
    }
  }

  const LOSSES: [string, string, string][] = [
    [
      'the audit log cannot be written',
      'alter function surety.append_audit rename to append_audit_gone',
      'alter function surety.append_audit_gone rename to append_audit',
    ],
    [
      'what people are shown cannot be written',
      'revoke insert on app.staff_accesses from surety_app',
      'grant insert on app.staff_accesses to surety_app',
    ],
  ]
  test.each(LOSSES)('where %s, no row is released', async (_what, take, back) => {
    const { db } = await opened()
    const query = db.selectFrom('heartbeats').select('entity')
    await without(take, back, async () => {
      await expect(query.execute()).rejects.toThrow(refusal('ERR_STORE_UNRECORDED'))
    })
    expect(await query.execute()).toHaveLength(1)
  })

  test('while the log’s table is locked, no row is released before it is free', async () => {
    const { person, db } = await opened()
    const blocker = await world.store.database.owner.connect()
    await blocker.query('begin; lock table surety.audit_bodies in access exclusive mode')
    let released = false
    const reading = db
      .selectFrom('heartbeats')
      .select('entity')
      .execute()
      .then((rows) => ((released = true), rows))
    await new Promise((done) => setTimeout(done, 300))
    expect(released).toBe(false)
    await blocker.query('commit')
    blocker.release()
    expect(await reading).toHaveLength(1)
    expect(await world.staff.accesses.ofPerson(person.id)).toHaveLength(1)
  })

  test('a reader that dies between record and release leaves a record of what nobody saw', async () => {
    const { person, grant } = await opened()
    const { staff, store } = world
    const dying = store.reopen({
      operators: {
        check: (operator) => staff.gate.check(operator),
        async record(access) {
          await staff.gate.record(access)
          throw new RangeError('killed')
        },
      },
    })
    const { db } = dying.as(await staff.principal(world.supporter.id, grant))
    await expect(db.selectFrom('heartbeats').select('entity').execute()).rejects.toThrow(
      refusal('ERR_STORE_UNRECORDED'),
    )
    expect(await staff.accesses.ofPerson(person.id)).toHaveLength(1)
  })

  test('operators who fill the pool are recorded all the same', async () => {
    const { person, db } = await opened()
    await Promise.all(Array.from({ length: 24 }, () => db.selectFrom('heartbeats').select('id').execute()))
    expect(await world.staff.accesses.ofPerson(person.id)).toHaveLength(24)
  })
})

test('a grant’s digest stands in the event of each decision', async () => {
  const { grant } = await opened()
  const digest = toHex(await world.staff.grants.challenge(grant))
  const told = (await world.entries()).filter((entry) => 'digest' in entry && entry.digest === digest)
  expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['staff.requested', 'staff.approved']))
})
