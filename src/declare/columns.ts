import type { Field } from './field.ts'
import type { Resource } from './resource.ts'

/** The column of a row's envelope: all sealed fields of the row, one per resource that seals. */
export const ENVELOPE_COLUMN = '_envelope'

/** The implicit columns of every resource. */
export const IMPLICIT_COLUMNS = ['id', 'createdAt'] as const

/** The column of a field's blind index. */
export function blindColumn(field: string): string {
  return `_blind_${field}`
}

/** The column that names a row's tenant: the tenant field, else the subject, else none. */
export function tenantColumn(resource: Resource): string | null {
  return resource.tenant ?? resource.subject
}

/** The column whose value owns the data key that seals the row, or null when nothing is sealed. */
export function keyOwnerColumn(resource: Resource): string | null {
  if (resource.seal === 'none') return null
  return resource.seal === 'subject' ? resource.subject : tenantColumn(resource)
}

/** True when the field is stored inside the envelope rather than in a column of its own. */
export function isSealed(resource: Resource, field: Field): boolean {
  return resource.seal !== 'none' && field.kind !== 'id' && field.clear === null
}

/** Names of the fields inside the envelope, in declaration order. */
export function sealedFields(resource: Resource): string[] {
  return Object.keys(resource.fields).filter((name) => isSealed(resource, resource.fields[name]!))
}

/** Names of the fields with a column of their own, in declaration order (implicit columns not included). */
export function clearFields(resource: Resource): string[] {
  return Object.keys(resource.fields).filter((name) => !isSealed(resource, resource.fields[name]!))
}

/** Names of the fields with a blind index. */
export function blindFields(resource: Resource): string[] {
  return Object.keys(resource.fields).filter((name) => resource.fields[name]!.index !== null)
}
