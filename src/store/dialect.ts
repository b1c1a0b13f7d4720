import {
  PostgresAdapter,
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type QueryCompiler,
  type QueryResult,
  type RootOperationNode,
  type TransactionSettings,
} from 'kysely'
import { hasCode } from '../kernel/index.ts'
import type { Plan } from './plan/plan.ts'
import type { PlanCache } from './plan/plan-cache.ts'
import { forTheEye } from './seal/parameters.ts'
import type { Policy } from './plan/authority.ts'
import { notOffered, type Session } from './transport.ts'

/** What a governed Kysely needs of the store around it. */
export interface Backend {
  connect(): Promise<Session>
  execute(session: Session, plan: Plan): Promise<QueryResult<unknown>>
}

/**
 * Kysely's dialect for one principal. Kysely itself never talks to the database: what it compiles
 * is a plan, and a connection runs plans of its own principal only. Whatever else it is handed is
 * planned anew from its query tree, so SQL text made elsewhere never runs. The compiler and the
 * driver stay in place under every `with…` method of Kysely, plugins included.
 */
export function governedDialect(policy: Policy, backend: Backend, cache: PlanCache): Dialect {
  const compiler = new PlanningCompiler(policy, cache)
  return dialectOf(compiler, backend.connect, (session, compiled) =>
    backend.execute(session, compiler.planOf(compiled)),
  )
}

/** How a compiled query runs on a connection. */
export type RunCompiled = (session: Session, compiled: CompiledQuery) => Promise<QueryResult<unknown>>

/** Kysely's dialect around a compiler and what runs what it compiled; everything else is refused. */
export function dialectOf(compiler: QueryCompiler, connect: Backend['connect'], run: RunCompiled): Dialect {
  return {
    createAdapter: (): DialectAdapter => new PostgresAdapter(),
    createDriver: (): Driver => new GovernedDriver(connect, run),
    createIntrospector: (): DatabaseIntrospector => {
      throw notOffered('introspection')
    },
    createQueryCompiler: (): QueryCompiler => compiler,
  }
}

class PlanningCompiler implements QueryCompiler {
  readonly #policy: Policy
  readonly #cache: PlanCache
  readonly #plans = new WeakMap<object, Plan>()

  constructor(policy: Policy, cache: PlanCache) {
    this.#policy = policy
    this.#cache = cache
  }

  /** The compiled query keeps the caller's tree; its SQL and parameters are a copy, for the eye only. */
  compileQuery(query: RootOperationNode, queryId: CompiledQuery['queryId']): CompiledQuery {
    const plan = this.#plan(query)
    const compiled: CompiledQuery = Object.freeze({
      query,
      queryId,
      sql: plan.template.sql,
      parameters: forTheEye(plan.template.parameters),
    })
    this.#plans.set(compiled, plan)
    return compiled
  }

  planOf(compiled: CompiledQuery): Plan {
    return this.#plans.get(compiled) ?? this.#plan(compiled.query)
  }

  #plan(query: RootOperationNode): Plan {
    try {
      return this.#cache.plan(this.#policy, query)
    } catch (error) {
      if (hasCode(error, 'ERR_STORE_FORBIDDEN')) this.#policy.onRefused?.('ERR_STORE_FORBIDDEN')
      throw error
    }
  }
}

class GovernedConnection implements DatabaseConnection {
  readonly #session: Session
  readonly #run: RunCompiled

  constructor(session: Session, run: RunCompiled) {
    this.#session = session
    this.#run = run
  }

  async executeQuery<Row>(compiled: CompiledQuery): Promise<QueryResult<Row>> {
    return (await this.#run(this.#session, compiled)) as QueryResult<Row>
  }

  streamQuery(): never {
    throw notOffered('streaming')
  }
}

class GovernedDriver implements Driver {
  readonly #connect: Backend['connect']
  readonly #run: RunCompiled
  readonly #sessions = new WeakMap<DatabaseConnection, Session>()

  constructor(connect: Backend['connect'], run: RunCompiled) {
    this.#connect = connect
    this.#run = run
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const session = await this.#connect()
    const connection = new GovernedConnection(session, this.#run)
    this.#sessions.set(connection, session)
    return connection
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return this.#session(connection).begin(settings)
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#session(connection).end('commit')
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#session(connection).end('rollback')
  }

  savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#session(connection).savepoint('savepoint', name)
  }

  rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#session(connection).savepoint('rollback to savepoint', name)
  }

  releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#session(connection).savepoint('release savepoint', name)
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#session(connection).release()
  }

  /** The pool belongs to the application, not to one of its principals. */
  async destroy(): Promise<void> {
    throw notOffered('destroy')
  }

  #session(connection: DatabaseConnection): Session {
    const session = this.#sessions.get(connection)
    if (!session) throw notOffered('a connection of another principal')
    return session
  }
}
