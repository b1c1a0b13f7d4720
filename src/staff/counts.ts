import { StaffError } from './errors.ts'
import type { Members } from './members.ts'
import type { CountGroups, StaffPorts } from './ports.ts'

const DAY_MS = 86_400_000
const DEFAULT_LEAST_GROUP = 10
const DEFAULT_DAILY_QUERIES = 20

/**
 * Runs a declared query for a staff member: people counted by clear fields over everybody, groups that
 * are too small left out, within the member's budget of a day.
 *
 * LIMIT: two counts that differ by one person's change tell of that change; the budget makes that slow,
 * and the audit log shows it.
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
  const groups = await ports.count(query.resource, query.groupBy, config.leastGroup ?? DEFAULT_LEAST_GROUP)
  await ports.audit.record([
    { kind: 'staff.counted', actor: by, grant: null, what: name, count: groups.length },
  ])
  return groups
}

/** Counted before it runs, behind a lock on the member: two at once never share the last of a budget. */
async function spend({ data, clock, config }: StaffPorts, by: string, name: string): Promise<void> {
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
        .where('createdAt', '>', new Date(clock.now() - DAY_MS))
        .executeTakeFirstOrThrow()
      if (Number(spent) >= (config.dailyQueries ?? DEFAULT_DAILY_QUERIES))
        throw new StaffError('ERR_STAFF_BUDGET', 'the queries of 24 hours are spent')
      await transaction.insertInto('staff_counts').values({ personId: by, query: name }).execute()
    })
}
