import type { Principal } from '../access/index.ts'
import { tenantColumn, type Resource } from '../declare/index.ts'
import type { Plan } from './plan/plan.ts'
import { CHANGED_PREFIX } from './plan/target.ts'
import type { StoredRow } from './seal/parameters.ts'
import type { OpenTransaction } from './transport.ts'

/** A row that a statement wrote, and whose it is. */
export interface AuditedRow {
  readonly id: string
  readonly tenant: string | null
  /** Everybody whom the row is about. */
  readonly subjects: readonly string[]
}

/** What one statement changed: who, where, which rows; never a value. */
export interface AuditedChange {
  readonly actor: Principal
  readonly action: 'insert' | 'update' | 'delete'
  readonly resource: string
  /** Declared fields that were written; empty for a delete. */
  readonly columns: readonly string[]
  readonly count: number
  /** Null where the statement does not say which rows they were. */
  readonly rows: readonly AuditedRow[] | null
}

/** Where changes are recorded. A committed write has its record, or there is no write. */
export interface AuditTrail {
  /**
   * One statement that records the changes. The store runs it under the app's role in the transaction
   * of the change; when it fails, or this rejects, the change is undone.
   */
  statement(
    changes: readonly AuditedChange[],
  ): Promise<{ readonly sql: string; readonly parameters: readonly unknown[] }>
  /** Told when a statement is done, and committed unless it runs in a caller's transaction. Must not throw. */
  committed(): void
  /** Told of a statement that was refused for want of a permission. Must not throw. */
  refused(actor: Principal, code: string): void
}

/** A trail, and whose statements it follows. */
export interface Audited {
  readonly trail: AuditTrail
  readonly actor: Principal
}

type Row = Readonly<Record<string, unknown>>

/** The rows that a statement wrote, as they were sealed and as they came back. */
export interface WrittenRows {
  readonly stored: readonly StoredRow[]
  readonly returned: readonly Row[]
}

type Statement = Awaited<ReturnType<AuditTrail['statement']>>

/** Records what a statement has just changed, in its transaction. */
export async function recordChange(
  audited: Audited | undefined,
  transaction: OpenTransaction,
  plan: Plan,
  affected: number | bigint | undefined,
  written: WrittenRows,
): Promise<void> {
  const record = await recordOf(audited, plan, Number(affected ?? 0), written)
  if (record) await transaction.run(record.sql, record.parameters)
}

/** The statement that records a change, for the change's own transaction; null where nothing is recorded. */
export async function recordOf(
  audited: Audited | undefined,
  { action, changed }: Plan,
  count: number,
  written: WrittenRows,
): Promise<Statement | null> {
  if (!audited || action === 'select' || changed === null || count === 0) return null
  const { trail, actor } = audited
  const { resource, columns, told } = changed
  const rows = told === 'nowhere' ? null : written[told].map((row) => auditedRow(resource, row))
  const change = { actor, action, resource: resource.name, columns, count, rows }
  return trail.statement([change])
}

/** Rows without the hidden columns that told which they are. */
export function withoutHidden({ changed }: Plan, rows: readonly Row[]): readonly Row[] {
  if (changed?.told !== 'returned') return rows
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith(CHANGED_PREFIX))),
  )
}

function auditedRow(resource: Resource, row: StoredRow | Row): AuditedRow {
  const read = (column: string): string | null => {
    const value = row instanceof Map ? row.get(column) : (row as Row)[`${CHANGED_PREFIX}${column}`]
    return typeof value === 'string' ? value : null
  }
  const tenant = tenantColumn(resource)
  const subjects = resource.subjects.map(({ column }) => read(column)).filter((id) => id !== null)
  return { id: read('id') ?? '', tenant: tenant && read(tenant), subjects: [...new Set(subjects)] }
}
