import type { Resource } from '../declare/index.ts'
import type { DeclaredShape } from './table-shape.ts'

/** One change from the live schema to the declared one. */
export interface MigrationStep {
  /** `additive` loses nothing and is applied; `destructive` is for a person to run. */
  readonly kind: 'additive' | 'destructive'
  readonly resource: string
  /** One or several SQL statements, separated by semicolons, without a last one. */
  readonly statement: string
  readonly why: string
}

export interface MigrationPlan {
  readonly resources: readonly Resource[]
  readonly steps: readonly MigrationStep[]
}

/** A live table as comparison needs it. */
export interface LiveTable {
  readonly columns: ReadonlyMap<string, { readonly type: string; readonly nullable: boolean }>
  readonly primaryKey: readonly string[]
  readonly indexes: ReadonlySet<string>
  /** Unique indexes but the primary key, with their columns; an expression counts as a column without a name. */
  readonly uniques: ReadonlyMap<string, readonly string[]>
  /** False only when it surely holds no row. */
  readonly mayHoldRows: boolean
  readonly protected: boolean
  readonly policiesLive: string
  /** What was noted when it was last changed; null when nothing was. */
  readonly noted: {
    readonly declared: DeclaredShape
    readonly policiesSource: string
    readonly policiesLive: string
  } | null
}
