import type { Field } from './field.ts'
import type { OnErase, Resource } from './resource.ts'

/** The column of a row's envelope, where a row has one. */
export const ENVELOPE_COLUMN = '_envelope'

/** The implicit columns of every resource. */
export const IMPLICIT_COLUMNS = ['id', 'createdAt'] as const

/** One envelope of a row: what it seals, what it authenticates beside that, and for whom. */
export interface Envelope {
  /** `_envelope`; `_envelope_<subject>` where a row has several. */
  readonly column: string
  /** The id field of the subject whose envelope it is, where a row has several; else null. */
  readonly about: string | null
  /** The column whose value owns the data key. */
  readonly owner: string
  /** What the erasure of its owner does to the row. */
  readonly onErase: OnErase
  /** The fields inside, in declaration order. */
  readonly sealed: readonly string[]
  /** The clear columns that it authenticates. */
  readonly clear: readonly string[]
}

const envelopes = new WeakMap<Resource, readonly Envelope[]>()

/**
 * The envelopes of a resource's rows: none, one, or one per subject. Each of several authenticates
 * the clear columns that are about all and those about its own subject, so that blanking another
 * subject leaves it whole.
 */
export function envelopesOf(resource: Resource): readonly Envelope[] {
  const known = envelopes.get(resource)
  if (known) return known
  const made = resource.subjects.length > 1 ? onePerSubject(resource) : atMostOne(resource)
  envelopes.set(resource, made)
  return made
}

function atMostOne(resource: Resource): Envelope[] {
  const owner = keyOwnerColumn(resource)
  const sealed = sealedFields(resource)
  if (owner === null || sealed.length === 0) return []
  const clear = [...IMPLICIT_COLUMNS, ...clearFields(resource)]
  return [{ column: ENVELOPE_COLUMN, about: null, owner, onErase: 'delete', sealed, clear }]
}

function onePerSubject(resource: Resource): Envelope[] {
  const aboutOf = (name: string): string | null => resource.fields[name]!.about
  return resource.subjects.map(({ column, onErase }) => {
    const others = resource.subjects.filter((subject) => subject.column !== column)
    const mine = clearFields(resource).filter((name) => {
      return !others.some((other) => other.column === name || other.column === aboutOf(name))
    })
    return {
      column: `${ENVELOPE_COLUMN}_${column}`,
      about: column,
      owner: column,
      onErase,
      sealed: sealedFields(resource).filter((name) => aboutOf(name) === column),
      clear: [...IMPLICIT_COLUMNS, ...mine],
    }
  })
}

/** The column of a field's blind index. */
export function blindColumn(field: string): string {
  return `_blind_${field}`
}

/** The column that names a row's tenant: the tenant field, else the subject, else none. */
export function tenantColumn(resource: Resource): string | null {
  return resource.tenant ?? resource.subject
}

/** The columns that say whose row it is: the tenant's and every subject's. */
export function ownerColumns(resource: Resource): string[] {
  const subjects = resource.subjects.map(({ column }) => column)
  return resource.tenant === null ? subjects : [resource.tenant, ...subjects]
}

/** The column whose value owns the data key of a row's one envelope, or null where there is none or several. */
export function keyOwnerColumn(resource: Resource): string | null {
  if (resource.seal === 'none') return null
  return resource.seal === 'subject' ? resource.subject : tenantColumn(resource)
}

/** True when the field is stored inside an envelope rather than in a column of its own. */
export function isSealed(resource: Resource, field: Field): boolean {
  return resource.seal !== 'none' && field.kind !== 'id' && field.clear === null
}

/** Names of the fields inside the envelopes, in declaration order. */
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
