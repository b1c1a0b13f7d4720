import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { PermissionText } from '../declare/index.ts'
import type { Canaries } from '../promises/index.ts'
import { openProbeWorld, roles, type ProbeWorld } from './testing/probe-world.ts'

const unused = (): never => {
  throw new TypeError('without a site no canary acts')
}

let world: ProbeWorld
beforeAll(async () => {
  world = await openProbeWorld()
})
afterAll(() => world?.close())
beforeEach(() => world.behindTheLibrary('delete from app.notes'))

describe('access.rbac', () => {
  test('finds every role as declared', async () => {
    const measured = await world.measure('access.rbac')
    expect(measured).toMatchObject({ outcome: 'kept', values: { trials: 21, wrong: 0, roles: 2 } })
    // A matrix in which nothing is allowed, or nothing refused, would prove nothing.
    expect(measured.values).toMatchObject({ allowed: 5, refused: 16 })
  })

  test('sees a role that can do more than it says', async () => {
    const granted = {
      ...roles,
      leader: ['notes:read:tenant', 'notes:delete:tenant'] satisfies PermissionText[],
    }
    expect(await world.measure('access.rbac', { granted })).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('leader can delete'),
    })
  })

  test('sees a role that can do less than it says', async () => {
    const granted = { ...roles, leader: [] }
    expect(await world.measure('access.rbac', { granted })).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('leader cannot read'),
    })
  })

  test('leaves no row behind', async () => {
    await world.measure('access.rbac')
    expect(await world.countNotes()).toBe(0)
  })
})

describe('access.tenant-isolation', () => {
  test('reaches nothing in another tenant', async () => {
    expect(await world.measure('access.tenant-isolation')).toMatchObject({
      outcome: 'kept',
      values: { attempts: 10, leaks: 0 },
    })
  })

  test('sees that row-level security is off', async () => {
    await world.database.owner.query('alter table app.notes no force row level security')
    expect(await world.measure('access.tenant-isolation')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('forced'),
    })
    await world.database.owner.query('alter table app.notes force row level security')
  })

  test('sees a policy that lets strangers in', async () => {
    await world.database.owner.query(
      'create policy open_door on app.notes for select to surety_app using (true)',
    )
    expect(await world.measure('access.tenant-isolation')).toMatchObject({ outcome: 'broken' })
    await world.database.owner.query('drop policy open_door on app.notes')
  })
})

describe('canary functions without a running app', () => {
  test.each(['access.rbac', 'access.tenant-isolation', 'data.declared-fields', 'encryption.rest'])(
    '%s refuses to measure less than it tells',
    async (id) => {
      const canary = { createPerson: unused, request: unused, remove: unused }
      await expect(world.measure(id, { canary })).rejects.toMatchObject({ code: 'ERR_PROMISE_SITE' })
    },
  )

  test('access.tenant-isolation is undecided when the app’s routes take no canary row', async () => {
    const shut: Canaries = { ...world.leakyApp(), request: async () => new Response(null, { status: 403 }) }
    expect(await world.measure('access.tenant-isolation', { canaries: shut })).toMatchObject({
      outcome: 'undecided',
    })
  })
})
