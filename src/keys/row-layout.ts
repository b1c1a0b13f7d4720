import { hash } from 'node:crypto'
import {
  clearFields,
  envelopesOf,
  IMPLICIT_COLUMNS,
  keyOwnerColumn,
  sealedFields,
  tenantColumn,
  type Resource,
} from '../declare/index.ts'
import { KeysError } from './errors.ts'
import { canonicalRow } from './row-bytes.ts'

/** What sealing one envelope needs of a resource and would otherwise work out for every row. */
export interface RowLayout {
  /** Names of the fields inside, in the order of canonical JSON. */
  readonly sealed: readonly string[]
  /** Names of the clear columns it authenticates, in the order of canonical JSON. */
  readonly clear: readonly string[]
  readonly tenant: string | null
  readonly owner: string | null
}

const layouts = new WeakMap<Resource, Map<string | null, RowLayout>>()

/**
 * The layout of a resource's envelope; `about` is the subject's id column where there are several.
 * Resources never change once defined.
 * @throws KeysError `ERR_KEYS_OWNER` for a subject that the resource has no envelope for
 */
export function layoutOf(resource: Resource, about: string | null = null): RowLayout {
  let ofResource = layouts.get(resource)
  if (ofResource === undefined) layouts.set(resource, (ofResource = new Map()))
  const known = ofResource.get(about)
  if (known !== undefined) return known
  const layout =
    about === null && resource.subjects.length < 2 ? soleLayout(resource) : layoutAbout(resource, about)
  ofResource.set(about, layout)
  return layout
}

function soleLayout(resource: Resource): RowLayout {
  return {
    sealed: sealedFields(resource).toSorted(),
    clear: [...IMPLICIT_COLUMNS, ...clearFields(resource)].toSorted(),
    tenant: tenantColumn(resource),
    owner: keyOwnerColumn(resource),
  }
}

function layoutAbout(resource: Resource, about: string | null): RowLayout {
  const mine = envelopesOf(resource).find((envelope) => envelope.about === about)
  if (!mine) {
    throw new KeysError('ERR_KEYS_OWNER', `a row of ${resource.name} has no envelope for that subject`)
  }
  return {
    sealed: mine.sealed.toSorted(),
    clear: mine.clear.toSorted(),
    tenant: tenantColumn(resource),
    owner: mine.owner,
  }
}

/**
 * SHA-256 of the canonical JSON object of the clear columns that are not null, in hexadecimal: Node
 * takes twice as long to hand out the same digest as a Buffer.
 */
export function digestOfClear(layout: RowLayout, clear: Readonly<Record<string, unknown>>): string {
  return hash('sha256', canonicalRow(clear, layout.clear), 'hex')
}
