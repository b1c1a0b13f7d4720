import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { heartbeats, holidays, invoices, notes, resources } from '../../test/fixtures/database/resources.ts'
import { createId, createPseudonym } from '../kernel/index.ts'
import { inTransaction, settingName, type Connection, type PolicyVerb } from './index.ts'
import { startTestDatabase, type TestDatabase } from './testing.ts'

let database: TestDatabase
const team = createPseudonym()
const otherTeam = createPseudonym()
const ada = createPseudonym()
const bob = createPseudonym()
const eve = createPseudonym()
const now = new Date(Date.UTC(2026, 0, 2))

interface Asking {
  tenant?: string
  subject?: string
  open?: Partial<Record<PolicyVerb, string>>
  resource: string
}

/** Runs `work` as the app role with the settings of one statement. */
function asking<Result>(
  { tenant = '', subject = '', open = {}, resource }: Asking,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  return inTransaction(database.app, async (connection) => {
    await connection.query(
      `select set_config('surety.tenant', $1, true), set_config('surety.subject', $2, true)`,
      [tenant, subject],
    )
    for (const [verb, scope] of Object.entries(open)) {
      await connection.query('select set_config($1, $2, true)', [
        settingName(verb as PolicyVerb, resource),
        scope,
      ])
    }
    return work(connection)
  })
}

/** Puts rows in as a system task would. */
async function plant(): Promise<void> {
  const every = { write: 'any' }
  await asking({ resource: 'heartbeats', open: every }, async (connection) => {
    for (const [tenant, person] of [
      [team, ada],
      [team, bob],
      [otherTeam, eve],
    ] as const) {
      await connection.query(
        `insert into heartbeats (id, "createdAt", "personId", "teamId", category, time, _envelope) values ($1, $2, $3, $4, 'coding', $2, '')`,
        [createId(database.clock), now, person, tenant],
      )
    }
  })
  await asking({ resource: 'notes', open: every }, (connection) =>
    connection.query(
      `insert into notes (id, "createdAt", "personId", _envelope) values ($1, $3, $4, ''), ($2, $3, $5, '')`,
      [createId(database.clock), createId(database.clock), now, ada, eve],
    ),
  )
  await asking({ resource: 'invoices', open: every }, (connection) =>
    connection.query(`insert into invoices (id, "createdAt", "teamId", _envelope) values ($1, $2, $3, '')`, [
      createId(database.clock),
      now,
      team,
    ]),
  )
  await asking({ resource: 'holidays', open: every }, (connection) =>
    connection.query(`insert into holidays (id, "createdAt", day) values ($1, $2, '2026-12-25')`, [
      createId(database.clock),
      now,
    ]),
  )
}

beforeAll(async () => {
  database = await startTestDatabase({ resources })
  await plant()
})
afterAll(() => database?.close())

const count = async (connection: Connection, table: string): Promise<number> =>
  (await connection.query<{ count: number }>(`select count(*) from ${table}`))[0]!.count

interface Case {
  readonly name: string
  readonly resource: string
  readonly tenant?: 'team' | 'otherTeam'
  readonly subject?: 'ada' | 'bob' | 'eve'
  readonly scope?: string
  readonly rows: number
}

const cases = JSON.parse(
  readFileSync(new URL('../../test/cases/row-security.json', import.meta.url), 'utf8'),
) as Case[]
const people = { ada, bob, eve, team, otherTeam }

