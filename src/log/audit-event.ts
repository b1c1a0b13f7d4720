import { canonicalBytes, fromUtf8, utf8 } from '../kernel/index.ts'
import { LogError } from './errors.ts'

/** Who did it. Ids are pseudonyms, names of tasks or of operators, never an address. */
export interface AuditActor {
  readonly kind: 'user' | 'operator' | 'system' | 'anonymous'
  readonly id: string
  readonly tenant: string | null
  readonly roles: readonly string[]
  readonly grant?: string
}

/** What one statement did to the rows of one owner. */
export interface DataChanged {
  readonly kind: 'data.insert' | 'data.update' | 'data.delete'
  readonly actor: AuditActor
  readonly resource: string
  /** Names of the columns that were written, never their values. */
  readonly columns: readonly string[]
  /** Whose rows; null where the statement does not say. */
  readonly tenant: string | null
  readonly subject: string | null
  /** Ids of the rows; null where only their number is known. */
  readonly rows: readonly string[] | null
  readonly count: number
}

/** An answered request that changed something or was refused. */
export interface RequestAnswered {
  readonly kind: 'http.request'
  readonly request: string
  readonly method: string
  /** The route's pattern, never the path. */
  readonly route: string
  readonly status: number
}

/** A statement that the principal's permissions did not allow. */
export interface AccessRefused {
  readonly kind: 'access.refused'
  readonly actor: AuditActor
  readonly code: string
}

/** Sign-in and what belongs to it; `subject` is null where nobody was recognised. */
export interface SignIn {
  readonly kind: 'sign-in.succeeded' | 'sign-in.failed' | 'sign-in.locked' | 'sign-in.ended'
  readonly subject: string | null
  readonly tenant: string | null
  /** How, such as `password` or `api-key`. */
  readonly method: string
  readonly request: string | null
}

/** Many accounts were tried together, and unknown devices are slowed down or shut out for it. */
export interface SignInAttacked {
  readonly kind: 'sign-in.attacked'
  /** `stuffing`: from one address or network; `spraying`: from many. */
  readonly pattern: 'stuffing' | 'spraying'
  readonly scope: 'address' | 'network' | 'installation'
  /** Accounts that failed by then. */
  readonly accounts: number
}

/** How a person proves who they are has changed. */
export interface AccountChanged {
  readonly kind: 'account.changed'
  readonly subject: string
  /** What changed, such as `password` or `passkey-added`; never a value. */
  readonly what: string
  readonly request: string | null
}

/** What the system itself did. */
export interface SystemActed {
  readonly kind: 'system.started' | 'audit.rehearsed'
}

/** Bodies that reached their end, with the key that opened them. */
export interface BodiesPruned {
  readonly kind: 'audit.pruned'
  readonly period: number
  readonly entries: number
}

/** What an audit entry can tell. Ids, names and counts; the value of no field, no address. */
export type AuditEvent =
  | DataChanged
  | RequestAnswered
  | AccessRefused
  | SignIn
  | SignInAttacked
  | AccountChanged
  | SystemActed
  | BodiesPruned

/** An event as logged: stamped with its format's version, an id and its time. */
export type AuditEntry = AuditEvent & {
  readonly v: 1
  readonly id: string
  /** UTC, milliseconds. */
  readonly at: string
}

/** Greatest body in bytes; room for the ids of some thousand rows. */
export const MAX_BODY_BYTES = 1_048_576

/** What an event is stamped with. */
export interface EventStamp {
  /** Id of the append and, behind a dot, the event's place in it. */
  readonly id: string
  /** Unix milliseconds. */
  readonly at: number
}

/** Canonical bytes of an event, stamped. @throws LogError `ERR_LOG_ENTRY` */
export function encodeEvent(event: AuditEvent, { id, at }: EventStamp): Uint8Array {
  const stamped = { ...event, v: 1, id, at: new Date(at).toISOString() }
  try {
    const body = encodeCanonically(stamped)
    if (body.length <= MAX_BODY_BYTES) return body
  } catch (cause) {
    throw new LogError('ERR_LOG_ENTRY', 'this audit event has no canonical JSON', { cause })
  }
  throw new LogError('ERR_LOG_ENTRY', `an audit event is longer than ${MAX_BODY_BYTES} bytes`)
}

/** As `canonicalBytes`, at a tenth of its cost: the platform writes what is in order already. */
function encodeCanonically(event: object): Uint8Array {
  const text = JSON.stringify(inOrder(event))
  // A lone surrogate, which has no canonical form, comes out as an escape: then the slow way decides.
  return text.includes('\\ud') ? canonicalBytes(event) : utf8(text)
}

/** Members of events have plain names, none like an index, so that they stay in the order they are given. */
function inOrder(value: object): object {
  const sorted: Record<string, unknown> = {}
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name]
    const nests = typeof member === 'object' && member !== null && !Array.isArray(member)
    sorted[name] = nests ? inOrder(member) : member
  }
  return sorted
}

/** Of a body this log sealed itself. */
export function decodeEvent(body: Uint8Array): AuditEntry {
  return JSON.parse(fromUtf8(body)) as AuditEntry
}
