import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createStaff } from './index.ts'
import { compareWithLog } from './missing-accesses.ts'
import { openTestStaff, type TestStaff } from './testing.ts'

/** Somebody with the database takes accesses out of what people are shown, or changes them. */
let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
}, 120_000)
afterAll(() => world?.close())

const HOUR = 3_600_000
const DAY = 24 * HOUR
const sql = (text: string, values: unknown[]) => world.store.ungoverned<Record<string, unknown>>(text, values)

let person: Principal
beforeEach(async () => {
  world.store.clock.advance(DAY)
  person = await world.person()
})

async function looked(times = 1): Promise<void> {
  const { supporter } = world
  const db = await world.operator(supporter, await world.approved(supporter, world.asking(person)))
  for (let i = 0; i < times; i++) await db.selectFrom('heartbeats').select('id').execute()
}

const missing = async () =>
  (await world.staff.accesses.compare(null)).missing.filter(({ owner }) => owner === person.id)

describe('an access of which the person’s own list tells nothing', () => {
  test.each([0, 1, 100])('since its row was deleted is noticed, %i days later', async (days) => {
    await looked(3)
    expect(await missing()).toEqual([])
    const { clock } = world.store
    const at = new Date(clock.now())
    clock.advance(days * DAY)
    const taken = await sql(
      'delete from app.staff_accesses where id in (select id from app.staff_accesses where "personId" = $1 limit 1)',
      [person.id],
    )
    expect(taken.rowCount).toBe(1)
    const found = [
      { owner: person.id, at, role: 'support', resource: 'heartbeats', action: 'select', rows: 1 },
    ]
    expect(await missing()).toEqual(found)
    clock.advance(HOUR)
    expect(await world.staff.accesses.missingOf(person.id)).toEqual(found)
    expect(await world.staff.accesses.ofPerson(person.id)).toHaveLength(2)
  })

  test('since its row was changed is noticed, and the others are shown all the same', async () => {
    await looked(2)
    world.store.clock.advance(DAY)
    await sql(
      `update app.staff_accesses set _envelope = set_byte(_envelope, 60, get_byte(_envelope, 60) # 1)
        where id in (select id from app.staff_accesses where "personId" = $1 limit 1)`,
      [person.id],
    )
    expect(await missing()).toHaveLength(1)
    expect(await world.staff.accesses.ofPerson(person.id)).toHaveLength(1)
  })

  test('since it is told of somebody else is noticed', async () => {
    await looked()
    const other = await world.person()
    await sql('update app.staff_accesses set "personId" = $2 where "personId" = $1', [person.id, other.id])
    expect(await missing()).toHaveLength(1)
    await sql('delete from app.staff_accesses where "personId" = $1', [other.id])
  })

  test('is told of to the person as of the last ten minutes, whoever asks how often', async () => {
    await looked()
    expect(await world.staff.accesses.missingOf(person.id)).toEqual([])
    await sql('delete from app.staff_accesses where "personId" = $1', [person.id])
    expect(await world.staff.accesses.missingOf(person.id)).toEqual([])
    world.store.clock.advance(600_000)
    expect(await world.staff.accesses.missingOf(person.id)).toHaveLength(1)
  })

  test('is not missed where the person was erased since', async () => {
    await looked()
    await sql('delete from app.staff_accesses where "personId" = $1', [person.id])
    Object.assign(world.ports, { erased: async () => new Set([person.id]) })
    expect(await missing()).toEqual([])
    Object.assign(world.ports, { erased: undefined })
    expect(await missing()).toHaveLength(1)
  })
})

test('a crash between the two records leaves one that is shown, never one that is missed', async () => {
  const { supporter, staff, store, ports } = world
  const grant = await world.approved(supporter, world.asking(person))
  const record = () => Promise.reject(new RangeError('killed'))
  const dying = createStaff({ ...ports, audit: { ...ports.audit, record } })
  const { db } = store.reopen({ operators: dying.gate }).as(await staff.principal(supporter.id, grant))
  await expect(db.selectFrom('heartbeats').select('id').execute()).rejects.toMatchObject({
    code: 'ERR_STORE_UNRECORDED',
  })
  expect(await staff.accesses.ofPerson(person.id)).toHaveLength(1)
  expect(await missing()).toEqual([])
})

test('a long log is gone through in bounded steps, each going on where the one before ended', async () => {
  const { audit, store, ports } = world
  const noise = Array.from({ length: 40 }, () => ({ kind: 'system.started' as const }))
  await looked()
  await sql('delete from app.staff_accesses where "personId" = $1', [person.id])
  for (let i = 0; i < 10; i++) {
    store.clock.advance(HOUR)
    await audit.record(noise)
  }
  store.clock.advance(3 * HOUR)
  let from: number | undefined = store.clock.now() - 12 * HOUR
  const steps: number[] = []
  for (let found = 0; found === 0 && steps.length < 30;) {
    const compared = await compareWithLog(ports, { ignored: null, most: 100, mostRecent: 100, from })
    steps.push(compared.entries)
    from = compared.next
    found = compared.missing.filter(({ owner }) => owner === person.id).length
  }
  // All that was made before comes first, and again from the beginning: a few hundred entries.
  expect(steps.length).toBeGreaterThan(4)
  expect(steps.length).toBeLessThan(30)
  expect(Math.max(...steps)).toBeLessThanOrEqual(200)
})
