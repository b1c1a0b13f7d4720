import type { Principal } from '../access/index.ts'
import { isId, parseDuration, type Duration } from '../kernel/index.ts'
import { listKeys, removeKey, type ApiKey } from './api-keys.ts'
import {
  actorOf,
  findMember,
  missing,
  requireAdministrator,
  requireMember,
  tenantOfActor,
  type Change,
  type Member,
  type Office,
  type Standing,
} from './change.ts'
import { TenantsError } from './errors.ts'
import { listMembers, setRoles } from './members.ts'
import { ADMINISTRATOR } from './rules.ts'

export interface Review {
  readonly id: string
  /** Pseudonyms of those who decide. */
  readonly reviewers: readonly string[]
  readonly createdAt: Date
  readonly dueAt: Date
  /** When the last decision was made; null while any is open. */
  readonly closedAt: Date | null
}

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

/** Reviews of who may what, one at a time for each tenant. */
export interface Reviews {
  /**
   * Asks about every role of every member and every key.
   *
   * @param options reviewers: pseudonyms of members; default: the administrators. dueIn: default `"14d"`
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_REVIEW_OPEN`, `ERR_TENANTS_MEMBER`
   */
  start(
    actor: Principal,
    options?: { readonly reviewers?: readonly string[]; readonly dueIn?: Duration },
  ): Promise<Review>
  /** The newest, with its items. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  current(
    actor: Principal,
  ): Promise<{ readonly review: Review; readonly items: readonly ReviewItem[] } | null>
  /**
   * Keeps, or revokes in the same transaction: the role or the key is gone when this resolves. The last
   * decision closes the review.
   *
   * @throws TenantsError `ERR_TENANTS_REVIEWER`, `ERR_TENANTS_DECIDED`, `ERR_TENANTS_MISSING`,
   *   `ERR_TENANTS_LAST_ADMINISTRATOR`
   */
  decide(actor: Principal, itemId: string, decision: 'keep' | 'revoke'): Promise<void>
  /** Every open review of every tenant, for reminders and for the promise; the most urgent first. */
  due(): Promise<readonly DueReview[]>
}

export interface DueReview {
  readonly tenant: string
  readonly reviewers: readonly string[]
  readonly dueAt: Date
  readonly open: number
  readonly overdue: boolean
}

const ITEM = ['id', 'personId', 'role', 'keyId', 'unused', 'decision', 'decidedBy', 'decidedAt'] as const
const REVIEW = ['id', 'reviewers', 'createdAt', 'dueAt', 'closedAt'] as const

export function createReviews(office: Office): Reviews {
  const { change, clock } = office
  return {
    start: (actor, { reviewers, dueIn = '14d' } = {}) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        const reviews = await listReviews(open)
        if (reviews.some(({ closedAt }) => closedAt === null))
          throw new TenantsError('ERR_TENANTS_REVIEW_OPEN', 'a review of this tenant is open')
        const members = await listMembers(open)
        const review = await open.db
          .insertInto('tenant_reviews')
          .values({
            tenantId: open.tenant,
            reviewers: chooseReviewers(members, reviewers),
            dueAt: new Date(clock.now() + parseDuration(dueIn)),
          })
          .returning(REVIEW)
          .executeTakeFirstOrThrow()
        await insertItems(open, review.id, members, await listKeys(open), reviews.at(-1)?.closedAt ?? null)
        const about = { what: 'review', subject: null, row: review.id } as const
        open.tell({ ...about, actor: actorOf(standing), before: null, after: ['open'] })
        return review
      }),
    current: (actor) =>
      change(tenantOfActor(actor), async (open) => {
        const { member } = await requireMember(office, open, actor)
        const review = (await listReviews(open)).at(-1)
        if (!review) return null
        if (!review.reviewers.includes(actor.id) && !member.roles.includes(ADMINISTRATOR)) throw notReviewer()
        return { review, items: await listItems(open, review.id) }
      }),
    decide: (actor, itemId, decision) =>
      change(tenantOfActor(actor), (open) => decide(office, open, actor, itemId, decision)),
    due: () => listDue(office),
  }
}

