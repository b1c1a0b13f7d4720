import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openProbeWorld, type ProbeWorld } from './testing/probe-world.ts'

let world: ProbeWorld
beforeAll(async () => {
  world = await openProbeWorld()
})
afterAll(() => world?.close())
beforeEach(() => world.behindTheLibrary('delete from app.notes'))

describe('data.declared-fields', () => {
  test('finds nothing undeclared, stored or in the schema', async () => {
    expect(await world.measure('data.declared-fields')).toMatchObject({
      outcome: 'kept',
      values: { stored: 0, undeclared: 0 },
    })
  })

  test('sees a column that nobody declared', async () => {
    await world.database.owner.query('alter table app.notes add column shoe_size text')
    expect(await world.measure('data.declared-fields')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('shoe_size'),
    })
    await world.database.owner.query('alter table app.notes drop column shoe_size')
  })

  test('sees an app that stores whole requests', async () => {
    const measured = await world.measure('data.declared-fields', { canaries: world.leakyApp() })
    expect(measured).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('that nothing declares was stored'),
    })
    await world.database.owner.query('drop table surety.planted_log')
  })
})

describe('privacy.lawful-basis', () => {
  test('finds a purpose for every table', async () => {
    expect(await world.measure('privacy.lawful-basis')).toMatchObject({ outcome: 'kept' })
  })

  test('sees a table without one', async () => {
    await world.database.owner.query('create table app.diary (text text)')
    expect(await world.measure('privacy.lawful-basis')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('app.diary'),
    })
    await world.database.owner.query('drop table app.diary')
  })
})
