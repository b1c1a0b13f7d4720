import { SpanStatusCode, trace, type Span } from '@opentelemetry/api'
import type { QueryResult } from 'kysely'
import type { Logger } from '../database/index.ts'
import { SuretyError, type Clock } from '../kernel/index.ts'
import { recordChange, withoutHidden, type Audited } from './audit-trail.ts'
import type { KeyTree } from '../keys/index.ts'
import type { Plan } from './plan/plan.ts'
import { atOnce, CHUNK_ROWS } from './at-once.ts'
import { fillParameters, type StoredRow } from './seal/parameters.ts'
import { openRows } from './seal/open-rows.ts'
import { sealDrafts } from './seal/seal-drafts.ts'
import { runLockedUpdate } from './seal/locked-update.ts'
import { runUpsert } from './seal/upsert.ts'
import type { OpenTransaction, Session } from './transport.ts'

/** What running a plan takes besides a connection. */
export interface Execution {
  readonly keys: KeyTree
  readonly clock: Clock
  readonly logger: Logger
  readonly onDropped?: (resource: string, names: readonly string[]) => unknown
  /** Default: nothing is recorded. */
  readonly audited?: Audited
}

const tracer = trace.getTracer('surety.store')

/** Runs a plan in a transaction under the plan's own settings: seals what goes in, opens what comes out. */
export async function execute(
  execution: Execution,
  session: Session,
  plan: Plan,
): Promise<QueryResult<unknown>> {
  const span = tracer.startSpan(`surety.store ${plan.action}`, {
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': plan.action,
      'surety.tables': [...plan.tables],
    },
  })
  try {
    const work = {
      atOnce: atOnce(execution, plan),
      run: (transaction: OpenTransaction) => runPlan(execution, transaction, plan),
    }
    const result = await session.statement(plan.settings, isAtomic(execution, plan), work, isSteady(plan))
    void tellDropped(execution, plan)
    if (plan.changed) execution.audited?.trail.committed()
    return result
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** Runs a plan's statements in an open transaction. */
export async function runPlan(
  execution: Execution,
  transaction: OpenTransaction,
  plan: Plan,
): Promise<QueryResult<unknown>> {
  const { keys, clock } = execution
  const changed = plan.update
    ? await runLockedUpdate(execution, transaction, plan, plan.update)
    : plan.upsert && (await runUpsert(execution, transaction, plan, plan.upsert))
  if (changed) {
    const { stored, ...result } = changed
    await recordChange(execution.audited, transaction, plan, result.numAffectedRows, { stored, returned: [] })
    return result
  }
  const stored = plan.insert
    ? await sealDrafts(transaction, keys, clock, plan.insert.resource, plan.insert.drafts)
    : []
  const returned: Readonly<Record<string, unknown>>[] = []
  let count = 0
  for (const chunk of chunksOf(plan, stored)) {
    const parameters = await fillParameters(transaction, keys, plan.template.parameters, chunk)
    const result = await transaction.run(plan.template.sql, parameters)
    for (const row of result.rows) returned.push(row)
    count += result.count
  }
  await recordChange(execution.audited, transaction, plan, count, { stored, returned })
  const rows = await openRows(execution, transaction, withoutHidden(plan, returned), plan.outputs)
  return plan.action === 'select' ? { rows } : { rows, numAffectedRows: BigInt(count) }
}

/** The rows of each statement that an insert takes; one chunk without rows for everything else. */
function chunksOf({ insert }: Plan, stored: readonly StoredRow[]): (readonly StoredRow[])[] {
  if (!insert || insert.whole) return [stored]
  const starts = Array.from({ length: Math.ceil(stored.length / CHUNK_ROWS) }, (_, i) => i * CHUNK_ROWS)
  return starts.map((start) => stored.slice(start, start + CHUNK_ROWS))
}

/** The statement is done, or done in the caller's transaction: what the listener does cannot undo it. */
export async function tellDropped({ onDropped, logger }: Execution, { dropped }: Plan): Promise<void> {
  if (!dropped) return
  try {
    await onDropped?.(dropped.resource, dropped.names)
  } catch {
    logger.warn({ resource: dropped.resource }, 'the listener for dropped members failed')
  }
}

/** True where a failure can follow the change: in a later row's write, its record, or opening what it returns. */
function isAtomic(execution: Execution, plan: Plan): boolean {
  const { insert } = plan
  return (
    plan.update !== null ||
    plan.upsert !== null ||
    (insert !== null && !insert.whole && insert.drafts.length > CHUNK_ROWS) ||
    (plan.changed !== null && execution.audited !== undefined) ||
    (plan.action !== 'select' && plan.outputs.some(({ sealed }) => sealed))
  )
}

/** True where rows that stand for groups are fetched after the groups: they must be the same rows still. */
function isSteady(plan: Plan): boolean {
  return plan.outputs.some(({ sealed }) => sealed?.carrier.kind === 'representative')
}

/** Only the code: a message may name a row. */
function fail(span: Span, error: unknown): void {
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: error instanceof SuretyError ? error.code : 'unknown',
  })
}
