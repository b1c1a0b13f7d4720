import type { CompiledQuery, Dialect, QueryCompiler, QueryResult, RootOperationNode } from 'kysely'
import { operatorPrincipal, type EffectiveGrant, type Principal } from '../access/index.ts'
import { hasCode } from '../kernel/index.ts'
import type { AuditedRow, AuditTrail } from './audit-trail.ts'
import { dialectOf, type Backend } from './dialect.ts'
import { StoreError } from './errors.ts'
import { runPlan, tellDropped, type Execution } from './execute.ts'
import type { AccessedRows, OperatorGate } from './operator-gate.ts'
import type { Policy } from './plan/authority.ts'
import { MOST_OPERATOR_ROWS, type ToldTable } from './plan/operator.ts'
import { planStatement, type Plan } from './plan/plan.ts'
import { copyTree, readShape, Vocabulary } from './plan/shape.ts'
import type { OpenTransaction, Session } from './transport.ts'

type Result = QueryResult<unknown>
type Row = Readonly<Record<string, unknown>>

/** What an operator's statements take besides what everybody's do. */
export interface OperatorBackend extends Pick<Backend, 'connect'> {
  readonly policy: Policy
  readonly execution: Execution
  readonly gate: OperatorGate
}

/**
 * Kysely's dialect for an operator: nothing is planned until it runs, since what is allowed stands in the
 * grant, and a grant is looked at anew for each statement.
 *
 * Each statement: the grant is checked; the statement is planned within it; the result is held back; the
 * grant is checked again; the access is recorded on a connection of its own; then rows are released, or
 * a change committed. Where it fails, that it was tried is recorded, too: a failure can tell of rows.
 */
export function operatorDialect(backend: OperatorBackend): Dialect {
  const run = (session: Session, { query }: CompiledQuery): Promise<Result> =>
    runStatement(backend, session, query)
  return dialectOf(new LateCompiler(), backend.connect, run)
}

class LateCompiler implements QueryCompiler {
  compileQuery(query: RootOperationNode, queryId: CompiledQuery['queryId']): CompiledQuery {
    return Object.freeze({ query, queryId, sql: '-- planned under the grant when it runs', parameters: [] })
  }
}

async function runStatement(
  backend: OperatorBackend,
  session: Session,
  query: RootOperationNode,
): Promise<Result> {
  const { policy, gate } = backend
  const grant = await gate.check(policy.principal)
  const operator = operatorPrincipal(policy.principal, grant)
  const plan = planOrTell({ ...policy, principal: operator }, query)
  const statement = new Statement(backend, operator, grant, plan)
  const work = { atOnce: null, run: (transaction: OpenTransaction) => statement.run(transaction) }
  try {
    const result = await session.statement(plan.settings, true, work)
    if (plan.changed) backend.execution.audited?.trail.committed()
    void tellDropped(backend.execution, plan)
    return result
  } catch (error) {
    await statement.recordFailure()
    throw error
  }
}

/** Names and literals in a statement that is looked at. */
const MOST_WORDS = 10_000

function planOrTell(policy: Policy, query: RootOperationNode): Plan {
  try {
    // A copy: what is looked at is what is planned.
    const copy = readShape(new Vocabulary(MOST_WORDS), query)
      ? (copyTree(query, false) as RootOperationNode)
      : null
    if (copy) return planStatement(policy, copy)
    planStatement(policy, query)
    throw new StoreError('ERR_STORE_TOO_LARGE', 'an operator’s statement is longer than is looked at')
  } catch (error) {
    if (hasCode(error, 'ERR_STORE_FORBIDDEN')) policy.onRefused?.('ERR_STORE_FORBIDDEN')
    throw error
  }
}

class Statement {
  readonly #backend: OperatorBackend
  readonly #operator: Principal
  readonly #grant: EffectiveGrant
  readonly #plan: Plan
  #recorded = false

