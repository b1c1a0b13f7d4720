import { sealedFields, type Resource } from '../declare/index.ts'
import { hasCode } from '../kernel/index.ts'
import type { ProbeContext } from './probe-context.ts'

export interface OpenedEnvelopes {
  /** Rows that carry an envelope. */
  readonly total: number
  /** Rows whose envelope was tried: all, or a sample spread over all ids. */
  readonly opened: number
  readonly failed: number
}

const PAGE_ROWS = 500
/** Most rows opened per resource in one run; above it a sample is taken and counted as one. */
const MOST_ROWS = 50_000

/** Opens the stored envelopes of every resource: each must open under its own row, owner and clear columns. */
export async function openEnvelopes(context: ProbeContext): Promise<OpenedEnvelopes> {
  const sum = { total: 0, opened: 0, failed: 0 }
  for (const resource of Object.values(context.config.resources)) {
    if (sealedFields(resource).length === 0) continue
    const counted = await openResource(context, resource, sum.opened)
    sum.total += counted.total
    sum.opened += counted.opened
    sum.failed += counted.failed
  }
  return sum
}

async function openResource(
  context: ProbeContext,
  resource: Resource,
  before: number,
): Promise<OpenedEnvelopes> {
  const db = context.as(context.system('probe.encryption.rest', [resource.name]))
  const count = await db
    .selectFrom(resource.name)
    .select((select) => select.fn.countAll().as('n'))
    .executeTakeFirstOrThrow()
  const result = { total: Number(count['n']), opened: 0, failed: 0 }
  let after = '00000000-0000-0000-0000-000000000000'
  while (result.opened < MOST_ROWS && !context.signal.aborted) {
    const page = await db
      .selectFrom(resource.name)
      .select('id')
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE_ROWS)
      .execute()
    const ids = page.map((row) => String(row['id']))
    if (ids.length === 0) break
    after = ids.at(-1)!
    result.opened += ids.length
    result.failed += await countUnopened(context, resource, ids)
    context.progress(before + result.opened, null, 'envelopes opened')
  }
  return result
}

/** Whole pages first: only a page that fails is opened row by row to count what fails in it. */
async function countUnopened(
  context: ProbeContext,
  resource: Resource,
  ids: readonly string[],
): Promise<number> {
  const db = context.as(context.system('probe.encryption.rest', [resource.name]))
  try {
    await db.selectFrom(resource.name).selectAll().where('id', 'in', ids).execute()
    return 0
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_TAMPERED')) throw error
    if (ids.length === 1) return 1
    const middle = ids.length >> 1
    return (
      (await countUnopened(context, resource, ids.slice(0, middle))) +
      (await countUnopened(context, resource, ids.slice(middle)))
    )
  }
}
