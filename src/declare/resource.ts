import type { Duration } from '../kernel/index.ts'
import type { Field } from './field.ts'

/** Lawful bases of processing (GDPR Art. 6(1)(a)–(f)). */
export type LawfulBasis =
  | 'consent'
  | 'contract'
  | 'legal-obligation'
  | 'vital-interests'
  | 'public-task'
  | 'legitimate-interests'

export type FieldMap = { readonly [name: string]: Field }

/**
 * One declared resource: a table, who its rows are about, why they are kept and for how long.
 *
 * Every row has an implicit `id` (UUIDv7, minted at receipt) and `createdAt`. Column names equal
 * field names; columns the library adds for itself begin with `_` (see `columns.ts`).
 */
export interface Resource<Name extends string = string, Fields extends FieldMap = FieldMap> {
  readonly name: Name
  /** The id field that names the data subject, or null. */
  readonly subject: string | null
  /** The id field that names the tenant, or null: then the subject is its own tenant. */
  readonly tenant: string | null
  /** Whose data key seals the rows: the subject's, the tenant's, or nobody's (plain columns). */
  readonly seal: 'subject' | 'tenant' | 'none'
  readonly purpose: string
  readonly basis: LawfulBasis
  /** `'account'`: as long as the account exists; else a period from receipt. */
  readonly retention: 'account' | Duration
  /** What happens to members a caller sends that no field declares. */
  readonly undeclared: 'drop' | 'refuse'
  /** Version of the sealed layout, carried in every envelope header; 1 to 65,535. */
  readonly schemaVersion: number
  readonly fields: Fields
}
