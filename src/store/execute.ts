import { SpanStatusCode, trace, type Span } from '@opentelemetry/api'
import type { QueryResult } from 'kysely'
import type { Logger } from '../database/index.ts'
import { SuretyError, type Clock } from '../kernel/index.ts'
import type { KeyTree } from '../keys/index.ts'
import type { Plan } from './plan/plan.ts'
import { fillParameters } from './seal/parameters.ts'
import { openRows } from './seal/open-rows.ts'
import { sealDrafts } from './seal/seal-drafts.ts'
import { runLockedUpdate } from './seal/locked-update.ts'
import type { OpenTransaction, Session } from './transport.ts'

/** What running a plan takes besides a connection. */
export interface Execution {
  readonly keys: KeyTree
  readonly clock: Clock
  readonly logger: Logger
  readonly onDropped?: (resource: string, names: readonly string[]) => void
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
    const work = (transaction: OpenTransaction) => run(execution, transaction, plan)
    const result = await session.statement(plan.settings, plan.update !== null, work)
    if (plan.dropped) execution.onDropped?.(plan.dropped.resource, plan.dropped.names)
    return result
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end()
  }
}

async function run(
  execution: Execution,
  transaction: OpenTransaction,
  plan: Plan,
): Promise<QueryResult<unknown>> {
  const { keys, clock } = execution
  if (plan.update) return runLockedUpdate(execution, transaction, plan, plan.update)
  const stored = plan.insert
    ? await sealDrafts(transaction, keys, clock, plan.insert.resource, plan.insert.drafts)
    : []
  const parameters = await fillParameters(transaction, keys, plan.template.parameters, stored)
  const { rows, count } = await transaction.run(plan.template.sql, parameters)
  const opened = await openRows(execution, transaction, rows, plan.outputs)
  return plan.action === 'select' ? { rows: opened } : { rows: opened, numAffectedRows: BigInt(count) }
}

/** Only the code: a message may name a row. */
function fail(span: Span, error: unknown): void {
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: error instanceof SuretyError ? error.code : 'unknown',
  })
}
