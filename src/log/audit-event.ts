import { canonicalJson, fromUtf8 } from '../kernel/index.ts'
import { LogError } from './errors.ts'

/** Who did it. Ids are pseudonyms, names of tasks or of operators, never an address. */
export interface AuditActor {
  readonly kind: 'user' | 'operator' | 'system' | 'anonymous'
  readonly id: string
  readonly tenant: string | null
  readonly roles: readonly string[]
  readonly grant?: string
  /** As whom an operator saw the product, under a grant of impersonation. */
  readonly impersonates?: string
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
  /** How, such as `password`, `api-key`, or `oidc:` with the identity provider's id. */
  readonly method: string
  readonly request: string | null
}

/**
 * Who may do what was changed: a membership's roles, a role that a tenant made, a key, an allow-list, a review,
 * an invitation.
 */
export interface AccessChanged {
  readonly kind: 'access.changed'
  readonly actor: AuditActor
  readonly what: 'membership' | 'role' | 'key' | 'allow-list' | 'review' | 'invitation'
  readonly tenant: string
  /** The person whom it is about; null for what is the tenant's. */
  readonly subject: string | null
  /** Id of what was changed. */
  readonly row: string
  /** Names of roles, or texts of permissions; null where there was nothing, and where there is nothing now. */
  readonly before: readonly string[] | null
  readonly after: readonly string[] | null
}

/** What staff decided about their own access: who asked, approved, ended, reviewed, appointed. */
export interface StaffActed {
  readonly kind:
    | 'staff.requested'
    | 'staff.approved'
    | 'staff.consented'
    | 'staff.refused'
    | 'staff.ended'
    | 'staff.broke-glass'
    | 'staff.reviewed'
    | 'staff.acknowledged'
    | 'staff.appointed'
    | 'staff.enrolled'
    | 'staff.passkey-replaced'
    | 'staff.dismissed'
    | 'staff.asks-first'
  /** The staff member, or the tenant's administrator, who did it. */
  readonly actor: string
  /** The grant that it is about, and its digest in hexadecimal; null for members and settings. */
  readonly grant: string | null
  readonly digest: string | null
  /** The member appointed or dismissed; null otherwise. */
  readonly member: string | null
  /** Whose data; null where it is about nobody's. */
  readonly tenant: string | null
  readonly subject: string | null
  /** The verdict of a review, a role before and after, a setting; names only. */
  readonly change: string | null
}

/** Rows of one owner that a staff member saw or changed under a grant; none where nothing was found. */
export interface StaffAccessed {
  readonly kind: 'staff.access'
  readonly actor: AuditActor
  readonly action: 'select' | 'insert' | 'update' | 'delete'
  readonly resource: string
  readonly tenant: string | null
  readonly subject: string | null
  readonly rows: readonly string[]
  readonly count: number
}

/** A declared count that staff ran, or rows that they took along under a watermark. */
export interface StaffTook {
  readonly kind: 'staff.counted' | 'staff.exported'
  readonly actor: string
  readonly grant: string | null
  /** Name of the query, or id of the export. */
  readonly what: string
  readonly count: number
}

/** A direct session with the database, or a role in it, that nobody declared. */
export interface DatabaseNoticed {
  readonly kind: 'database.session-noticed' | 'database.role-noticed'
  readonly role: string
  /** The session's program as it calls itself; null for a role. */
  readonly program: string | null
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
  | AccessChanged
  | SignIn
  | SignInAttacked
  | AccountChanged
  | StaffActed
  | StaffAccessed
  | StaffTook
  | DatabaseNoticed
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

/** What the events of one append are stamped with. */
export interface AppendStamp {
  /** Id of the append; each event's own is this and, behind a dot, its place. */
  readonly id: string
  /** Unix milliseconds. */
  readonly at: number
}

/** Canonical bytes of each event, stamped. @throws LogError `ERR_LOG_ENTRY` */
export function encodeEvents(events: readonly AuditEvent[], { id, at }: AppendStamp): Buffer[] {
  const time = new Date(at).toISOString()
  return events.map((event, i) => encodeEvent({ ...event, v: 1, id: `${id}.${i}`, at: time }))
}

function encodeEvent(stamped: AuditEntry): Buffer {
  try {
    const body = Buffer.from(canonicalText(stamped))
    if (body.length <= MAX_BODY_BYTES) return body
  } catch (cause) {
    throw new LogError('ERR_LOG_ENTRY', 'this audit event has no canonical JSON', { cause })
  }
  throw new LogError('ERR_LOG_ENTRY', `an audit event is longer than ${MAX_BODY_BYTES} bytes`)
}

/** As `canonicalJson`, at a tenth of its cost: the platform writes what is in order already. */
function canonicalText(event: object): string {
  const text = JSON.stringify(inOrder(event))
  // A lone surrogate, which has no canonical form, comes out as an escape: then the slow way decides.
  return text.includes('\\ud') ? canonicalJson(event) : text
}

/** Members of events have plain names, none like an index, so that they stay in the order they are given. */
function inOrder(value: object): object {
  const sorted: Record<string, unknown> = {}
  for (const name of orderOf(Object.keys(value))) {
    const member = (value as Record<string, unknown>)[name]
    const nests = typeof member === 'object' && member !== null && !Array.isArray(member)
    sorted[name] = nests ? inOrder(member) : member
  }
  return sorted
}

/** Events come in few shapes: sorting the names of each one anew would cost as much as writing it. */
const orders = new Map<string, readonly string[]>()

function orderOf(names: string[]): readonly string[] {
  const shape = names.join()
  const known = orders.get(shape)
  if (known) return known
  const order = names.sort()
  orders.set(shape, order)
  return order
}

/** Of a body this log sealed itself. */
export function decodeEvent(body: Uint8Array): AuditEntry {
  return JSON.parse(fromUtf8(body)) as AuditEntry
}