describe('row-level security', () => {
  it.each(cases)('$resource: $name', async ({ resource, tenant, subject, scope, rows }) => {
    const open = scope === undefined ? {} : { read: scope }
    const who = {
      ...(tenant ? { tenant: people[tenant] } : {}),
      ...(subject ? { subject: people[subject] } : {}),
    }
    expect(await asking({ ...who, resource, open }, (connection) => count(connection, resource))).toBe(rows)
  })

  it('opens a table for its own statement and verb only', async () => {
    const who = { tenant: team, subject: ada, resource: 'heartbeats' }
    expect(
      await asking({ ...who, open: { write: 'any', delete: 'any' } }, (connection) =>
        count(connection, 'heartbeats'),
      ),
    ).toBe(0)
    expect(await asking({ ...who, open: { read: 'any' } }, (connection) => count(connection, 'notes'))).toBe(
      0,
    )
  })

  it('forgets its settings with the transaction, on the same connection', async () => {
    const client: pg.PoolClient = await database.app.connect()
    try {
      await client.query('begin')
      await client.query(`select set_config('surety.read_heartbeats', 'any', true)`)
      expect((await client.query('select from heartbeats')).rowCount).toBe(3)
      await client.query('commit')
      expect((await client.query('select from heartbeats')).rowCount).toBe(0)
    } finally {
      client.release()
    }
  })

  it('refuses to write a row into another tenant or for another person', async () => {
    const insert = (tenant: string, person: string) => (connection: Connection) =>
      connection.query(
        `insert into heartbeats (id, "createdAt", "personId", "teamId", category, time, _envelope) values ($1, $2, $3, $4, 'coding', $2, '')`,
        [createId(database.clock), now, person, tenant],
      )
    const own = { tenant: team, subject: ada, resource: 'heartbeats', open: { write: 'own' } }
    await expect(asking(own, insert(otherTeam, ada))).rejects.toMatchObject({ code: '42501' })
    await expect(asking(own, insert(team, bob))).rejects.toMatchObject({ code: '42501' })
    await expect(asking({ ...own, open: {} }, insert(team, ada))).rejects.toMatchObject({ code: '42501' })
    const tenant = { ...own, open: { write: 'tenant' } }
    await expect(asking(tenant, insert(otherTeam, bob))).rejects.toMatchObject({ code: '42501' })
  })

  it('changes and deletes no row that is not the asker’s, and moves none away', async () => {
    const own = { tenant: team, subject: ada, resource: 'heartbeats' }
    const touched = (sql: string, open: Asking['open']): Promise<number> =>
      asking({ ...own, open: open! }, async (connection) => (await connection.query(sql)).length)
    expect(
      await touched(`update heartbeats set language = 'ts' returning id`, { read: 'any', write: 'own' }),
    ).toBe(1)
    expect(await touched(`update heartbeats set language = 'ts' returning id`, { read: 'any' })).toBe(0)
    expect(
      await touched(`delete from heartbeats where "personId" = '${bob}' returning id`, {
        read: 'any',
        delete: 'own',
      }),
    ).toBe(0)
    const move = touched(`update heartbeats set "teamId" = '${otherTeam}' returning id`, {
      read: 'any',
      write: 'own',
    })
    await expect(move).rejects.toMatchObject({ code: '42501' })
  })

  it('refuses settings that are no ids instead of ignoring them', async () => {
    const odd = asking(
      { tenant: `' or true`, resource: 'heartbeats', open: { read: 'tenant' } },
      (connection) => count(connection, 'heartbeats'),
    )
    await expect(odd).rejects.toMatchObject({ code: '22P02' })
  })

  it('holds for the owner as well', async () => {
    expect((await database.owner.query('select from app.heartbeats')).rowCount).toBe(0)
  })

  it('lets the app role neither truncate nor look into the system’s schema', async () => {
    await expect(database.app.query('truncate heartbeats')).rejects.toMatchObject({ code: '42501' })
    await expect(database.app.query('select from surety.resources')).rejects.toMatchObject({ code: '42501' })
  })
})

describe('the fixture', () => {
  it('covers a table with tenant and subject, one with either, and one with neither', () => {
    const shapes = [heartbeats, notes, invoices, holidays].map(({ tenant, subject }) => [
      tenant !== null,
      subject !== null,
    ])
    expect(shapes).toEqual([
      [true, true],
      [false, true],
      [true, false],
      [false, false],
    ])
  })
})
