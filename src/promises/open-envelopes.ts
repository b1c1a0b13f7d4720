import { sealedFields, type Resource } from '../declare/index.ts'
import { hasCode } from '../kernel/index.ts'
import type { ProbeContext } from './probe-context.ts'

export interface OpenedEnvelopes {
  /** Rows that carry an envelope. */
  readonly total: number
  /** Rows whose envelope was tried: all, or as many from a random place on. Rows of erased people have none to open. */
  readonly opened: number
  readonly failed: number
}

const PAGE_ROWS = 500
/** Most rows tried per resource in one run; of a larger one, neighbours from a random place on. */
const MOST_ROWS = 50_000
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** Opens the stored envelopes of every resource: each must open under its own row, owner and clear columns. */
export async function openEnvelopes(context: ProbeContext, mostRows = MOST_ROWS): Promise<OpenedEnvelopes> {
  const sum = { total: 0, opened: 0, failed: 0 }
  for (const resource of Object.values(context.config.resources)) {
    if (sealedFields(resource).length === 0) continue
    const counted = await openResource(context, resource, sum.opened, mostRows)
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
  mostRows: number,
): Promise<OpenedEnvelopes> {
  const db = context.as(context.system('probe.encryption.rest', [resource.name]))
  const rows = db.selectFrom(resource.name)
  const count = await rows.select((select) => select.fn.countAll().as('n')).executeTakeFirstOrThrow()
  const result = { total: Number(count['n']), opened: 0, failed: 0 }
  const surplus = result.total - mostRows
  const offset = surplus > 0 ? Math.floor(Math.random() * (surplus + 1)) : 0
  let after = FIRST_ID
  for (let left = mostRows; left > 0 && !context.signal.aborted;) {
    const next = rows.select('id').where('id', '>', after).orderBy('id').limit(Math.min(PAGE_ROWS, left))
    const page = await (after === FIRST_ID ? next.offset(offset) : next).execute()
    const ids = page.map((row) => String(row['id']))
    if (ids.length === 0) break
    after = ids.at(-1)!
    left -= ids.length
    const { opened, failed } = await openPage(context, resource, ids)
    result.opened += opened
    result.failed += failed
    context.progress(before + result.opened, null, 'envelopes opened')
  }
  return result
}

/** Whole pages first: only a page that fails is opened by halves, to count what fails in it. */
async function openPage(
  context: ProbeContext,
  resource: Resource,
  ids: readonly string[],
): Promise<{ opened: number; failed: number }> {
  const db = context.as(context.system('probe.encryption.rest', [resource.name]))
  try {
    const rows = await db.selectFrom(resource.name).selectAll().where('id', 'in', ids).execute()
    return { opened: rows.length, failed: 0 }
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_TAMPERED')) throw error
    if (ids.length === 1) return { opened: 1, failed: 1 }
    const middle = ids.length >> 1
    const halves = [ids.slice(0, middle), ids.slice(middle)]
    const sum = { opened: 0, failed: 0 }
    for (const half of halves) {
      const { opened, failed } = await openPage(context, resource, half)
      sum.opened += opened
      sum.failed += failed
    }
    return sum
  }
}
