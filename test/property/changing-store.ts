import pg from 'pg'
import type { Principal } from '../../src/access/index.ts'
import type { TestStore } from '../../src/store/testing.ts'
import type { Loose } from '../../src/store/testing/refusals.ts'
import type { Table } from './query.ts'
import { readStored, type Stored } from './world.ts'

type Query = (sql: string) => Promise<{ rows: readonly Record<string, unknown>[] }>

/**
 * A store of one connection, for changes that are rolled back: inside its transaction the connection
 * itself can be asked what is stored now. One change at a time.
 */
export class ChangingStore {
  readonly #pool: pg.Pool
  readonly #store: { as(principal: Principal): { readonly db: Loose } }
  readonly #baselines = new Map<Table, Promise<ReadonlyMap<string, Stored>>>()
  #client: pg.PoolClient | null = null
  #queue: Promise<unknown> = Promise.resolve()

  constructor({ database, reopen }: TestStore, options: Parameters<TestStore['reopen']>[0]) {
    const { options: config } = database.app
    this.#pool = new pg.Pool({ ...config, password: config.password, max: 1 })
    this.#pool.on('acquire', (client) => {
      this.#client = client
    })
    this.#store = reopen({ ...options, pool: this.#pool })
  }

  async close(): Promise<void> {
    await this.#queue
    await this.#pool.end()
  }

  /** Runs `work` in a governed transaction that leaves nothing behind; `query` asks its connection. */
  rolledBack<Result>(
    principal: Principal,
    work: (trx: Loose, query: Query) => Promise<Result>,
  ): Promise<Result> {
    const turn = this.#queue.then(async () => {
      const trx = await this.#store.as(principal).db.startTransaction().execute()
      try {
        return await work(trx, (sql) => this.#client!.query(sql))
      } finally {
        await trx.rollback().execute()
      }
    })
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  /** What a table stores before every change. Asked for inside a change, so it reads by another connection. */
  baseline(table: Table): Promise<ReadonlyMap<string, Stored>> {
    const known = this.#baselines.get(table) ?? this.#read(table)
    this.#baselines.set(table, known)
    return known
  }

  async #read(table: Table): Promise<ReadonlyMap<string, Stored>> {
    const client = new pg.Client({ ...this.#pool.options, password: this.#pool.options.password })
    await client.connect()
    try {
      await client.query('begin')
      return await readStored((sql) => client.query(sql), table)
    } finally {
      await client.end()
    }
  }
}