async function decide(
  office: Office,
  open: Change,
  actor: Principal,
  itemId: string,
  decision: 'keep' | 'revoke',
): Promise<void> {
  const standing = await requireMember(office, open, actor)
  const review = (await listReviews(open)).find(({ closedAt }) => closedAt === null)
  const items = review ? await listItems(open, review.id) : []
  const item = isId(itemId) ? items.find(({ id }) => id === itemId) : undefined
  if (!review || !item) throw missing('there is no such question in an open review')
  if (item.personId === actor.id || !review.reviewers.includes(actor.id)) throw notReviewer()
  if (item.decision !== null) throw new TenantsError('ERR_TENANTS_DECIDED', 'this is decided')
  if (decision === 'revoke') await revoke(open, standing, item)
  const now = new Date(office.clock.now())
  const decided = { decision, decidedBy: actor.id, decidedAt: now }
  await open.db.updateTable('tenant_review_items').set(decided).where('id', '=', item.id).execute()
  const about = { what: 'review', subject: item.personId, row: item.id } as const
  open.tell({ ...about, actor: actorOf(standing), before: [nameOf(item)], after: [decision] })
  if (items.some((each) => each.id !== item.id && each.decision === null)) return
  await open.db.updateTable('tenant_reviews').set({ closedAt: now }).where('id', '=', review.id).execute()
}

async function listDue({ db, clock }: Office): Promise<readonly DueReview[]> {
  const reviews = await db
    .selectFrom('tenant_reviews')
    .select([...REVIEW, 'tenantId'])
    .execute()
  const found: DueReview[] = []
  for (const { id, tenantId: tenant, reviewers, dueAt, closedAt } of reviews) {
    if (closedAt !== null) continue
    const items = await listItems({ db, tenant }, id)
    const open = items.filter((item) => item.decision === null).length
    found.push({ tenant, reviewers, dueAt, open, overdue: dueAt.getTime() < clock.now() })
  }
  return found.toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime())
}

function nameOf({ role, keyId }: ReviewItem): string {
  return role ?? `key:${keyId}`
}

/** Oldest first. */
async function listReviews({ db, tenant }: Change): Promise<readonly Review[]> {
  return db.selectFrom('tenant_reviews').select(REVIEW).where('tenantId', '=', tenant).orderBy('id').execute()
}

async function listItems(
  { db, tenant }: Pick<Change, 'db' | 'tenant'>,
  reviewId: string,
): Promise<readonly ReviewItem[]> {
  return db
    .selectFrom('tenant_review_items')
    .select(ITEM)
    .where('tenantId', '=', tenant)
    .where('reviewId', '=', reviewId)
    .orderBy('id')
    .execute()
}

function chooseReviewers(members: readonly Member[], chosen: readonly string[] | undefined): string[] {
  const administrators = members.filter(({ roles }) => roles.includes(ADMINISTRATOR))
  const reviewers = chosen ?? administrators.map(({ personId }) => personId)
  const known = reviewers.every((id) => members.some(({ personId }) => personId === id))
  if (!known || reviewers.length === 0)
    throw new TenantsError('ERR_TENANTS_MEMBER', 'a reviewer is no member of the tenant')
  return [...new Set(reviewers)]
}

async function insertItems(
  { db, tenant }: Change,
  reviewId: string,
  members: readonly Member[],
  keys: readonly ApiKey[],
  since: Date | null,
): Promise<void> {
  const unused = ({ lastUsedAt }: { readonly lastUsedAt: Date | null }): boolean =>
    lastUsedAt === null || (since !== null && lastUsedAt < since)
  const base = { tenantId: tenant, reviewId }
  const rows = [
    ...members.flatMap((member) =>
      member.roles.map((role) => ({ ...base, personId: member.personId, role, unused: unused(member) })),
    ),
    ...keys.map((key) => ({ ...base, personId: key.personId, keyId: key.id, unused: unused(key) })),
  ]
  if (rows.length > 0) await db.insertInto('tenant_review_items').values(rows).execute()
}

/** What is gone already needs no revocation. */
async function revoke(
  open: Change,
  standing: Standing,
  { personId, role, keyId }: ReviewItem,
): Promise<void> {
  if (keyId !== null) return removeKey(open, { id: keyId })
  const member = await findMember(open.db, open.tenant, personId)
  if (!member?.roles.includes(role!)) return
  await setRoles(
    open,
    standing,
    member,
    member.roles.filter((each) => each !== role),
  )
}

function notReviewer(): Error {
  return new TenantsError('ERR_TENANTS_REVIEWER', 'this is decided by a reviewer whom it is not about')
}
