import pg from 'pg'
import type { TransactionSettings } from 'kysely'
import { asConnection, quoteIdentifier, type Connection } from '../database/index.ts'
import { hasCode } from '../kernel/index.ts'
import { BatchFailure, sendBatch, type StatementResult, type Step } from './batch.ts'
import { toStoreError } from './database-error.ts'
import { StoreError } from './errors.ts'
import { isForgotten, statementsOf, type Wires } from './wires.ts'

/** The open transaction of one statement, as the code that runs it sees it. */
export interface OpenTransaction {
  /** For the key tree, which takes part in the same transaction. */
  readonly connection: Connection
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>
}

/**
 * Runs steps as one transaction of their own, under the statement's settings. `steps` is called once
 * more where the server had forgotten a prepared statement: nothing was done until then.
 * @throws BatchFailure
 */
export type Send = (steps: () => Iterable<Step>) => Promise<StatementResult[]>

/** How a statement runs. */
export interface Work<Result> {
  /**
   * The short way, outside a caller's transaction: each `send` is one round trip. Null when it did
   * not do; then `run` does all of it.
   */
  readonly atOnce?: ((send: Send) => Promise<Result | null>) | null
  /** The long way, one statement after the other in an open transaction. */
  readonly run: (transaction: OpenTransaction) => Promise<Result>
}

const STEP = 'surety_step'

/**
 * One pooled connection in the hands of one principal.
 *
 * Each statement runs inside a transaction whose local settings say who asks and how far the
 * permission reaches; row-level security reads them. Outside a caller's transaction that is a
 * transaction of its own: where the work allows it a single batch of settings and statements behind
 * one Sync, else a transaction that is begun and ended. Statements of one connection run one after
 * the other, so that no statement ever runs under another one's settings.
 */
export class Session {
  readonly #client: pg.PoolClient
  readonly #wires: Wires
  #queue: Promise<unknown> = Promise.resolve()
  #inTransaction = false
  #settings = new Map<string, string>()
  #ending = false
  #broken = false
  #released = false

  constructor(client: pg.PoolClient, wires: Wires) {
    this.#client = client
    this.#wires = wires
  }

  /**
   * Runs `work` under exactly these settings.
   * @param atomic true when `work` is several statements: inside a caller's transaction a failure
   *   then undoes all of them
   * @param steady true when the statements of `work` must see the data as of one moment; a caller's
   *   transaction sees it as its own isolation level says
   * @throws StoreError a code without the database's detail, which can hold values
   */
  statement<Result>(
    settings: ReadonlyMap<string, string>,
    atomic: boolean,
    { run, atOnce = null }: Work<Result>,
    steady = false,
  ): Promise<Result> {
    // It would run by itself behind the end, and stay when the transaction was rolled back.
    if (this.#ending) return Promise.reject(notOffered('a statement after the end of its transaction'))
    return this.#exclusive(async () => {
      if (this.#inTransaction) return atomic ? this.#step(settings, run) : this.#work(settings, run)
      if (steady) return this.#steadily(settings, run)
      const done = atOnce && this.#wires.batches ? await this.#atOnce(settings, atOnce) : null
      return done ?? this.#ownTransaction(settings, run)
    })
  }

  begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#inTransaction) throw notOffered('a transaction inside a transaction')
      await this.#command(`begin${isolation(isolationLevel)}${access(accessMode)}`)
      this.#inTransaction = true
      this.#settings = new Map()
    })
  }

  /** @throws StoreError `ERR_STORE_ABORTED` when the database rolled back what was to be committed */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    this.#ending = true
    try {
      await this.#exclusive(async () => {
        this.#inTransaction = false
        const done = await this.#command(how)
        if (how === 'commit' && done !== 'COMMIT') throw rolledBack()
      })
    } finally {
      this.#ending = false
    }
  }

  savepoint(verb: 'savepoint' | 'rollback to savepoint' | 'release savepoint', name: string): Promise<void> {
    if (!/^[A-Za-z0-9_]{1,50}$/.test(name)) throw notOffered('a savepoint of that name')
    return this.#exclusive(async () => {
      await this.#command(`${verb} ${quoteIdentifier(`user_${name}`)}`)
      // Rolling back to a savepoint takes the settings back, too: send them all again.
      this.#settings = new Map([...this.#settings.keys()].map((setting) => [setting, UNKNOWN]))
    })
  }

  /**
   * Gives the connection back once the statements that were begun are done, or ends it when its
   * state is not certain. Whoever kept the session cannot use it any more: the connection may be
   * in the hands of another principal.
   */
  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    await this.#queue
    this.#client.release(this.#broken || this.#inTransaction)
  }

  #exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#released) return Promise.reject(notOffered('a connection that was given back'))
    const done = this.#queue.then(work, work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  async #atOnce<Result>(
    settings: ReadonlyMap<string, string>,
    work: (send: Send) => Promise<Result | null>,
  ): Promise<Result | null> {
    try {
      return await work((steps) => this.#send(settings, steps))
    } catch (error) {
      throw error instanceof BatchFailure ? toStoreError(error.cause) : error
    }
  }

  async #send(
    settings: ReadonlyMap<string, string>,
    steps: () => Iterable<Step>,
    again = false,
  ): Promise<StatementResult[]> {
    const statements = statementsOf(this.#wires, this.#client)
    try {
      return (await sendBatch(this.#client, underSettings(settings, steps()), statements)).slice(1)
    } catch (error) {
      const { cause, step, fromServer } = error as BatchFailure
      if (fromServer && !(cause instanceof pg.DatabaseError)) this.#broken = true
      if (!again && statements && isForgotten(this.#wires, statements, cause))
        return this.#send(settings, steps, true)
      throw new BatchFailure(cause, step - 1, fromServer)
    }
  }

  /** Once more where another transaction made the key first that an index needs: only that is written. */
  async #steadily<Result>(
    settings: ReadonlyMap<string, string>,
    work: (transaction: OpenTransaction) => Promise<Result>,
  ): Promise<Result> {
    const once = () => this.#ownTransaction(settings, work, 'repeatable read')
    return once().catch((error: unknown) => {
      if (hasCode(error, 'ERR_STORE_RETRY')) return once()
      throw error
    })
  }

  async #ownTransaction<Result>(
    settings: ReadonlyMap<string, string>,
    work: (transaction: OpenTransaction) => Promise<Result>,
    level?: TransactionSettings['isolationLevel'],
  ): Promise<Result> {
    await this.#begin(`begin${isolation(level)}`, settings)
    try {
      const result = await this.#work(settings, work)
      await this.#command('commit')
      return result
    } catch (error) {
      await this.#command('rollback').catch(() => undefined)
      throw error
    }
  }

  /** Begins a transaction and applies its first settings, in one round trip where that is possible. */
  async #begin(sql: string, settings: ReadonlyMap<string, string>): Promise<void> {
    if (!this.#wires.batches || settings.size === 0) {
      await this.#command(sql)
      this.#settings = new Map()
      return
    }
    try {
      await sendBatch(this.#client, [{ sql, parameters: [] }, settingsStep([...settings])], null)
      this.#settings = new Map(settings)
    } catch (error) {
      this.#broken = true
      throw toStoreError((error as BatchFailure).cause)
    }
  }

  async #step<Result>(
    settings: ReadonlyMap<string, string>,
    work: (transaction: OpenTransaction) => Promise<Result>,
  ): Promise<Result> {
    await this.#apply(settings)
    await this.#command(`savepoint ${STEP}`)
    try {
      const result = await this.#work(settings, work)
      await this.#command(`release savepoint ${STEP}`)
      return result
    } catch (error) {
      await this.#command(`rollback to savepoint ${STEP}`).catch(() => undefined)
      throw error
    }
  }

  async #work<Result>(
    settings: ReadonlyMap<string, string>,
    work: (transaction: OpenTransaction) => Promise<Result>,
  ): Promise<Result> {
    await this.#apply(settings)
    const run = (sql: string, parameters: readonly unknown[]) => this.#query(sql, parameters)
    try {
      return await work({ connection: this.#forKeys(), run })
    } catch (error) {
      // The key tree's statements run on the same connection and fail in their own way.
      throw error instanceof pg.DatabaseError ? toStoreError(error) : error
    }
  }

  /** The key tree reads some of the database's errors itself; the loss of the connection is ours to tell. */
  #forKeys(): Connection {
    const { query } = asConnection(this.#client)
    return {
      query: <Row>(sql: string, values?: readonly unknown[]) =>
        query<Row>(sql, values).catch((error: unknown) => {
          throw error instanceof pg.DatabaseError ? error : toStoreError(error)
        }),
    }
  }

  /** Sends what differs from what the transaction has; a setting that is no longer meant is emptied. */
  async #apply(settings: ReadonlyMap<string, string>): Promise<void> {
    const wanted = new Map([...this.#settings.keys()].map((name) => [name, '']))
    for (const [name, value] of settings) wanted.set(name, value)
    const changed = [...wanted].filter(([name, value]) => (this.#settings.get(name) ?? '') !== value)
    if (changed.length === 0) return
    const { sql, parameters } = settingsStep(changed)
    await this.#query(sql, parameters)
    this.#settings = wanted
  }

  async #query(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    try {
      const { rows, rowCount } = await this.#client.query<Record<string, unknown>>(
        sql,
        parameters as unknown[],
      )
      return { rows, count: rowCount ?? 0 }
    } catch (error) {
      throw toStoreError(error)
    }
  }

  /** The database's own word for what it did. */
  async #command(sql: string): Promise<string> {
    try {
      return (await this.#client.query(sql)).command
    } catch (error) {
      // A failed savepoint command leaves the transaction to its owner; anything else is uncertain.
      this.#broken ||= !sql.includes('savepoint')
      throw toStoreError(error)
    }
  }
}

function* underSettings(settings: ReadonlyMap<string, string>, steps: Iterable<Step>): Iterable<Step> {
  yield settingsStep([...settings])
  yield* steps
}

/** Local to the transaction: nothing is left on the connection, whoever gets it next. */
function settingsStep(settings: readonly (readonly [name: string, value: string])[]): Step {
  return { sql: settingsSql(settings.length), parameters: settings.flat(), prepare: true }
}

const settingsSqls: string[] = []

/** One text for one number of settings: looking up what is prepared for a new text costs more. */
function settingsSql(count: number): string {
  const known = settingsSqls[count]
  if (known !== undefined) return known
  const calls = Array.from({ length: count }, (_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, true)`)
  return (settingsSqls[count] = `select ${calls.join(', ')}`)
}

const UNKNOWN = '\u0000unknown'

const ISOLATION_LEVELS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable']
const ACCESS_MODES = ['read only', 'read write']

function isolation(level: TransactionSettings['isolationLevel']): string {
  if (level === undefined) return ''
  if (!ISOLATION_LEVELS.includes(level)) throw notOffered('this isolation level')
  return ` isolation level ${level}`
}

function access(mode: TransactionSettings['accessMode']): string {
  if (mode === undefined) return ''
  if (!ACCESS_MODES.includes(mode)) throw notOffered('this access mode')
  return ` ${mode}`
}

/** The refusal of a part of Kysely that the governed store does not offer. */
export function notOffered(what: string): Error {
  return new StoreError('ERR_STORE_NOT_OFFERED', `${what} is not offered by the governed store`)
}

/** Tells Kysely that there is nothing left to roll back. */
const ABORTED_TRANSACTION = Symbol.for('kysely.AbortedTransactionError')

function rolledBack(): Error {
  const error = new StoreError(
    'ERR_STORE_ABORTED',
    'the transaction was rolled back instead of committed: a statement in it had failed',
  )
  return Object.assign(error, { [ABORTED_TRANSACTION]: true })
}
