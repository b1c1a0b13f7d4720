import { blindColumn, blindFields, envelopesOf, isSealed } from './columns.ts'
import type { Resource } from './resource.ts'

/** What the erasure of a subject does to one row. */
export type RowErasure =
  /** The row is not about them. */
  | { readonly what: 'nothing' }
  | { readonly what: 'delete' }
  /** These stored columns become null; no other envelope needs its key for that. */
  | { readonly what: 'blank'; readonly columns: readonly string[]; readonly fields: readonly string[] }

/**
 * What the erasure of `subject` does to a row. Pure: it decides, and changes nothing.
 *
 * Where somebody is a row's subject twice over, `delete` outweighs the others. `keep-others` deletes
 * once nobody else is left, so whoever erases several subjects of a row asks again for each.
 *
 * @param row the id columns of the row's subjects, as stored now
 * @param subject the pseudonym of the erased person
 */
export function erasureOf(
  resource: Resource,
  row: Readonly<Record<string, unknown>>,
  subject: string,
): RowErasure {
  const theirs = resource.subjects.filter(({ column }) => row[column] === subject)
  if (theirs.length === 0) return { what: 'nothing' }
  const others = resource.subjects.some(({ column }) => {
    return row[column] !== subject && row[column] !== null && row[column] !== undefined
  })
  const deletes = theirs.some(({ onErase }) => onErase === 'delete' || (onErase === 'keep-others' && !others))
  if (deletes) return { what: 'delete' }
  const columns = theirs.map(({ column }) => column)
  const fields = Object.keys(resource.fields).filter((name) => {
    return columns.includes(name) || columns.includes(resource.fields[name]!.about ?? '')
  })
  return { what: 'blank', columns: storedColumnsOf(resource, columns, fields), fields }
}

function storedColumnsOf(
  resource: Resource,
  subjects: readonly string[],
  fields: readonly string[],
): readonly string[] {
  const clear = fields.filter((name) => !isSealed(resource, resource.fields[name]!))
  const envelopes = envelopesOf(resource).filter(({ owner }) => subjects.includes(owner))
  const blind = blindFields(resource).filter((name) => fields.includes(name))
  return [...clear, ...envelopes.map(({ column }) => column), ...blind.map(blindColumn)]
}
