import { parseDuration } from '../kernel/index.ts'
import { listMembers } from './memberships.ts'
import type { Change, Office } from './office.ts'
import { listItems, reviewersOf, waitFor } from './review-items.ts'

/** What a reviewer is told. */
export interface ReviewReminder {
  readonly tenant: string
  /** The reviewer. */
  readonly personId: string
  /** How much waits for them. */
  readonly open: number
  readonly dueAt: Date
  readonly overdue: boolean
}

const BEFORE_MS = parseDuration('3d')
const AGAIN_MS = parseDuration('7d')

/** When reviewers were last to be reminded: as it begins, three days before it is due, then, and each week after. */
function lastMoment(
  { createdAt, dueAt }: { readonly createdAt: Date; readonly dueAt: Date },
  now: number,
): number {
  const [begun, due] = [createdAt.getTime(), dueAt.getTime()]
  if (now < due) return now >= due - BEFORE_MS ? Math.max(begun, due - BEFORE_MS) : begun
  return due + Math.floor((now - due) / AGAIN_MS) * AGAIN_MS
}

/**
 * Whom to remind of their open reviews now. Each moment is given out once, whichever process asks: a
 * reminder that is then not sent is made up for by the next one, and by the page.
 */
export async function takeReminders(office: Office): Promise<readonly ReviewReminder[]> {
  const { db, clock, change } = office
  const reviews = await db.selectFrom('tenant_reviews').select(['tenantId', 'closedAt']).execute()
  const tenants = new Set(reviews.filter(({ closedAt }) => closedAt === null).map(({ tenantId }) => tenantId))
  const reminders: ReviewReminder[] = []
  for (const tenant of tenants)
    reminders.push(...(await change(tenant, (open) => takeFrom(open, clock.now()))))
  return reminders
}

async function takeFrom(open: Change, now: number): Promise<readonly ReviewReminder[]> {
  const { db, tenant } = open
  const rows = await db
    .selectFrom('tenant_reviews')
    .select(['id', 'reviewers', 'createdAt', 'dueAt', 'closedAt', 'remindedAt'])
    .where('tenantId', '=', tenant)
    .execute()
  const review = rows.find(({ closedAt }) => closedAt === null)
  const moment = review && lastMoment(review, now)
  if (!review || (review.remindedAt?.getTime() ?? -Infinity) >= moment!) return []
  await db
    .updateTable('tenant_reviews')
    .set({ remindedAt: new Date(now) })
    .where('id', '=', review.id)
    .execute()
  const items = await listItems(open, review.id)
  return reviewersOf(review, await listMembers(open))
    .map((personId) => ({
      tenant,
      personId,
      open: waitFor(items, personId).length,
      dueAt: review.dueAt,
      overdue: review.dueAt.getTime() < now,
    }))
    .filter(({ open: waiting }) => waiting > 0)
}
