import type { EffectiveGrant, Principal } from '../access/index.ts'
import type { AuditedRow } from './audit-trail.ts'

/** The rows of one resource that an operator's statement read or changed; empty where it found none. */
export interface AccessedRows {
  readonly resource: string
  readonly rows: readonly AuditedRow[]
}

/** One statement of an operator. */
export interface OperatorAccess {
  readonly operator: Principal
  readonly grant: EffectiveGrant
  readonly action: 'select' | 'insert' | 'update' | 'delete'
  /** One for each resource that the statement looked at. */
  readonly accessed: readonly AccessedRows[]
}

/** Decides whether an operator's statements run, and keeps the record without which no row is released. */
export interface OperatorGate {
  /**
   * The operator's grant, found approved and in force now: signatures, roles and time are looked at each
   * time. Rejects with a coded error where it is not.
   */
  check(operator: Principal): Promise<EffectiveGrant>
  /**
   * Resolves when the access is committed, on a connection of its own: it stays whatever becomes of the
   * operator's transaction. When it rejects, no row is released and no change kept.
   */
  record(access: OperatorAccess): Promise<void>
}
