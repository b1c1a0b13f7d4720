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
 * What the erasure of one of several subjects does to a row: `delete` takes the whole row; `blank`
 * takes the subject's id and fields and leaves the row; `keep-others` does that while another subject
 * is left, and deletes the row with the last one.
 */
export type OnErase = 'delete' | 'blank' | 'keep-others'

/** One of the people whom a row is about. */
export interface Subject {
  /** The id field that names them. */
  readonly column: string
  readonly onErase: OnErase
}

/**
 * One declared resource: a table, who its rows are about, why they are kept and for how long.
 *
 * Every row has an implicit `id` (UUIDv7, minted at receipt) and `createdAt`. Column names equal
 * field names; columns the library adds for itself begin with `_` (see `columns.ts`).
 */
export interface Resource<Name extends string = string, Fields extends FieldMap = FieldMap> {
  readonly name: Name
  /** The id field that names the data subject; null where a row has none or several. */
  readonly subject: string | null
  /** Everybody whom a row is about: none, the one subject, or several, in declaration order. */
  readonly subjects: readonly Subject[]
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
  /** Sets of fields whose values no two rows of a tenant share; the tenant itself is left out. */
  readonly unique: readonly (readonly string[])[]
  readonly fields: Fields
}
