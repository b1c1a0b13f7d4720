import { mkdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asConnection, inTransaction, type Connection } from '../database/index.ts'
import { startTestDatabase, type TestDatabase } from '../database/testing.ts'
import { createPseudonym } from '../kernel/index.ts'
import {
  INSTALLATION,
  keysMigrations,
  openFileProvider,
  openKeyTree,
  type DataKey,
  type KeyOwner,
  type OpenKeyTree,
} from './index.ts'
import { startTestKeys, type TestKeys } from './testing.ts'

let database: TestDatabase
let keys: TestKeys
let tree: OpenKeyTree

beforeAll(async () => {
  database = await startTestDatabase({ migrations: [keysMigrations] })
  keys = await startTestKeys(database)
  tree = keys.tree
})
afterAll(() => database?.close())

const newOwner = (tenant = createPseudonym()): KeyOwner => ({ tenant, subject: createPseudonym() })
const code = (name: string): object => expect.objectContaining({ code: name }) as object

/** A transaction of the app role, for one tenant. */
function as<Result>(
  tenant: string,
  work: (connection: Connection) => Promise<Result>,
  subject = '',
): Promise<Result> {
  return inTransaction(database.app, async (connection) => {
    await connection.query(
      `select set_config('surety.tenant', $1, true), set_config('surety.subject', $2, true)`,
      [tenant, subject],
    )
    return work(connection)
  })
}

const write = (owner: KeyOwner): Promise<DataKey> =>
  as(owner.tenant, async (connection) => (await tree.forWriting(connection, [owner]))[0]!)
const read = (tenant: string, id: string): Promise<DataKey | undefined> =>
  as(tenant, async (connection) => (await tree.forReading(connection, [id])).get(id))
const bytes = (key: DataKey): string => key.key.export().toString('hex')

/** A second process: the same folder and database, nothing in memory. */
async function anotherTree(): Promise<OpenKeyTree> {
  const { clock, logger, owner } = database
  const provider = await openFileProvider({ folder: keys.folder, outside: [], clock })
  return openKeyTree({ provider, owner, clock, logger })
}

