import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { asConnection, describeSchema, inTransaction, openJobs, type JobPayload, type Jobs } from './index.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

let database: TestDatabase
let jobs: Jobs

beforeAll(async () => {
  database = await startTestDatabase()
  jobs = await openJobs({ database, logger: database.logger })
})
afterAll(async () => {
  await jobs?.close()
  await database?.close()
})

function collector(expected: number): {
  handler: (payload: JobPayload) => Promise<void>
  all: Promise<JobPayload[]>
} {
  const seen: JobPayload[] = []
  const { promise, resolve } = Promise.withResolvers<JobPayload[]>()
  return {
    all: promise,
    async handler(payload) {
      seen.push(payload)
      if (seen.length === expected) resolve(seen)
    },
  }
}

describe('jobs', () => {
  it('wakes a worker with the ids it was given', async () => {
    const { handler, all } = collector(1)
    await jobs.work('erasure', handler)
    const request = createPseudonym()
    await jobs.wake('erasure', { request, attempt: 2 })
    expect(await all).toEqual([{ request, attempt: 2 }])
  })

  it('wakes nobody when the transaction rolls back', async () => {
    const { handler, all } = collector(1)
    await jobs.work('retention', handler)
    const kept = createPseudonym()
    const failed = inTransaction(database.owner, async (via) => {
      await jobs.wake('retention', { run: createPseudonym() }, { via })
      throw new TypeError('undo')
    })
    await expect(failed).rejects.toThrow('undo')
    await inTransaction(database.owner, (via) => jobs.wake('retention', { run: kept }, { via }))
    expect(await all).toEqual([{ run: kept }])
  })

  it('tries a failed handler again and stores no text of its error', async () => {
    let calls = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    await jobs.work('flaky', async () => {
      if (++calls === 1) throw new TypeError('row of ada@codetime.example is odd')
      resolve()
    })
    await jobs.wake('flaky')
    await promise
    const rows = await asConnection(database.owner).query('select output::text from pgboss.job')
    expect(JSON.stringify(rows)).not.toContain('ada@')
  })

  it.each([
    { email: 'ada@codetime.example' },
    { share: 0.5 },
    { who: 'Ada' },
    { deep: { id: 1 } as unknown as string },
  ])('refuses a payload that could hold personal data: %j', async (payload) => {
    await expect(jobs.wake('erasure', payload)).rejects.toMatchObject({ code: 'ERR_DATABASE_JOBS' })
  })

  it('sends a periodic job once, however many processes ask', async () => {
    await jobs.every('tick', '1h')
    await jobs.every('tick', '1h')
    const [row] = await asConnection(database.owner).query<{ count: number }>(
      `select count(*) from pgboss.job where name = 'tick'`,
    )
    expect(row?.count).toBe(1)
  })

  it.each(['500ms', '2d'] as const)('refuses the period %s', async (period) => {
    await expect(jobs.every('tick', period)).rejects.toMatchObject({ code: 'ERR_DATABASE_JOBS' })
  })

  it('refuses a queue name that is none', async () => {
    await expect(jobs.wake('No Queue')).rejects.toMatchObject({ code: 'ERR_DATABASE_JOBS' })
  })

  it('keeps its tables where the app role has no right', async () => {
    const tables = await describeSchema(asConnection(database.owner))
    expect(tables.some(({ schema, name }) => schema === 'pgboss' && name === 'job')).toBe(true)
    await expect(database.app.query('select from pgboss.job')).rejects.toMatchObject({ code: '42501' })
  })
})
