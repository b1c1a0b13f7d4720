import { listKeys, removeKey, type ApiKey } from './api-keys.ts'
import { USE_STEP_MS } from './last-use.ts'
import { findMember, listMembers, setRoles, type Member } from './memberships.ts'
import type { Change, Look, Office } from './office.ts'
import { ADMINISTRATOR } from './rules.ts'
import { actorOf, type Standing } from './standing.ts'

/** One thing that somebody may, to be kept or revoked: a role in the tenant, or a key. */
export interface ReviewItem {
  readonly id: string
  readonly personId: string
  readonly role: string | null
  readonly keyId: string | null
  /** True when the membership, or the key, was not used since the last review was closed. */
  readonly unused: boolean
  readonly decision: 'keep' | 'revoke' | null
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
}

const ITEM = ['id', 'personId', 'role', 'keyId', 'unused', 'decision', 'decidedBy', 'decidedAt'] as const

export async function listItems({ db, tenant }: Look, reviewId: string): Promise<readonly ReviewItem[]> {
  return db
    .selectFrom('tenant_review_items')
    .select(ITEM)
    .where('tenantId', '=', tenant)
    .where('reviewId', '=', reviewId)
    .orderBy('id')
    .execute()
}

/**
 * Asks about every role of every member and every key; not about somebody who is alone in the tenant,
 * for nobody else is there to answer.
 *
 * @param since when the review before was closed
 */
export async function insertItems(open: Change, reviewId: string, since: Date | null): Promise<void> {
  const { db, tenant } = open
  const members = await listMembers(open)
  const base = { tenantId: tenant, reviewId }
  const rows = [
    ...members.flatMap((member) =>
      member.roles.map((role) => ({
        ...base,
        personId: member.personId,
        role,
        unused: isUnused(member, USE_STEP_MS.tenant_members, since),
      })),
    ),
    ...(await listKeys(open)).map((key) => ({
      ...base,
      personId: key.personId,
      keyId: key.id,
      unused: isUnused(key, USE_STEP_MS.tenant_keys, since),
    })),
  ].filter(({ personId }) => members.some((member) => member.personId !== personId))
  if (rows.length > 0) await db.insertInto('tenant_review_items').values(rows).execute()
}

/** @param noted to how many milliseconds a use is noted: within them it counts for whoever holds the right */
function isUnused(
  { lastUsedAt }: Pick<Member | ApiKey, 'lastUsedAt'>,
  noted: number,
  since: Date | null,
): boolean {
  return lastUsedAt === null || (since !== null && lastUsedAt.getTime() + noted <= since.getTime())
}

/** What is gone already needs no revocation. */
export async function revokeItem(
  office: Office,
  open: Change,
  standing: Standing,
  { personId, role, keyId }: ReviewItem,
): Promise<void> {
  if (keyId !== null) return removeKey(open, { id: keyId })
  const member = await findMember(open.db, open.tenant, personId)
  if (!member?.roles.includes(role!)) return
  const left = member.roles.filter((each) => each !== role)
  await setRoles(office, open, actorOf(standing), member, left)
}

/** What an item is about, for the audit log. */
export function nameOfItem({ role, keyId }: ReviewItem): string {
  return role ?? `key:${keyId}`
}

/** What a reviewer has still to decide: everything but what is about themselves. */
export function waitFor(items: readonly ReviewItem[], personId: string): readonly ReviewItem[] {
  return items.filter((item) => item.decision === null && item.personId !== personId)
}

/** Who decides: who was appointed and is still a member; where nobody was, the administrators as they are. */
export function reviewersOf(
  { reviewers }: { readonly reviewers: readonly string[] },
  members: readonly Member[],
): string[] {
  return members
    .filter(({ personId, roles }) =>
      reviewers.length === 0 ? roles.includes(ADMINISTRATOR) : reviewers.includes(personId),
    )
    .map(({ personId }) => personId)
}
