import { createHash } from 'node:crypto'
import type { Action } from '../declare/index.ts'
import { canonicalBytes, concatBytes, isId, toHex, utf8 } from '../kernel/index.ts'
import { AccessError } from './errors.ts'

/**
 * What a grant is for: `support` waits for a second person; `break-glass` opens at once and is
 * reviewed afterwards; `impersonation` looks at the app as the person sees it, and is approved.
 */
export type GrantKind = 'support' | 'break-glass' | 'impersonation'

export const GRANT_KINDS: readonly GrantKind[] = ['support', 'break-glass', 'impersonation']

/** Whose rows: a tenant's, a person's, or a person's inside one tenant. At least one is named. */
export interface GrantScope {
  readonly tenant: string | null
  readonly subject: string | null
}

/**
 * One staff member's way to somebody's data, for a purpose and a time. It never changes: what is
 * approved is its digest, so anything wider is another grant.
 */
export interface Grant {
  /** Version of the format. */
  readonly v: 1
  readonly kind: GrantKind
  /** Why, in words that the person concerned may read; 3 to 500 characters. */
  readonly purpose: string
  /** Where the need is written down, such as a support case; 1 to 100 characters. */
  readonly ticket: string
  /** The staff member who asks and alone may use it. */
  readonly requester: string
  /** The requester's role when asking, shown to the person concerned. */
  readonly role: string
  readonly scope: GrantScope
  /** Columns by resource; null stands for all of them. */
  readonly resources: { readonly [resource: string]: readonly string[] | null }
  /** `read` always; `write` and `delete` only where said, and then on whole resources. */
  readonly actions: readonly Action[]
  /** Unix milliseconds; the first at which it opens anything. */
  readonly from: number
  /** Unix milliseconds; from then on it opens nothing. At most 8 hours after `from`. */
  readonly until: number
  /** Where the person concerned is shown the accesses only later: until when, and why. Null: at once. */
  readonly delay: GrantDelay | null
  /** 32 random hexadecimal digits: no two grants have one digest. */
  readonly nonce: string
}

/**
 * A delay in showing accesses to whom they concern; whoever approves the grant signs it, too. None for
 * broken glass, which nobody approves.
 */
export interface GrantDelay {
  /** Unix milliseconds; at most 90 days after the grant begins. */
  readonly until: number
  readonly reason: string
}

/** Longest life of a grant. */
export const MOST_GRANT_MS = 8 * 3_600_000
const MOST_DELAY_MS = 90 * 86_400_000

/** Domain of the digest: a signature over it means a grant of this format and nothing else. */
const LABEL = 'surety/staff-grant/1\n'

/** SHA-256 over the label and the canonical JSON (RFC 8785) of a grant: what an approval signs. */
export function grantDigest(grant: Grant): Uint8Array {
  return createHash('sha256')
    .update(concatBytes(utf8(LABEL), canonicalBytes(grant)))
    .digest()
}

const MEMBERS = [
  ...['v', 'kind', 'purpose', 'ticket', 'requester', 'role', 'scope'],
  ...['resources', 'actions', 'from', 'until', 'delay', 'nonce'],
]

/**
 * A grant as it can be meant, with no member beyond those that its format has.
 * @throws AccessError `ERR_ACCESS_GRANT` naming the member
 */
export function parseGrant(value: unknown): Grant {
  const grant = value as Grant
  for (const [member, fits] of Object.entries(CHECKS)) {
    if (!isObject(value) || !fits(grant)) {
      throw new AccessError('ERR_ACCESS_GRANT', `the grant’s ${member} cannot be meant as given`)
    }
  }
  return grant
}

const CHECKS: Readonly<Record<string, (grant: Grant) => boolean>> = {
  members: (grant) => Object.keys(grant).toSorted().join() === MEMBERS.toSorted().join() && grant.v === 1,
  kind: ({ kind }) => GRANT_KINDS.includes(kind),
  purpose: ({ purpose }) => isText(purpose, 3, 500),
  ticket: ({ ticket }) => isText(ticket, 1, 100),
  requester: ({ requester }) => isId(requester),
  role: ({ role }) => isText(role, 1, 40),
  scope: ({ scope, kind }) => isScope(scope) && (kind !== 'impersonation' || scope.subject !== null),
  actions: ({ actions }) => isActions(actions),
  resources: ({ resources, actions }) => areResources(resources, actions.length > 1),
  time: ({ from, until }) =>
    Number.isSafeInteger(from) &&
    Number.isSafeInteger(until) &&
    until > from &&
    until - from <= MOST_GRANT_MS,
  // What nobody approves is shown at once.
  delay: ({ delay, from, kind }) => delay === null || (kind !== 'break-glass' && isDelay(delay, from)),
  nonce: ({ nonce }) => typeof nonce === 'string' && /^[0-9a-f]{32}$/.test(nonce),
}

function isDelay(delay: unknown, from: number): boolean {
  if (!isObject(delay) || Object.keys(delay).toSorted().join() !== 'reason,until') return false
  const { until, reason } = delay as GrantDelay
  return (
    Number.isSafeInteger(until) && until > from && until - from <= MOST_DELAY_MS && isText(reason, 3, 500)
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown, least: number, most: number): boolean {
  return (
    typeof value === 'string' &&
    value.isWellFormed() &&
    value.trim().length >= least &&
    value.length <= most &&
    !value.includes('\0')
  )
}

function isScope(scope: unknown): boolean {
  if (!isObject(scope) || Object.keys(scope).toSorted().join() !== 'subject,tenant') return false
  const { tenant, subject } = scope as GrantScope
  const named = [tenant, subject].filter((id) => id !== null)
  return named.length > 0 && named.every(isId)
}

const ACTIONS: readonly Action[] = ['read', 'write', 'delete']

function isActions(actions: unknown): boolean {
  if (!Array.isArray(actions) || actions[0] !== 'read') return false
  return new Set(actions).size === actions.length && actions.every((action) => ACTIONS.includes(action))
}

function areResources(resources: unknown, changes: boolean): boolean {
  if (!isObject(resources)) return false
  const columns: unknown[] = Object.values(resources)
  return (
    columns.length > 0 &&
    columns.every((names) => names === null || (!changes && isNames(names))) &&
    isNames(Object.keys(resources))
  )
}

function isNames(names: unknown): boolean {
  return (
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name))
  )
}

/** A grant that was found approved and in force: what the store holds an operator's statements to. */
export interface EffectiveGrant extends Grant {
  /** How principals, the audit log and the person concerned name it. */
  readonly id: string
  /** Hexadecimal {@link grantDigest}. */
  readonly digest: string
}

/** A grant under its id, for the store; frozen. Whoever calls it vouches for the approval. */
export function effectiveGrant(id: string, grant: Grant): EffectiveGrant {
  return Object.freeze({ ...grant, id, digest: toHex(grantDigest(grant)) })
}

/** As whom somebody with this grant sees the product; null where it is no grant of impersonation. */
export function impersonatedBy(grant: EffectiveGrant | null): string | null {
  return grant?.kind === 'impersonation' ? grant.scope.subject : null
}
