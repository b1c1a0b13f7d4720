import { createId } from '../kernel/index.ts'
import { StaffError } from './errors.ts'
import type { Members } from './members.ts'
import type { CountGroups, StaffPorts } from './ports.ts'
import { digestOfId } from './staff-list.ts'

const DAY_MS = 86_400_000
const DEFAULT_LEAST_GROUP = 10
const DEFAULT_DAILY_QUERIES = 20

/**
 * Runs a declared query for a staff member: people counted by clear fields over everybody, groups that
 * are too small left out, within the member's budget of a day. Numbers are rounded down to a multiple of
 * the least group, so that neither two queries nor two moments differ by fewer people than that: else a
 * total less its groups would count the group that was left out.
 *
 * LIMIT: who can add people of their own making finds where a number turns, and so the exact one; the
 * budget makes that slow, and the audit log shows it.
 *
 * @throws StaffError `ERR_STAFF_QUERY`, `ERR_STAFF_BUDGET`
 */
export async function runCount(
  ports: StaffPorts,
  members: Members,
  by: string,
  name: string,
): Promise<CountGroups> {
  const { config } = ports
  const member = (await members.all()).get(by)
  const role = member?.active ? config.roles[member.role] : undefined
  const query = Object.hasOwn(config.queries ?? {}, name) ? config.queries![name]! : null
  if (!query || !(role?.counts ?? []).includes(name)) {
    throw new StaffError('ERR_STAFF_QUERY', 'the role of this staff member runs no such query')
  }
  await spend(ports, by, name)
  const least = config.leastGroup ?? DEFAULT_LEAST_GROUP
  const counted = await ports.count(query.resource, query.groupBy, least)
  const groups = counted.map((group) => ({ ...group, people: Math.floor(group.people / least) * least }))
  await ports.audit.record([
    { kind: 'staff.counted', actor: by, grant: null, what: name, count: groups.length },
  ])
  return groups
}

/** Counted before it runs, behind a lock on the member: two at once never share the last of a budget. */
async function spend(ports: StaffPorts, by: string, name: string): Promise<void> {
  const { data, clock, config } = ports
  const since = clock.now() - DAY_MS
  await data('staff_members', 'staff_counts')
    .transaction()
    .execute(async (transaction) => {
      await transaction
        .selectFrom('staff_members')
        .select('id')
        .where('personId', '=', by)
        .forUpdate()
        .execute()
      const { spent } = await transaction
        .selectFrom('staff_counts')
        .select((select) => select.fn.countAll().as('spent'))
        .where('personId', '=', by)
        .where('createdAt', '>', new Date(since))
        .executeTakeFirstOrThrow()
      // Rows of it that were deleted in SQL give nothing back.
      const marked = await spentSince(ports, by, since)
      if (Math.max(Number(spent), marked) >= (config.dailyQueries ?? DEFAULT_DAILY_QUERIES))
        throw new StaffError('ERR_STAFF_BUDGET', 'the queries of 24 hours are spent')
      await ports.marks.set('spent', `${digestOfId(by)}-${createId(clock)}`, { at: clock.now() })
      await transaction.insertInto('staff_counts').values({ personId: by, query: name }).execute()
    })
}

/** How many marks of the member's counts are no older; older ones are removed. */
async function spentSince({ marks }: StaffPorts, by: string, since: number): Promise<number> {
  const own = (await marks.names('spent')).filter((name) => name.startsWith(`${digestOfId(by)}-`))
  const ages = await Promise.all(own.map(async (name) => [name, await marks.read('spent', name)] as const))
  const isOld = (mark: object | null): boolean => !mark || (mark as { at: number }).at <= since
  for (const [name, mark] of ages) if (isOld(mark)) await marks.remove('spent', name)
  return ages.filter(([, mark]) => !isOld(mark)).length
}
