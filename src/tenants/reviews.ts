import type { Principal } from '../access/index.ts'
import { isId, parseDuration, type Duration } from '../kernel/index.ts'
import { TenantsError } from './errors.ts'
import { listMembers, type Member } from './memberships.ts'
import { missing, type Change, type Look, type Office } from './office.ts'
import {
  insertItems,
  listItems,
  nameOfItem,
  reviewersOf,
  revokeItem,
  waitFor,
  type ReviewItem,
} from './review-items.ts'
import { takeReminders, type ReviewReminder } from './review-reminders.ts'
import { ADMINISTRATOR } from './rules.ts'
import { actorOf, requireAdministrator, requireMember, tenantOfActor } from './standing.ts'

export interface Review {
  readonly id: string
  /** Pseudonyms of those who decide; none: the administrators, as they are at that moment. */
  readonly reviewers: readonly string[]
  readonly createdAt: Date
  readonly dueAt: Date
  /** When the last decision was made; null while any is open. */
  readonly closedAt: Date | null
}

/** A review as it is shown. */
export interface ShownReview {
  readonly review: Review
  readonly items: readonly ReviewItem[]
  /** Who decides now: those who were appointed and are still members, or the administrators. */
  readonly reviewers: readonly string[]
  /** How many open questions no reviewer may answer, for they are about the only one: somebody else is to be appointed. */
  readonly stuck: number
}

/** A review in one line. */
export interface ReviewSummary extends Review {
  readonly kept: number
  readonly revoked: number
  readonly open: number
}

/** Reviews of who may what, one at a time for each tenant. */
export interface Reviews {
  /**
   * Asks about every role of every member and every key. Where there is nobody to ask about, or nobody
   * else to answer, it is closed at once.
   *
   * @param options reviewers: pseudonyms of members; default: the administrators, as they are when they
   *   decide. dueIn: default `"14d"`
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_REVIEW_OPEN`, `ERR_TENANTS_MEMBER`
   */
  start(
    actor: Principal,
    options?: { readonly reviewers?: readonly string[]; readonly dueIn?: Duration },
  ): Promise<Review>
  /**
   * Lets one more member decide in the open review: where only one reviewer is left, whom it is about.
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_MEMBER`, `ERR_TENANTS_MISSING`
   */
  appoint(actor: Principal, personId: string): Promise<void>
  /** The newest, or that one, with its items. @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_REVIEWER` */
  current(actor: Principal, id?: string): Promise<ShownReview | null>
  /** All of them, the newest first. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  history(actor: Principal): Promise<readonly ReviewSummary[]>
  /** How many questions of the open review wait for the actor; none also for who is nobody's member. */
  waiting(actor: Principal): Promise<{ readonly open: number; readonly dueAt: Date } | null>
  /**
   * Keeps, or revokes in the same transaction: the role or the key is gone when this resolves. The last
   * decision closes the review.
   *
   * @throws TenantsError `ERR_TENANTS_REVIEWER`, `ERR_TENANTS_DECIDED`, `ERR_TENANTS_MISSING`,
   *   `ERR_TENANTS_LAST_ADMINISTRATOR`
   */
  decide(actor: Principal, itemId: string, decision: 'keep' | 'revoke'): Promise<void>
  /** Every open review of every tenant, for the promise; the most urgent first. */
  due(): Promise<readonly DueReview[]>
  /**
   * Whom to remind now, each once: as a review begins, three days before it is due, when it is, and each
   * week after that. What is given out counts as sent.
   */
  takeReminders(): Promise<readonly ReviewReminder[]>
}

export interface DueReview {
  readonly tenant: string
  readonly reviewers: readonly string[]
  readonly dueAt: Date
  readonly open: number
  readonly overdue: boolean
}

const REVIEW = ['id', 'reviewers', 'createdAt', 'dueAt', 'closedAt'] as const

export function createReviews(office: Office): Reviews {
  const { change, look } = office
  return {
    start: (actor, options = {}) =>
      change(tenantOfActor(actor), (open) => start(office, open, actor, options)),
    appoint: (actor, personId) =>
      change(tenantOfActor(actor), (open) => appoint(office, open, actor, personId)),
    current: (actor, id) => look(tenantOfActor(actor), (open) => show(office, open, actor, id)),
    history: (actor) =>
      look(tenantOfActor(actor), async (open) => {
        await requireAdministrator(office, open, actor)
        return summarise(open)
      }),
    waiting: (actor) => waitingFor(office, actor),
    decide: (actor, itemId, decision) =>
      change(tenantOfActor(actor), (open) => decide(office, open, actor, itemId, decision)),
    due: () => listDue(office),
    takeReminders: () => takeReminders(office),
  }
}

async function start(
  office: Office,
  open: Change,
  actor: Principal,
  { reviewers = [], dueIn = '14d' }: NonNullable<Parameters<Reviews['start']>[1]>,
): Promise<Review> {
  const standing = await requireAdministrator(office, open, actor)
  const before = (await listReviews(open)).at(-1)
  if (before && !(await closeIfDone(office, open, before)))
    throw new TenantsError('ERR_TENANTS_REVIEW_OPEN', 'a review of this tenant is open')
  const members = await listMembers(open)
  if (reviewers.some((id) => !isMember(members, id))) throw noMember()
  const review = await open.db
    .insertInto('tenant_reviews')
    .values({
      tenantId: open.tenant,
      reviewers: [...new Set(reviewers)],
      dueAt: new Date(office.clock.now() + parseDuration(dueIn)),
    })
    .returning(REVIEW)
    .executeTakeFirstOrThrow()
  await insertItems(open, review.id, before?.closedAt ?? null)
  const about = { what: 'review', subject: null, row: review.id } as const
  open.tell({ ...about, actor: actorOf(standing), before: null, after: ['open'] })
  await closeIfDone(office, open, review)
  return review
}

