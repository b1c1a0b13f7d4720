import { z } from 'zod'
import { describeDuration, isDuration, parseDuration, timeOfId } from '../kernel/index.ts'
import { ADMINISTRATOR, MEMBER } from '../tenants/index.ts'
import { tryReviewOverHttp } from './access-review-http.ts'
import { foundOverHttp } from './canary-organisation.ts'
import { checkTenants, memberships, refusalOf, withCanaryTenant, type CanaryTenant } from './canary-tenant.ts'
import { definePromise } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'

/** Permissions are reviewed regularly, by others than those who hold them, and what is revoked is gone. */
export const accessReview = definePromise({
  id: 'access.review',
  evidence: 'measured',
  checkedBy: 'self',
  version: 2,
  cadence: '24h',
  takes: '2s',
  parameters: z.strictObject({
    /** How long after a finished review, or after it began, each customer has finished the next: `180d`. */
    every: z
      .string()
      .refine((text) => isDuration(text) && parseDuration(text) > 0, 'write a duration such as 180d')
      .default('180d'),
  }),
  compare(before, after) {
    const [old, now] = [parseDuration(before.every), parseDuration(after.every)]
    return now === old ? 'reworded' : now > old ? 'weakened' : 'strengthened'
  },
  check: checkTenants,
  cannotProve: () => [
    'That reviewers looked before they decided.',
    'Whether a single permission was used: what is shown as unused is a membership, to the day, or a key, to the hour.',
    'Rights that are held elsewhere: on hosts, at providers, in the app’s own tables.',
  ],

  async probe(context, { every }) {
    const everyMs = parseDuration(every)
    const inLibrary = await withCanaryTenant(context, tryReview)
    const http = foundOverHttp(await tryReviewOverHttp(context))
    const problems = [...inLibrary, ...http.problems]
    const standing = await lookAtReviews(context, everyMs)
    const period = describeDuration(everyMs)
    if (standing.late > 0) {
      problems.push(
        `${standing.late} of ${standing.tenants} customers have finished no review within ${period}`,
      )
    }
    const { newest, ...counts } = standing
    const values = {
      everyDays: everyMs / 86_400_000,
      ...counts,
      httpTrials: http.trials,
      problems: problems.length,
      ...(newest === null ? {} : { newestFinishedAt: new Date(newest).toISOString() }),
    }
    if (problems.length > 0) return { outcome: 'broken', summary: `${problems[0]}.`, values }
    return {
      outcome: 'kept',
      summary: `None of ${standing.tenants} customers is without a finished review for ${period}; ${standing.open} reviews are open. In a review made for it nobody decided on themselves, and what was revoked was gone at once. ${http.words}`,
      values,
    }
  },
})

async function tryReview(canary: CanaryTenant): Promise<readonly string[]> {
  const { tenants, founder } = canary
  const second = await canary.join([ADMINISTRATOR])
  const member = await canary.join([MEMBER])
  const { text } = await tenants.keys.create(member, { name: 'canary', scopes: [] })
  await tenants.reviews.start(founder)
  const { items = [] } = (await tenants.reviews.current(founder)) ?? {}
  const of = (person: { readonly id: string }, key: boolean) =>
    items.find(({ personId, keyId }) => personId === person.id && (keyId !== null) === key)
  const [own, role, key] = [of(founder, false), of(member, false), of(member, true)]
  if (!own || !role || !key || !of(second, false)) return ['a review did not ask about every role and key']
  const problems: string[] = []
  if ((await refusalOf(() => tenants.reviews.decide(founder, own.id, 'keep'))) !== 'ERR_TENANTS_REVIEWER')
    problems.push('somebody decided on their own role')
  if ((await refusalOf(() => tenants.reviews.decide(member, own.id, 'keep'))) !== 'ERR_TENANTS_REVIEWER')
    problems.push('somebody decided who is no reviewer')
  await tenants.reviews.decide(founder, role.id, 'revoke')
  await tenants.reviews.decide(founder, key.id, 'revoke')
  if ((await canary.again(member))?.roles.length !== 0) problems.push('a revoked role was still there')
  if ((await tenants.keys.principalOf(text)) !== null) problems.push('a revoked key still worked')
  if ((await refusalOf(() => tenants.reviews.decide(second, role.id, 'keep'))) !== 'ERR_TENANTS_DECIDED')
    problems.push('a decision was taken back')
  return problems
}

interface Standing {
  readonly tenants: number
  readonly late: number
  readonly open: number
  readonly overdue: number
  /** When a review was last finished, in Unix milliseconds. */
  readonly newest: number | null
}

/** Over all real rows: when each customer last finished a review, or else since when it has members. */
async function lookAtReviews(context: ProbeContext, everyMs: number): Promise<Standing> {
  const since = new Map<string, number>()
  for (const { tenant, id } of await memberships(context))
    since.set(tenant, Math.min(since.get(tenant) ?? Infinity, timeOfId(id)))
  const tenants = since.size
  const rows = await context
    .as(context.system('probe.access.review', ['tenant_reviews']))
    .selectFrom('tenant_reviews')
    .select(['tenantId', 'closedAt', 'dueAt'])
    .execute()
  const real = rows.filter(({ tenantId }) => since.has(String(tenantId)))
  const closed = real.filter(({ closedAt }) => closedAt !== null)
  for (const { tenantId, closedAt } of closed) {
    const tenant = String(tenantId)
    since.set(tenant, Math.max(since.get(tenant)!, (closedAt as Date).getTime()))
  }
  const now = context.clock.now()
  const open = real.filter(({ closedAt }) => closedAt === null)
  return {
    tenants,
    late: [...since.values()].filter((at) => now - at > everyMs).length,
    open: open.length,
    overdue: open.filter(({ dueAt }) => (dueAt as Date).getTime() < now).length,
    newest:
      closed.length === 0 ? null : Math.max(...closed.map(({ closedAt }) => (closedAt as Date).getTime())),
  }
}