  constructor(backend: OperatorBackend, operator: Principal, grant: EffectiveGrant, plan: Plan) {
    this.#backend = backend
    this.#operator = operator
    this.#grant = grant
    this.#plan = plan
  }

  async run(transaction: OpenTransaction): Promise<Result> {
    const { execution } = this.#backend
    const plan = this.#plan
    if (plan.action === 'select') {
      const { rows } = await runPlan(execution, transaction, plan)
      const found = rows as readonly Row[]
      if (found.length > MOST_OPERATOR_ROWS) throw tooMany()
      await this.#release(toldRows(plan.told, found))
      return { rows: found.map((row) => withoutTold(plan, row)) }
    }
    const written: AuditedRow[] = []
    const audited = { trail: listening(execution.audited?.trail, written), actor: this.#operator }
    const result = await runPlan({ ...execution, audited }, transaction, plan)
    await this.#release([{ resource: plan.changed!.resource.name, rows: written }])
    return result
  }

  /** That a statement was tried that failed: nothing of it was released. */
  async recordFailure(): Promise<void> {
    if (!this.#recorded) await this.#record(this.#plan.tables.map((resource) => ({ resource, rows: [] })))
  }

  async #release(accessed: readonly AccessedRows[]): Promise<void> {
    const { gate, policy } = this.#backend
    const now = await gate.check(policy.principal)
    if (now.digest !== this.#grant.digest) {
      throw new StoreError('ERR_STORE_FORBIDDEN', 'the operator’s grant became another one meanwhile')
    }
    await this.#record(accessed)
  }

  async #record(accessed: readonly AccessedRows[]): Promise<void> {
    // Once, whatever comes of it: a record that failed is not tried again as that of a failure.
    this.#recorded = true
    try {
      const action = this.#plan.action
      await this.#backend.gate.record({ operator: this.#operator, grant: this.#grant, action, accessed })
    } catch (cause) {
      throw new StoreError('ERR_STORE_UNRECORDED', 'the access could not be recorded: no row is released', {
        cause,
      })
    }
  }
}

/** A trail that also tells which rows an operator changed. */
function listening(trail: AuditTrail | undefined, written: AuditedRow[]): AuditTrail {
  if (!trail)
    throw new StoreError('ERR_STORE_UNRECORDED', 'operators change nothing where no change is recorded')
  return {
    ...trail,
    async statement(changes) {
      for (const { rows } of changes) {
        if (!rows) throw new StoreError('ERR_STORE_OPERATOR', 'the change does not tell which rows it wrote')
        written.push(...rows)
      }
      return trail.statement(changes)
    },
  }
}

function toldRows(told: readonly ToldTable[], rows: readonly Row[]): AccessedRows[] {
  const byResource = new Map<string, Map<string, AuditedRow>>()
  for (const { resource, id, tenant, subjects } of told) {
    const found = byResource.get(resource.name) ?? new Map<string, AuditedRow>()
    byResource.set(resource.name, found)
    for (const row of rows) {
      // Null where an outer join found no partner.
      if (typeof row[id] !== 'string') continue
      const people = subjects.map((column) => row[column]).filter((person) => typeof person === 'string')
      const owner = tenant === null ? null : (row[tenant] as string)
      found.set(row[id], { id: row[id], tenant: owner, subjects: [...new Set(people)] })
    }
  }
  return [...byResource].map(([resource, found]) => ({ resource, rows: [...found.values()] }))
}

function withoutTold({ outputs, told }: Plan, row: Row): Row {
  const hidden = new Set(told.flatMap(({ id, tenant, subjects }) => [id, tenant, ...subjects]))
  const released = outputs.filter(({ name }) => !hidden.has(name))
  return Object.fromEntries(released.map(({ name }) => [name, row[name]]))
}

function tooMany(): Error {
  return new StoreError(
    'ERR_STORE_OPERATOR',
    `more than ${MOST_OPERATOR_ROWS} rows at once are not released`,
    {
      mend: 'ask for fewer rows with limit, and for the next ones by id',
    },
  )
}