async function appoint(office: Office, open: Change, actor: Principal, personId: string): Promise<void> {
  const standing = await requireAdministrator(office, open, actor)
  const review = (await listReviews(open)).find(({ closedAt }) => closedAt === null)
  if (!review) throw missing('no review is open')
  const members = await listMembers(open)
  if (!isMember(members, personId)) throw noMember()
  const before = reviewersOf(review, members)
  const reviewers = [...new Set([...before, personId])]
  await open.db.updateTable('tenant_reviews').set({ reviewers }).where('id', '=', review.id).execute()
  const about = { what: 'review', subject: personId, row: review.id } as const
  const told = (ids: readonly string[]): string[] => ids.map((id) => `reviewer:${id}`)
  open.tell({ ...about, actor: actorOf(standing), before: told(before), after: told(reviewers) })
}

async function show(
  office: Office,
  open: Look,
  actor: Principal,
  id: string | undefined,
): Promise<ShownReview | null> {
  const { member } = await requireMember(office, open, actor)
  const reviews = await listReviews(open)
  const review = id === undefined ? reviews.at(-1) : reviews.find((each) => each.id === id)
  if (!review) return null
  const reviewers = reviewersOf(review, await listMembers(open))
  if (!reviewers.includes(actor.id) && !member.roles.includes(ADMINISTRATOR)) throw notReviewer()
  const items = await listItems(open, review.id)
  const undecided = items.filter(({ decision }) => decision === null)
  const answerable = (item: ReviewItem): boolean => reviewers.some((each) => each !== item.personId)
  return { review, items, reviewers, stuck: undecided.filter((item) => !answerable(item)).length }
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
  const reviewers = reviewersOf(review, await listMembers(open))
  if (item.personId === actor.id || !reviewers.includes(actor.id)) throw notReviewer()
  if (item.decision !== null) throw new TenantsError('ERR_TENANTS_DECIDED', 'this is decided')
  if (decision === 'revoke') await revokeItem(office, open, standing, item)
  const decided = { decision, decidedBy: actor.id, decidedAt: new Date(office.clock.now()) }
  await open.db.updateTable('tenant_review_items').set(decided).where('id', '=', item.id).execute()
  const about = { what: 'review', subject: item.personId, row: item.id } as const
  open.tell({ ...about, actor: actorOf(standing), before: [nameOfItem(item)], after: [decision] })
  await closeIfDone(office, open, review)
}

/** True where nothing is left to decide: also when the people of the last questions have been erased. */
async function closeIfDone({ clock }: Office, open: Change, { id, closedAt }: Review): Promise<boolean> {
  if (closedAt !== null) return true
  if ((await listItems(open, id)).some(({ decision }) => decision === null)) return false
  const now = new Date(clock.now())
  await open.db.updateTable('tenant_reviews').set({ closedAt: now }).where('id', '=', id).execute()
  return true
}

async function waitingFor(
  { db }: Office,
  actor: Principal,
): Promise<{ readonly open: number; readonly dueAt: Date } | null> {
  if (actor.tenant === null) return null
  const looked = { db, tenant: actor.tenant }
  const review = (await listReviews(looked)).find(({ closedAt }) => closedAt === null)
  if (!review || !reviewersOf(review, await listMembers(looked)).includes(actor.id)) return null
  const { length: open } = waitFor(await listItems(looked, review.id), actor.id)
  return open === 0 ? null : { open, dueAt: review.dueAt }
}

async function summarise(open: Look): Promise<readonly ReviewSummary[]> {
  const items = await open.db
    .selectFrom('tenant_review_items')
    .select(['reviewId', 'decision'])
    .where('tenantId', '=', open.tenant)
    .execute()
  const reviews = await listReviews(open)
  return reviews.toReversed().map((review) => {
    const own = items.filter(({ reviewId }) => reviewId === review.id)
    const count = (wanted: ReviewItem['decision']): number =>
      own.filter(({ decision }) => decision === wanted).length
    return { ...review, kept: count('keep'), revoked: count('revoke'), open: count(null) }
  })
}

async function listDue({ db, clock }: Office): Promise<readonly DueReview[]> {
  const reviews = await db
    .selectFrom('tenant_reviews')
    .select([...REVIEW, 'tenantId'])
    .execute()
  const found: DueReview[] = []
  for (const { id, tenantId: tenant, reviewers, dueAt, closedAt } of reviews) {
    if (closedAt !== null) continue
    const looked = { db, tenant }
    const open = (await listItems(looked, id)).filter(({ decision }) => decision === null).length
    const deciding = reviewersOf({ reviewers }, await listMembers(looked))
    found.push({ tenant, reviewers: deciding, dueAt, open, overdue: dueAt.getTime() < clock.now() })
  }
  return found.toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime())
}

/** Oldest first. */
async function listReviews({ db, tenant }: Look): Promise<readonly Review[]> {
  return db.selectFrom('tenant_reviews').select(REVIEW).where('tenantId', '=', tenant).orderBy('id').execute()
}

function isMember(members: readonly Member[], id: string): boolean {
  return members.some(({ personId }) => personId === id)
}

function noMember(): Error {
  return new TenantsError('ERR_TENANTS_MEMBER', 'a reviewer is no member of the tenant')
}

function notReviewer(): Error {
  return new TenantsError('ERR_TENANTS_REVIEWER', 'this is decided by a reviewer whom it is not about')
}
