import { grantDigest, type Grant } from '../access/index.ts'
import { toHex } from '../kernel/index.ts'
import type { StaffActed } from '../log/index.ts'
import type { Verdict } from './glass.ts'
import type { Decision } from './grant-records.ts'

const EVENTS: Readonly<Record<Decision['what'], StaffActed['kind']>> = {
  approved: 'staff.approved',
  'broke-glass': 'staff.broke-glass',
  consented: 'staff.consented',
  refused: 'staff.refused',
  ended: 'staff.ended',
  reviewed: 'staff.reviewed',
  acknowledged: 'staff.acknowledged',
}

/** What the audit log is told of a decision. */
export function toEvent(
  { what, by, note }: Decision,
  { id, grant }: { id: string | null; grant: Grant },
): StaffActed {
  const change = what === 'reviewed' ? verdictIn(note) : null
  return { ...aboutGrant(id, grant), kind: EVENTS[what], actor: by, change }
}

/** What every event about a grant says of it; its id is null before it is stored. */
export function aboutGrant(id: string | null, grant: Grant): Omit<StaffActed, 'kind' | 'actor'> {
  const { tenant, subject } = grant.scope
  return { grant: id, digest: toHex(grantDigest(grant)), member: null, tenant, subject, change: null }
}

/** A note begins with its verdict. */
export function verdictIn(note: string | null): Verdict {
  return note?.startsWith('unjustified:') ? 'unjustified' : 'justified'
}
