import {
  assertInTime,
  assertMayApprove,
  assertMayRequest,
  effectiveGrant,
  grantDigest,
  verifyAssertion,
  type EffectiveGrant,
  type Grant,
  type GrantScope,
  type Passkey,
  type PasskeyAssertion,
} from '../access/index.ts'
import { toHex } from '../kernel/index.ts'
import { StaffError } from './errors.ts'
import { isMarkedBroken } from './glass.ts'
import type { Decision, GrantRecord } from './grant-records.ts'
import type { Members } from './members.ts'
import type { StaffPorts } from './ports.ts'
import { digestOfId } from './staff-list.ts'

/**
 * The grant of a record, if everything that it rests on holds now: the requester's role and account, the
 * time, the approver's independence and role, their signature over the digest, the customer's consent.
 *
 * Nothing is remembered from an earlier look. A row that was edited in SQL does not open; a row that was
 * moved, or a decision from elsewhere, does not fit the digest; an older state of a row, put back as it
 * was, opens, but the marks outside the database say what became of it since.
 *
 * @throws StaffError `ERR_STAFF_STATE`, `ERR_STAFF_APPROVAL`, `ERR_STAFF_CONSENT`; AccessError
 */
export async function requireInForce(
  ports: StaffPorts,
  members: Members,
  { id, grant, state, decisions }: GrantRecord,
): Promise<EffectiveGrant> {
  if (state !== 'open') throw new StaffError('ERR_STAFF_STATE', `the grant is ${state}`)
  if (await isMarkedEnded(ports, grant)) throw new StaffError('ERR_STAFF_STATE', 'the grant was ended')
  assertInTime(grant, ports.clock.now())
  const staff = await members.all()
  const { roles } = ports.config
  assertMayRequest(grant, staff.get(grant.requester), roles)
  if (grant.kind === 'break-glass') {
    const broke = found(decisions, 'broke-glass')
    if (broke.by !== grant.requester) throw unfit('somebody else broke the glass')
    if (!(await isMarkedBroken(ports, grant))) throw unfit('nobody would have to review it')
    verifySigned(ports, await members.passkeys(broke.by), grantDigest(grant), broke.assertion)
  } else {
    const approved = found(decisions, 'approved')
    assertMayApprove(grant, approved.by, staff, roles)
    verifySigned(ports, await members.passkeys(approved.by), grantDigest(grant), approved.assertion)
    await requireConsent(ports, grant, decisions)
  }
  return effectiveGrant(id, grant)
}

/**
 * Holds what a passkey signed against the passkeys of the one who decided.
 * @throws StaffError `ERR_STAFF_APPROVAL` for a passkey of somebody else; AccessError `ERR_ACCESS_PASSKEY`
 */
export function verifySigned(
  { passkeys: site }: StaffPorts,
  passkeys: readonly Passkey[],
  challenge: Uint8Array,
  assertion: PasskeyAssertion | null,
): void {
  const known = passkeys.find(({ credential }) => credential === assertion?.credential)
  if (!known || !assertion) throw unfit('no passkey of the one who decided has signed it')
  verifyAssertion(site, known, challenge, assertion)
}

/** Marks a grant as ended, for good; marks of grants that ended by themselves long ago are removed. */
export async function markEnded({ marks, clock }: StaffPorts, grant: Grant): Promise<void> {
  await marks.set('ended', endedName(grant))
  for (const name of await marks.names('ended'))
    if (Number(name.split('-')[0]) + KEPT_AFTER_END_MS <= clock.now()) await marks.remove('ended', name)
}

async function isMarkedEnded({ marks }: StaffPorts, grant: Grant): Promise<boolean> {
  return (await marks.read('ended', endedName(grant))) !== null
}

/** Two days: clocks of two processes are never that far apart. */
const KEPT_AFTER_END_MS = 172_800_000

/** With its end first, so that it is seen from the name alone when the mark has done its work. */
function endedName(grant: Grant): string {
  return `${grant.until}-${toHex(grantDigest(grant))}`
}

/**
 * True where whoever's data it is wants to be asked first: the newest setting of each counts, and the mark,
 * since a setting whose row was deleted in SQL is no leave.
 */
export async function asksFirst({ data, marks }: StaffPorts, scope: GrantScope): Promise<boolean> {
  for (const owner of [scope.tenant, scope.subject]) {
    if (owner === null) continue
    if ((await marks.read('asks', digestOfId(owner))) !== null) return true
    const newest = await data('staff_tenant_settings')
      .selectFrom('staff_tenant_settings')
      .select('asksFirst')
      .where('tenantId', '=', owner)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (newest?.asksFirst) return true
  }
  return false
}

async function requireConsent(
  ports: StaffPorts,
  grant: Grant,
  decisions: readonly Decision[],
): Promise<void> {
  if (decisions.some(({ what }) => what === 'consented')) return
  if (await asksFirst(ports, grant.scope))
    throw new StaffError('ERR_STAFF_CONSENT', 'the customer asked to be asked first')
}

function found(decisions: readonly Decision[], what: Decision['what']): Decision {
  const decision = decisions.find((one) => one.what === what)
  if (!decision) throw unfit('nobody decided on it')
  return decision
}

function unfit(why: string): Error {
  return new StaffError('ERR_STAFF_APPROVAL', `the approval does not hold: ${why}`)
}