describe('data keys', () => {
  it('are made once per owner and read again by every process', async () => {
    const owner = newOwner()
    const key = await write(owner)
    expect(key).toMatchObject(owner)
    expect(bytes(await write(owner))).toBe(bytes(key))
    expect(bytes((await read(owner.tenant, key.id))!)).toBe(bytes(key))
    const other = await anotherTree()
    const again = await as(owner.tenant, (connection) => other.forReading(connection, [key.id]))
    expect(bytes(again.get(key.id)!)).toBe(bytes(key))
  })

  it('come in the order of their owners, doubles included', async () => {
    const tenant = createPseudonym()
    const [a, b] = [newOwner(tenant), newOwner(tenant)]
    const got = await as(tenant, (connection) => tree.forWriting(connection, [b, a, b]))
    expect(got.map(({ subject }) => subject)).toEqual([b.subject, a.subject, b.subject])
    expect(got[0]!.id).toBe(got[2]!.id)
  })

  it('of a thousand subjects are made in one go', async () => {
    const tenant = createPseudonym()
    const owners = Array.from({ length: 1_000 }, () => newOwner(tenant))
    const got = await as(tenant, (connection) => tree.forWriting(connection, owners))
    expect(new Set(got.map(bytes)).size).toBe(1_000)
  })

  it('are one and the same for many that ask at once', async () => {
    const owner = newOwner()
    const got = await Promise.all(Array.from({ length: 8 }, () => write(owner)))
    expect(new Set(got.map(bytes)).size).toBe(1)
  })

  it('vanish with the transaction that made them', async () => {
    const owner = newOwner()
    const undone = as(owner.tenant, async (connection) => {
      await tree.forWriting(connection, [owner])
      throw new TypeError('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    const [row] = await asConnection(database.owner).query(
      'select count(*) from surety.data_keys where tenant = $1',
      [owner.tenant],
    )
    expect(row).toEqual({ count: 0 })
  })

  it('are stored wrapped only: no table holds a key', async () => {
    const owner = newOwner()
    const key = await write(owner)
    const tables = await asConnection(database.owner).query(
      `select encode(wrapped, 'hex') as hex from surety.data_keys union all select encode(wrapped, 'hex') from surety.bucket_keys`,
    )
    expect(JSON.stringify(tables)).not.toContain(bytes(key))
  })
})

describe('another tenant', () => {
  it('sees and makes no keys', async () => {
    const owner = newOwner()
    const { id } = await write(owner)
    const stranger = createPseudonym()
    expect(await read(stranger, id)).toBeUndefined()
    await expect(as(stranger, (connection) => tree.forWriting(connection, [owner]))).rejects.toEqual(
      code('ERR_KEYS_OWNER'),
    )
    await expect(as(stranger, (connection) => tree.forWriting(connection, [newOwner()]))).rejects.toEqual(
      code('ERR_KEYS_OWNER'),
    )
    await expect(as('', (connection) => tree.forWriting(connection, [newOwner()]))).rejects.toEqual(
      code('ERR_KEYS_OWNER'),
    )
  })

  it('does not hinder a person who is their own tenant, nor a system task', async () => {
    const person = createPseudonym()
    const own = { tenant: person, subject: person }
    const made = await as(createPseudonym(), (connection) => tree.forWriting(connection, [own]), person)
    const seen = await inTransaction(database.app, async (connection) => {
      await connection.query(`set local surety.keys = 'any'`)
      return tree.forReading(connection, [made[0]!.id])
    })
    expect(seen.size).toBe(1)
  })
})

describe('the app role', () => {
  const attempt = (tenant: string, sql: string): Promise<unknown> =>
    as(tenant, (connection) => connection.query(sql))

  it.each([
    'select from surety.bucket_keys',
    'select from surety.epoch_keys',
    'delete from surety.data_keys',
    'update surety.data_keys set wrapped = null',
    'update surety.data_keys set erased_at = null',
    'update surety.data_keys set subject = tenant',
    'truncate surety.data_keys',
  ])('may not: %s', async (sql) => {
    await expect(attempt(createPseudonym(), sql)).rejects.toMatchObject({ code: '42501' })
  })

  it('cannot plant a tombstone', async () => {
    const tenant = createPseudonym()
    const plant = `insert into surety.data_keys (id, tenant, subject, bucket, created_at) values ('${createPseudonym()}', '${tenant}', '${tenant}', 1, 'epoch')`
    await expect(attempt(tenant, plant)).rejects.toMatchObject({ code: '23514' })
  })
})

describe('erasure', () => {
  const erase = (owner: KeyOwner): Promise<number> =>
    inTransaction(database.owner, (connection) => tree.erase(connection, [owner]))

  it('takes the key away at once, from caches too, and never gives another', async () => {
    const owner = newOwner()
    const key = await write(owner)
    expect(await read(owner.tenant, key.id)).toBeDefined()
    expect(await erase(owner)).toBe(1)
    expect(await read(owner.tenant, key.id)).toBeUndefined()
    await expect(write(owner)).rejects.toEqual(code('ERR_KEYS_ERASED'))
    expect(await erase(owner)).toBe(0)
  })

  it('keeps a subject from getting a first key as well', async () => {
    const owner = newOwner()
    expect(await erase(owner)).toBe(0)
    await expect(write(owner)).rejects.toEqual(code('ERR_KEYS_ERASED'))
  })

  it('marks the key’s bucket', async () => {
    const owner = newOwner()
    const { id } = await write(owner)
    await erase(owner)
    const rows = await asConnection(database.owner).query(
      `select b.ladder, b.dirty from surety.bucket_keys b join surety.data_keys d using (bucket) where d.id = $1 order by 1`,
      [id],
    )
    expect(rows).toEqual([{ ladder: 'live', dirty: true }])
  })

  it('waits for a write that holds the key', async () => {
    const owner = newOwner()
    await write(owner)
    const order: string[] = []
    let erased: Promise<number> | undefined
    await as(owner.tenant, async (connection) => {
      await tree.forWriting(connection, [owner])
      erased = erase(owner).finally(() => order.push('erased'))
      await new Promise((resolve) => setTimeout(resolve, 200))
      order.push('written')
    })
    await erased
    expect(order).toEqual(['written', 'erased'])
  })

  it('makes a write fail that asks while it runs', async () => {
    const owner = newOwner()
    await write(owner)
    let racing: Promise<unknown> | undefined
    await inTransaction(database.owner, async (connection) => {
      await tree.erase(connection, [owner])
      racing = write(owner).catch((error: unknown) => error)
      await new Promise((resolve) => setTimeout(resolve, 100))
    })
    expect(await racing).toEqual(code('ERR_KEYS_ERASED'))
  })
})

describe('edited rows', () => {
  const edit = (sql: string, values: unknown[]): Promise<unknown> => database.owner.query(sql, values)

  it('give no key: a wrap moved to another subject, a changed byte, another bucket', async () => {
    const tenant = createPseudonym()
    const [a, b, c, d] = [
      await write(newOwner(tenant)),
      await write(newOwner(tenant)),
      await write(newOwner(tenant)),
      await write(newOwner(tenant)),
    ]
    await edit(
      `update surety.data_keys set (wrapped, bucket) = (select wrapped, bucket from surety.data_keys where id = $1) where id = $2`,
      [a.id, b.id],
    )
    await edit(
      `update surety.data_keys set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where id = $1`,
      [c.id],
    )
    await edit(`update surety.data_keys set bucket = (bucket + 1) % 4096 where id = $1`, [d.id])
    for (const { id } of [b, c, d]) await expect(read(tenant, id)).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
    expect(bytes((await read(tenant, a.id))!)).toBe(bytes(a))
  })

  it('give no key: a wrap handed to another tenant together with its subject', async () => {
    const owner = newOwner()
    const { id } = await write(owner)
    const thief = createPseudonym()
    await edit('update surety.data_keys set tenant = $1 where id = $2', [thief, id])
    await expect(read(thief, id)).rejects.toEqual(code('ERR_KEYS_UNWRAP'))
  })

  it('give no key: a bucket key of another bucket, unless it is still in memory', async () => {
    const owner = newOwner()
    const { id } = await write(owner)
    await write(newOwner())
    const own = `ladder = 'live' and bucket = (select bucket from surety.data_keys where id = $1)`
    const [before] = await asConnection(database.owner).query<{ wrapped: Buffer }>(
      `select wrapped from surety.bucket_keys where ${own}`,
      [id],
    )
    await edit(
      `update surety.bucket_keys set wrapped = (select o.wrapped from surety.bucket_keys o where o.ladder = 'live' and o.bucket <> surety.bucket_keys.bucket limit 1) where ${own}`,
      [id],
    )
    const other = await anotherTree()
    await expect(as(owner.tenant, (connection) => other.forReading(connection, [id]))).rejects.toEqual(
      code('ERR_KEYS_UNWRAP'),
    )
    await edit(`update surety.bucket_keys set wrapped = $2 where ${own}`, [id, before!.wrapped])
    expect(await read(owner.tenant, id)).toBeDefined()
  })
})

describe('blind index keys', () => {
  const indexKey = (tenant: string | null, field: string, inTenant = tenant ?? ''): Promise<string> =>
    as(inTenant, async (connection) =>
      (await tree.blindIndexKey(connection, { resource: 'heartbeats', field, tenant }))
        .export()
        .toString('hex'),
    )

  it('differ by tenant and field, and stay the same', async () => {
    const [team, other] = [createPseudonym(), createPseudonym()]
    const all = [
      await indexKey(team, 'project'),
      await indexKey(team, 'branch'),
      await indexKey(other, 'project'),
      await indexKey(null, 'project'),
    ]
    expect(new Set(all).size).toBe(4)
    expect(await indexKey(team, 'project')).toBe(all[0])
    const again = await anotherTree()
    const key = await as(team, (connection) =>
      again.blindIndexKey(connection, { resource: 'heartbeats', field: 'project', tenant: team }),
    )
    expect(key.export().toString('hex')).toBe(all[0])
  })

  it('of the installation are there before any tenant is known', async () => {
    expect(await indexKey(null, 'email', '')).toBe(await indexKey(null, 'email', createPseudonym()))
  })

  it('die with the tenant’s own key', async () => {
    const team = createPseudonym()
    await indexKey(team, 'project')
    await inTransaction(database.owner, (connection) =>
      tree.erase(connection, [{ tenant: team, subject: team }]),
    )
    await expect(indexKey(team, 'project')).rejects.toEqual(code('ERR_KEYS_ERASED'))
  })

  it('of another tenant are refused', async () => {
    const team = createPseudonym()
    await indexKey(team, 'project')
    await expect(indexKey(team, 'project', createPseudonym())).rejects.toEqual(code('ERR_KEYS_OWNER'))
  })

  it('are never the key that seals', async () => {
    const team = createPseudonym()
    const derived = await indexKey(team, 'project')
    expect(derived).not.toBe(bytes(await write({ tenant: team, subject: team })))
    expect(INSTALLATION).toBe('00000000-0000-0000-0000-000000000000')
  })
})

describe('a start', () => {
  it('finds the same epochs again and makes no new ones', async () => {
    await anotherTree()
    const rows = await asConnection(database.owner).query(
      'select ladder, epoch from surety.epoch_keys order by 1',
    )
    expect(rows).toEqual([
      { ladder: 'backup', epoch: 1 },
      { ladder: 'live', epoch: 1 },
    ])
  })

  it('refuses a key folder that belongs to another database', async () => {
    const folder = `${keys.folder}-other`
    await mkdir(folder, { mode: 0o700 })
    const { clock, logger, owner } = database
    const provider = await openFileProvider({ folder, outside: [], clock })
    await expect(openKeyTree({ provider, owner, clock, logger })).rejects.toEqual(code('ERR_KEYS_EPOCH'))
  })

  it('of several processes at once makes one pair of epochs', async () => {
    const fresh = await startTestDatabase({ migrations: [keysMigrations] })
    const { provider } = keys
    const { clock, logger, owner } = fresh
    await Promise.all([1, 2, 3].map(() => openKeyTree({ provider, owner, clock, logger })))
    expect((await owner.query('select from surety.epoch_keys')).rowCount).toBe(2)
    expect((await owner.query('select from surety.data_keys')).rowCount).toBe(1)
    await fresh.close()
  })

  it('opens nothing after its live epoch key is destroyed', async () => {
    const fresh = await startTestDatabase({ migrations: [keysMigrations] })
    const own = await startTestKeys(fresh)
    const [row] = await asConnection(fresh.owner).query<{ provider_key: string }>(
      `select provider_key from surety.epoch_keys where ladder = 'live'`,
    )
    await own.provider.destroy(row!.provider_key)
    const { clock, logger, owner } = fresh
    await expect(openKeyTree({ provider: own.provider, owner, clock, logger })).rejects.toEqual(
      code('ERR_KEYS_EPOCH'),
    )
    own.tree.close()
    const late = inTransaction(owner, (connection) =>
      own.tree.forWriting(connection, [{ tenant: INSTALLATION, subject: INSTALLATION }]),
    )
    await expect(late).rejects.toEqual(code('ERR_KEYS_DESTROYED'))
    await fresh.close()
  })
})
