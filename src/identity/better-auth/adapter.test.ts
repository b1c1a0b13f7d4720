import { betterAuth } from 'better-auth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { hashSecret } from '../secrets.ts'
import { openTestIdentity, type TestIdentity } from '../testing.ts'
import { suretyAdapter } from './adapter.ts'

let opened: TestIdentity
let adapter: Awaited<ReturnType<typeof open>>

async function open() {
  const auth = betterAuth({
    baseURL: 'http://localhost:4001',
    secret: 'c'.repeat(43),
    database: suretyAdapter({ store: opened.store, clock: opened.world.clock }),
    telemetry: { enabled: false },
    logger: { disabled: true },
    advanced: { database: { generateId: false } },
  })
  return (await auth.$context).adapter
}

beforeAll(async () => {
  opened = await openTestIdentity()
  adapter = await open()
}, 120_000)
afterAll(() => opened.close())

const later = (ms: number): Date => new Date(systemClock.now() + ms)
let count = 0
const person = () => ({
  email: `person-${++count}@example.com`,
  name: 'Ada',
  emailVerified: false,
  createdAt: later(0),
  updatedAt: later(0),
})
const step = (identifier: string, value = 'state', expiresAt = later(60_000)) =>
  adapter.create<Record<string, unknown>>({
    model: 'verification',
    data: { identifier, value, expiresAt, createdAt: later(0), updatedAt: later(0) },
  })

describe('an account', () => {
  test('is found by id and by address, with an id minted here', async () => {
    const data = person()
    const made = await adapter.create<Record<string, unknown>>({ model: 'user', data })
    expect(made['id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    for (const where of [
      { field: 'id', value: made['id'] as string },
      { field: 'email', value: data.email },
    ]) {
      const found = await adapter.findOne<Record<string, unknown>>({ model: 'user', where: [where] })
      expect(found).toMatchObject({ id: made['id'], email: data.email, name: 'Ada', emailVerified: false })
    }
  })

  test('changes, and is gone when it is deleted', async () => {
    const { id } = await adapter.create<{ id: string }>({ model: 'user', data: person() as never })
    const where = [{ field: 'id', value: id }]
    expect(await adapter.update({ model: 'user', where, update: { name: 'Grace' } })).toMatchObject({
      name: 'Grace',
    })
    await adapter.delete({ model: 'user', where })
    expect(await adapter.findOne({ model: 'user', where })).toBeNull()
  })

  test('has its address to itself, also of sign-ups that race', async () => {
    const data = person()
    const tries = await Promise.allSettled([1, 2, 3].map(() => adapter.create({ model: 'user', data })))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(tries.filter(({ status }) => status === 'rejected')[0]).toMatchObject({
      reason: { code: 'ERR_STORE_CONFLICT' },
    })
    const where = [{ field: 'email', value: data.email }]
    expect(await adapter.findMany({ model: 'user', where })).toHaveLength(1)
  })

  test('gives its address up when it takes another or is deleted', async () => {
    const [first, second] = [person(), person()]
    const { id } = await adapter.create<{ id: string }>({ model: 'user', data: first as never })
    const where = [{ field: 'id', value: id }]
    await adapter.update({ model: 'user', where, update: { email: second.email } })
    await expect(adapter.create({ model: 'user', data: second })).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
    })
    await adapter.create({ model: 'user', data: first })
    await adapter.delete({ model: 'user', where })
    await adapter.create({ model: 'user', data: second })
  })

  test('is not there when its transaction fails', async () => {
    const data = person()
    const where = [{ field: 'email', value: data.email }]
    const failing = adapter.transaction(async (transaction) => {
      await transaction.create({ model: 'user', data })
      expect(await transaction.findOne({ model: 'user', where })).not.toBeNull()
      throw new RangeError('the second step failed')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(await adapter.findOne({ model: 'user', where })).toBeNull()
  })

  test('lies sealed: neither its address nor its name is anywhere in the tables', async () => {
    const data = { ...person(), name: 'Zebedee Quillfeather' }
    await adapter.create({ model: 'user', data })
    for (const table of ['accounts', 'sign_in_names']) {
      const { rows } = await opened.world.ungoverned(`select to_jsonb(t)::text as text from app.${table} t`)
      expect(rows.length).toBeGreaterThan(0)
      const text = JSON.stringify(rows)
      expect(text).not.toContain('Quillfeather')
      expect(text).not.toContain(data.email)
    }
  })
})

