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
import { canonicalRow, membersOf, type Member } from './row-bytes.ts'

/** Bytes of an envelope before its nonce: format, algorithm, schema version, data key id. */
export const HEADER_BYTES = 20

/** What sealing one envelope needs of a resource and would otherwise work out for every row. */
export interface RowLayout {
  /** First byte of the envelope. */
  readonly format: number
  /** First part of what is authenticated. */
  readonly label: string
  /** Name of the resource. */
  readonly resource: string
  /** The id column of the subject whose envelope it is, where the resource has several. */
  readonly about: string | null
  /** The fields inside, in the order of canonical JSON. */
  readonly sealed: readonly Member[]
  /** The clear columns it authenticates, in the order of canonical JSON. */
  readonly clear: readonly Member[]
  readonly tenant: string | null
  /** The column that names the subject; null where there is none. */
  readonly subject: string | null
  /** The column that names whose data key it is. */
  readonly owner: string | null
}

/** First byte of an envelope that is its row's only one. */
export const FORMAT = 0x01
/** First byte of one of several envelopes of a row. */
export const FORMAT_OF_SEVERAL = 0x02

const SOLE = { format: FORMAT, label: 'surety/row/1' } as const
const ONE_OF_SEVERAL = { format: FORMAT_OF_SEVERAL, label: 'surety/row/2' } as const

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
    ...SOLE,
    resource: resource.name,
    about: null,
    sealed: membersOf(sealedFields(resource)),
    clear: membersOf([...IMPLICIT_COLUMNS, ...clearFields(resource)]),
    tenant: tenantColumn(resource),
    subject: resource.subject,
    owner: keyOwnerColumn(resource),
  }
}

function layoutAbout(resource: Resource, about: string | null): RowLayout {
  const mine = envelopesOf(resource).find((envelope) => envelope.about === about)
  if (!mine) {
    throw new KeysError('ERR_KEYS_OWNER', `a row of ${resource.name} has no envelope for that subject`)
  }
  return {
    ...ONE_OF_SEVERAL,
    resource: resource.name,
    about,
    sealed: membersOf(mine.sealed),
    clear: membersOf(mine.clear),
    tenant: tenantColumn(resource),
    subject: about,
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
