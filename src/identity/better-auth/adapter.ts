import {
  createAdapterFactory,
  type AdapterFactoryCustomizeAdapterCreator,
  type CleanedWhere,
} from 'better-auth/adapters'
import type { BetterAuthOptions } from 'better-auth'
import type { Kysely } from 'kysely'
import { createPseudonym, systemClock, type Clock } from '../../kernel/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from '../database.ts'
import { IdentityError } from '../errors.ts'
import { REALM } from '../resources.ts'
import { hashSecret } from '../secrets.ts'
import { meets, narrowing, type Condition, type Row } from './conditions.ts'
import { modelTables, type ModelTable } from './models.ts'

type Creator = AdapterFactoryCustomizeAdapterCreator
type CustomAdapter = ReturnType<Creator>
/** Tables by name, their columns known only at run time. */
type AnyDatabase = Kysely<Record<string, Record<string, unknown>>>

const TABLES = [
  'accounts',
  'sign_in_names',
  'credentials',
  'sign_in_sessions',
  'sign_in_challenges',
  'waiting_letters',
] as const
const MODELS = modelTables(REALM)
const CONFIG = {
  adapterId: 'surety',
  adapterName: 'Surety',
  supportsJSON: true,
  supportsDates: true,
  supportsBooleans: true,
  supportsArrays: true,
  supportsNumericIds: false,
  disableIdGeneration: true,
} as const

export interface AdapterOptions {
  readonly store: AccountStore
  readonly clock: Clock
  /** Told of a new account in the transaction that makes it. */
  readonly onNewAccount?: (open: AccountDatabase, account: NewRow) => Promise<void>
}

/** Whom a new account is for. */
export interface NewRow {
  readonly personId: string
  readonly email: string
}

/**
 * Better Auth's database over the governed store: rows are sealed, tokens and identifiers of steps
 * are stored as SHA-256, an address has one account, ids are minted here, and time is the Clock's.
 *
 * @throws IdentityError `ERR_IDENTITY_QUERY` for a look-up that would read a whole table
 */
export function suretyAdapter(adapterOptions: AdapterOptions) {
  const { store } = adapterOptions
  const root = store('better-auth', TABLES)
  return (options: BetterAuthOptions) =>
    createAdapterFactory({
      config: {
        ...CONFIG,
        transaction: (work) =>
          root.transaction().execute((transaction) =>
            // A second factory over the open transaction: Better Auth's own way to nest them.
            work(
              createAdapterFactory({
                config: { ...CONFIG, transaction: false },
                adapter: methods(transaction, adapterOptions),
              })(options),
            ),
          ),
      },
      adapter: methods(root, adapterOptions),
    })(options)
}

/** The methods over a connection or an open transaction. */
function methods(db: AccountDatabase, options: AdapterOptions): Creator {
  const over = (model: string | undefined, fallback: string) =>
    new ModelRows(db, options, modelOf(model ?? fallback))
  const adapter: CustomAdapter = {
    create: ({ model, modelKey, data }) => over(modelKey, model).create(data) as Promise<never>,
    update: ({ model, modelKey, where, update }) =>
      over(modelKey, model).update(where, update as Row) as Promise<never>,
    updateMany: async ({ model, modelKey, where, update }) => {
      const changed = await over(modelKey, model).updateAll(where, update)
      return changed.length
    },
    findOne: async ({ model, modelKey, where }) => {
      const rows = await over(modelKey, model).find(where)
      return (rows[0] ?? null) as never
    },
    findMany: async ({ model, modelKey, where = [], limit, sortBy, offset = 0 }) => {
      const rows = await over(modelKey, model).find(where)
      return sorted(rows, sortBy).slice(offset, offset + limit) as never
    },
    delete: async ({ model, modelKey, where }) => {
      await over(modelKey, model).delete(where)
    },
    deleteMany: ({ model, modelKey, where }) => over(modelKey, model).delete(where),
    consumeOne: ({ model, modelKey, where }) => over(modelKey, model).consume(where) as Promise<never>,
    count: async ({ model, modelKey, where = [] }) => (await over(modelKey, model).find(where)).length,
  }
  return () => adapter
}