describe('a session', () => {
  test('comes back with the token it was asked by, of which only the hash is stored', async () => {
    const { id: userId } = await adapter.create<{ id: string }>({ model: 'user', data: person() as never })
    const token = 'a-token-of-thirty-two-characters'
    await opened
      .store('tests', ['sign_in_sessions'])
      .insertInto('sign_in_sessions')
      .values({
        personId: userId,
        token: hashSecret(token),
        methods: ['password'],
        pending: false,
        authenticatedAt: new Date(0),
        updatedAt: new Date(0),
        expiresAt: new Date(opened.world.clock.now() + 60_000),
        endsAt: new Date(0),
      })
      .execute()
    const where = [{ field: 'token', value: token }]
    const found = await adapter.findOne({ model: 'session', where, join: { user: true } })
    expect(found).toMatchObject({ token, userId, user: { id: userId } })
    // Better Auth lives in the machine's time, the row in the Clock's.
    expect((found as unknown as { expiresAt: Date }).expiresAt.getTime() - systemClock.now()).toBeGreaterThan(
      50_000,
    )
    const hashed = [{ field: 'token', value: hashSecret(token) }]
    expect(await adapter.findOne({ model: 'session', where: hashed })).toBeNull()
    const [other] = await adapter.findMany<{ token: string }>({
      model: 'session',
      where: [{ field: 'userId', value: userId }],
    })
    expect(other!.token).toBe(hashSecret(token))
  })
})

describe('a step of a sign-in', () => {
  test('is consumed by one of those who race for it', async () => {
    await step('state-1')
    const where = [{ field: 'identifier', value: 'state-1' }]
    const taken = await Promise.all(
      [1, 2, 3, 4].map(() => adapter.consumeOne<Record<string, unknown>>({ model: 'verification', where })),
    )
    const won = taken.filter((row) => row !== null)
    expect(won).toHaveLength(1)
    expect(won[0]).toMatchObject({ identifier: 'state-1', value: 'state' })
  })

  test('is changed only where all conditions hold, also by those who race', async () => {
    await step('state-2', 'one')
    const where = [
      { field: 'identifier', value: 'state-2' },
      { field: 'value', value: 'one' },
    ]
    const changed = await Promise.all(
      ['a', 'b', 'c'].map((value) => adapter.updateMany({ model: 'verification', where, update: { value } })),
    )
    expect(changed.toSorted((a, b) => a - b)).toEqual([0, 0, 1])
  })

  test('is removed when it has ended, by the Clock', async () => {
    await step('state-3', 'kept', later(3 * 3_600_000))
    await step('state-4', 'ended', later(60_000))
    opened.world.clock.advance(3_600_000)
    const where = [{ field: 'expiresAt', operator: 'lt' as const, value: new Date(systemClock.now()) }]
    expect(await adapter.deleteMany({ model: 'verification', where })).toBeGreaterThan(0)
    const at = (identifier: string) =>
      adapter.findOne({ model: 'verification', where: [{ field: 'identifier', value: identifier }] })
    expect(await at('state-3')).toMatchObject({ value: 'kept' })
    expect(await at('state-4')).toBeNull()
  })

  test('is listed in the order and in the part that is asked for', async () => {
    for (const value of ['c', 'a', 'b']) await step('many', value)
    const where = [{ field: 'identifier', value: 'many' }]
    const sortBy = { field: 'value', direction: 'desc' as const }
    const rows = await adapter.findMany<{ value: string }>({
      model: 'verification',
      where,
      sortBy,
      limit: 2,
      offset: 1,
    })
    expect(rows.map(({ value }) => value)).toEqual(['b', 'a'])
    expect(await adapter.count({ model: 'verification', where })).toBe(3)
  })
})

describe('conditions', () => {
  test('compare what is sealed, and join by AND and by OR', async () => {
    for (const value of ['alpha', 'beta', 'gamma']) await step('joined', value)
    const byIdentifier = { field: 'identifier', value: 'joined' }
    const values = async (...where: object[]) => {
      const rows = await adapter.findMany<{ value: string }>({
        model: 'verification',
        where: [byIdentifier, ...where] as never,
      })
      return rows.map(({ value }) => value).toSorted()
    }
    expect(await values({ field: 'value', operator: 'ne', value: 'beta' })).toEqual(['alpha', 'gamma'])
    expect(await values({ field: 'value', operator: 'in', value: ['beta', 'x'] })).toEqual(['beta'])
    expect(await values({ field: 'value', operator: 'not_in', value: ['beta'] })).toEqual(['alpha', 'gamma'])
    expect(await values({ field: 'value', operator: 'contains', value: 'mm' })).toEqual(['gamma'])
    expect(await values({ field: 'value', operator: 'starts_with', value: 'al' })).toEqual(['alpha'])
    expect(await values({ field: 'value', operator: 'ends_with', value: 'ta' })).toEqual(['beta'])
    expect(
      await values(
        { field: 'value', value: 'alpha', connector: 'OR' },
        { field: 'value', value: 'gamma', connector: 'OR' },
      ),
    ).toEqual(['alpha', 'gamma'])
  })

  test('refuse a look-up that would read the whole table', async () => {
    await expect(
      adapter.findMany({ model: 'user', where: [{ field: 'name', value: 'Ada' }] }),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_QUERY' })
    await expect(adapter.findMany({ model: 'session' })).rejects.toMatchObject({ code: 'ERR_IDENTITY_QUERY' })
  })
})
