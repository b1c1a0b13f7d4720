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
  return {
    createAdapter: (): DialectAdapter => new PostgresAdapter(),
    createDriver: (): Driver => new GovernedDriver(compiler, backend),
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
  readonly #compiler: PlanningCompiler
  readonly #backend: Backend

  constructor(session: Session, compiler: PlanningCompiler, backend: Backend) {
    this.#session = session
    this.#compiler = compiler
    this.#backend = backend
  }

  async executeQuery<Row>(compiled: CompiledQuery): Promise<QueryResult<Row>> {
    const plan = this.#compiler.planOf(compiled)
    return (await this.#backend.execute(this.#session, plan)) as QueryResult<Row>
  }

  streamQuery(): never {
    throw notOffered('streaming')
  }
}

class GovernedDriver implements Driver {
  readonly #compiler: PlanningCompiler
  readonly #backend: Backend
  readonly #sessions = new WeakMap<DatabaseConnection, Session>()

  constructor(compiler: PlanningCompiler, backend: Backend) {
    this.#compiler = compiler
    this.#backend = backend
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const session = await this.#backend.connect()
    const connection = new GovernedConnection(session, this.#compiler, this.#backend)
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