function modelOf(name: string): ModelTable {
  const model = MODELS.get(name)
  if (model) return model
  throw new IdentityError(
    'ERR_IDENTITY_QUERY',
    'a plug-in of Better Auth asks for a table that is not governed',
  )
}

/** The rows of one model, in Better Auth's shape outside and in ours inside. */
class ModelRows {
  readonly #db: AccountDatabase
  readonly #clock: Clock
  readonly #onNewAccount: AdapterOptions['onNewAccount']
  readonly #model: ModelTable

  constructor(db: AccountDatabase, { clock, onNewAccount }: AdapterOptions, model: ModelTable) {
    this.#db = db
    this.#clock = clock
    this.#onNewAccount = onNewAccount
    this.#model = model
  }

  async create(data: Row): Promise<Row> {
    const { table, fixed } = this.#model
    const values: Record<string, unknown> = { ...this.#toColumns(data), ...fixed }
    if (table === 'accounts') values['personId'] ??= createPseudonym()
    else delete values['id']
    const stored = await this.#atomically(async (db) => {
      const [row] = await db.insertInto(table).values(values).returningAll().execute()
      if (table === 'accounts') {
        await claimAddress(db, row!)
        await this.#onNewAccount?.(db as unknown as AccountDatabase, row as unknown as NewRow)
      }
      return row!
    })
    return this.#fromColumns(stored, [], data)
  }

  async find(where: readonly CleanedWhere[]): Promise<Row[]> {
    const conditions = this.#conditions(where)
    const rows = await this.#select(this.#any(this.#db), conditions)
    return rows.map((row) => this.#fromColumns(row, where))
  }

  async update(where: readonly CleanedWhere[], changes: Row): Promise<Row | null> {
    const [row] = await this.updateAll(where, changes, 1)
    return row ?? null
  }

  /** Rows are changed only as long as they still are what was asked for. */
  updateAll(where: readonly CleanedWhere[], changes: Row, most = Number.POSITIVE_INFINITY): Promise<Row[]> {
    const { table } = this.#model
    const values = this.#toColumns(changes)
    return this.#atomically(async (db) => {
      const changed: Row[] = []
      for (const { id } of (await this.#locked(db, this.#conditions(where))).slice(0, most)) {
        const [row] = await db
          .updateTable(table)
          .set(values)
          .where('id', '=', id as string)
          .returningAll()
          .execute()
        if (row && table === 'accounts' && 'email' in values) await claimAddress(db, row)
        if (row) changed.push(this.#fromColumns(row, where, changes))
      }
      return changed
    })
  }

  delete(where: readonly CleanedWhere[]): Promise<number> {
    return this.#atomically(async (db) => {
      const rows = await this.#locked(db, this.#conditions(where))
      for (const row of rows) await this.#remove(db, row)
      return rows.length
    })
  }

  /** Of callers that race for a row, one gets it: its deletion decides. */
  async consume(where: readonly CleanedWhere[]): Promise<Row | null> {
    return this.#atomically(async (db) => {
      for (const row of await this.#select(db, this.#conditions(where))) {
        if (await this.#remove(db, row)) return this.#fromColumns(row, where)
      }
      return null
    })
  }

  async #remove(db: AnyDatabase, row: Row): Promise<boolean> {
    const { table } = this.#model
    if (table === 'accounts')
      await db
        .deleteFrom('sign_in_names')
        .where('personId', '=', row['personId'] as string)
        .execute()
    const [gone] = await db
      .deleteFrom(table)
      .where('id', '=', row['id'] as string)
      .execute()
    return gone!.numDeletedRows === 1n
  }

  async #select(db: AnyDatabase, conditions: readonly Condition[]): Promise<Row[]> {
    let query = db.selectFrom(this.#model.table).selectAll()
    for (const { column, operator, value } of narrowing(conditions, this.#model))
      query = query.where(column, operator, value)
    return (await query.orderBy('id').execute()).filter((row) => meets(row, conditions))
  }

  /** The rows as they are once nobody else is changing them. */
  async #locked(db: AnyDatabase, conditions: readonly Condition[]): Promise<Row[]> {
    const ids = (await this.#select(db, conditions)).map(({ id }) => id as string)
    if (ids.length === 0) return []
    const rows = await db
      .selectFrom(this.#model.table)
      .selectAll()
      .where('id', 'in', ids)
      .orderBy('id')
      .forUpdate()
      .execute()
    return rows.filter((row) => meets(row, conditions))
  }

  #atomically<T>(work: (db: AnyDatabase) => Promise<T>): Promise<T> {
    return inOneTransaction(this.#db, (transaction) => work(this.#any(transaction)))
  }

  #any(db: AccountDatabase): AnyDatabase {
    return db as unknown as AnyDatabase
  }

  #conditions(where: readonly CleanedWhere[]): Condition[] {
    return where.map(({ field, operator = 'eq', connector = 'AND', value }) => {
      const column = this.#model.renamed[field] ?? field
      const toStored = (one: unknown): unknown => this.#toStored(column, one)
      return {
        column,
        operator,
        connector,
        value: Array.isArray(value) ? value.map(toStored) : toStored(value),
      }
    })
  }

  #toColumns(data: Row): Record<string, unknown> {
    const columns: Record<string, unknown> = {}
    for (const [field, value] of Object.entries(data)) {
      const column = this.#model.renamed[field] ?? field
      // The store mints it at receipt.
      if (column !== 'createdAt' && value !== undefined) columns[column] = this.#toStored(column, value)
    }
    return columns
  }

  #toStored(column: string, value: unknown): unknown {
    if (value instanceof Date) return new Date(value.getTime() + this.#aheadMs())
    return this.#model.hashed.has(column) && typeof value === 'string' ? hashSecret(value) : value
  }

  /** A secret comes back as it was given, for what is stored of it is only its hash. */
  #fromColumns(row: Row, where: readonly CleanedWhere[], given: Row = {}): Row {
    const { renamed, hashed } = this.#model
    const fields: Record<string, unknown> = { ...row }
    for (const [field, column] of Object.entries(renamed)) fields[field] = row[column]
    for (const field of hashed) {
      const asked = where.filter((one) => one.field === field).flatMap(({ value }) => value as unknown)
      const known = [given[field], ...asked].filter((value) => typeof value === 'string')
      fields[field] = known.find((value) => hashSecret(value) === row[field]) ?? row[field]
    }
    for (const [field, value] of Object.entries(fields))
      if (value instanceof Date) fields[field] = new Date(value.getTime() - this.#aheadMs())
    return fields
  }

  /** Better Auth asks the machine for the time: what it is given is shifted, and shifted back when stored. */
  #aheadMs(): number {
    return this.#clock.now() - systemClock.now()
  }
}

/** Makes the account's address its own. @throws StoreError `ERR_STORE_CONFLICT` where another has it */
async function claimAddress(db: AnyDatabase, { personId, email }: Row): Promise<void> {
  await db
    .deleteFrom('sign_in_names')
    .where('personId', '=', personId as string)
    .execute()
  await db.insertInto('sign_in_names').values({ personId, realmId: REALM, email }).execute()
}

function sorted(rows: Row[], by: { field: string; direction: 'asc' | 'desc' } | undefined): Row[] {
  if (!by) return rows
  const sign = by.direction === 'asc' ? 1 : -1
  const rank = (row: Row): number | string => {
    const value = row[by.field]
    return value instanceof Date ? value.getTime() : (value as number | string)
  }
  return rows.toSorted((a, b) => (rank(a) < rank(b) ? -sign : rank(a) > rank(b) ? sign : 0))
}
