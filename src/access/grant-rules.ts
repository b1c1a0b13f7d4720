import type { StaffRole } from '../declare/index.ts'
import { AccessError } from './errors.ts'
import type { Grant } from './grant.ts'

/** A staff member, as far as rules look at one. */
export interface StaffMember {
  readonly id: string
  readonly role: string
  /** Who made them a staff member; null for the founders. */
  readonly appointedBy: string | null
  readonly active: boolean
}

export type Staff = ReadonlyMap<string, StaffMember>
export type StaffRoles = { readonly [role: string]: StaffRole }

/** Below this number nobody is left to review what one did and another approved. */
export const LEAST_STAFF = 3

/**
 * The founder to whom a member goes back: whoever appointed them, whoever appointed that one, and so on.
 * Null for a chain that names somebody unknown, or runs in a circle.
 */
function founderOf(member: StaffMember, staff: Staff): string | null {
  const seen = new Set<string>()
  for (let at: StaffMember | undefined = member; at && !seen.has(at.id);) {
    if (at.appointedBy === null) return at.id
    seen.add(at.id)
    at = staff.get(at.appointedBy)
  }
  return null
}

/** All founders to whom these members go back. */
export function foundersOf(members: readonly StaffMember[], staff: Staff): ReadonlySet<string> {
  return new Set(members.map((one) => founderOf(one, staff)).filter((id) => id !== null))
}

/**
 * Holds a request against the requester's role.
 * @throws AccessError `ERR_ACCESS_STAFF`, `ERR_ACCESS_GRANT_WIDER`
 */
export function assertMayRequest(grant: Grant, requester: StaffMember | undefined, roles: StaffRoles): void {
  const member = requireActive(requester, grant.requester)
  const role = Object.hasOwn(roles, member.role) ? roles[member.role] : undefined
  if (grant.role !== member.role || !role) throw wider('its requester has another role')
  if (!(role.kinds ?? ['support']).includes(grant.kind)) throw wider(`${grant.kind} grants`)
  for (const name of Object.keys(grant.resources)) {
    if (!(role.reads ?? []).includes(name)) throw wider(`rows of ${name}`)
    if (grant.actions.length > 1 && !(role.changes ?? []).includes(name)) throw wider(`changes of ${name}`)
  }
}

function wider(what: string): Error {
  return new AccessError('ERR_ACCESS_GRANT_WIDER', `the role of this staff member does not ask for ${what}`)
}

/**
 * Holds an approver against the rules: not the requester, of a role that approves the requester's, and
 * independent of them: the two go back to different founders. Else one member who appoints would be two
 * people: with whom they appointed, or with two of those.
 *
 * @throws AccessError `ERR_ACCESS_STAFF`, `ERR_ACCESS_SELF_APPROVAL`, `ERR_ACCESS_APPOINTEE`, `ERR_ACCESS_APPROVER`
 */
export function assertMayApprove(grant: Grant, approver: string, staff: Staff, roles: StaffRoles): void {
  const member = requireActive(staff.get(approver), approver)
  requireIndependent(grant, member, staff)
  if (!roleOf(member, roles)?.approves?.includes(grant.role)) {
    throw new AccessError('ERR_ACCESS_APPROVER', `the role ${member.role} does not approve for ${grant.role}`)
  }
}

/**
 * Holds the reviewer of a break-glass grant against the same independence.
 * @throws AccessError as {@link assertMayApprove}
 */
export function assertMayReview(grant: Grant, reviewer: string, staff: Staff, roles: StaffRoles): void {
  const member = requireActive(staff.get(reviewer), reviewer)
  requireIndependent(grant, member, staff)
  if (roleOf(member, roles)?.reviews !== true) {
    throw new AccessError('ERR_ACCESS_APPROVER', `the role ${member.role} does not review`)
  }
}

function requireIndependent({ requester }: Grant, member: StaffMember, staff: Staff): void {
  if (member.id === requester) {
    throw new AccessError('ERR_ACCESS_SELF_APPROVAL', 'nobody decides on a grant of their own')
  }
  const asks = staff.get(requester)
  const [own, theirs] = [founderOf(member, staff), asks ? founderOf(asks, staff) : null]
  if (own === null || theirs === null || own === theirs) {
    throw new AccessError(
      'ERR_ACCESS_APPOINTEE',
      'this staff member and the requester go back to one founder',
    )
  }
}

/**
 * True where `by` may have a member's passkeys replaced: of a role that appoints theirs, and not one who
 * owes the place to them.
 */
export function mayReplacePasskeys(
  by: StaffMember | undefined,
  member: StaffMember,
  staff: Staff,
  roles: StaffRoles,
): boolean {
  if (!by?.active || by.id === member.id) return false
  return roleOf(by, roles)?.appoints?.includes(member.role) === true && !owesPlaceTo(by, member.id, staff)
}

/** True where `other` appointed the member, or somebody in the chain that did; also where the chain is broken. */
function owesPlaceTo(member: StaffMember, other: string, staff: Staff): boolean {
  const seen = new Set<string>()
  for (let by = member.appointedBy; by !== null;) {
    if (by === other || seen.has(by)) return true
    seen.add(by)
    const next = staff.get(by)
    if (!next) return true
    by = next.appointedBy
  }
  return false
}

function roleOf(member: StaffMember, roles: StaffRoles): StaffRole | null {
  return Object.hasOwn(roles, member.role) ? roles[member.role]! : null
}

function requireActive(member: StaffMember | undefined, id: string): StaffMember {
  if (member?.id === id && member.active) return member
  throw new AccessError('ERR_ACCESS_STAFF', 'this is no active staff member')
}

/**
 * Holds a grant against the time.
 * @throws AccessError `ERR_ACCESS_GRANT_TIME`
 */
export function assertInTime({ from, until }: Grant, now: number): void {
  if (now < from) throw new AccessError('ERR_ACCESS_GRANT_TIME', 'the grant has not begun')
  if (now >= until) throw new AccessError('ERR_ACCESS_GRANT_TIME', 'the grant has ended')
}
