import type { Connection } from '../database/index.ts'
import { formatId } from '../kernel/index.ts'
import { AUDIT_LEAF_BYTES } from '../verify/index.ts'
import type { SealedBodies } from './audit-bodies.ts'

/** One statement to be run in the transaction of what it records. The app's role may run it. */
export interface AuditStatement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export function appendStatement(stored: SealedBodies): AuditStatement {
  const { id, at, period, batch, commitments, sealed } = stored
  return {
    sql: 'select surety.append_audit($1, $2, $3, $4, $5, $6)',
    parameters: [id, new Date(at), period, batch, Buffer.from(commitments), Buffer.from(sealed)],
  }
}

interface BodiesRow extends Omit<SealedBodies, 'at'> {
  readonly at: Date
}

const PAGE = 200
/** Bytes of a page, and the append that exceeds them. */
const PAGE_BYTES = 33_554_432

/** Appends with bodies from `sinceMs` on, oldest first, page by page. */
export async function* readBodies(
  query: (work: (connection: Connection) => Promise<BodiesRow[]>) => Promise<BodiesRow[]>,
  sinceMs: number,
): AsyncGenerator<SealedBodies> {
  for (let after = firstIdOf(sinceMs); ;) {
    const rows = await query((connection) =>
      connection.query<BodiesRow>(
        `select id, at, period, batch, commitments, sealed from (
           select *, sum(octet_length(sealed)) over (order by id) - octet_length(sealed) as before
             from (select * from surety.audit_bodies where id > $1 order by id limit ${PAGE}) as oldest
         ) as summed where before < ${PAGE_BYTES} order by id`,
        [after],
      ),
    )
    for (const row of rows) yield { ...row, at: row.at.getTime() }
    const last = rows.at(-1)
    if (!last) return
    after = last.id
  }
}

/** Below every UUIDv7 of that millisecond and later. */
function firstIdOf(ms: number): string {
  const bytes = new Uint8Array(16)
  let time = Math.max(0, ms)
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256
    time = Math.floor(time / 256)
  }
  return formatId(bytes)
}

/** What waits to be published, and how far back bodies reach. */
export interface AuditBacklog {
  readonly queued: number
  /** Unix milliseconds; null where nothing waits. */
  readonly oldestQueuedAt: number | null
  /** Unix milliseconds; null where no body is stored. */
  readonly oldestBodyAt: number | null
  /** Entries that the table accounts for: their bodies are stored, or ended with their period. */
  readonly accounted: number
}

export async function readBacklog(connection: Connection): Promise<AuditBacklog> {
  const [row] = await connection.query<{
    queued: number
    waits: Date | null
    body: Date | null
    accounted: number
  }>(
    `select (select coalesce(sum(octet_length(body) / ${AUDIT_LEAF_BYTES}), 0)::bigint from surety.log_queue where log = 'audit') as queued,
            (select min(queued_at) from surety.log_queue where log = 'audit') as waits,
            (select min(at) from surety.audit_bodies) as body,
            ((select coalesce(sum(octet_length(commitments) / ${AUDIT_LEAF_BYTES}), 0) from surety.audit_bodies)
              + (select coalesce(sum(pruned_entries), 0) from surety.audit_keys))::bigint as accounted`,
  )
  return {
    queued: row!.queued,
    oldestQueuedAt: row!.waits?.getTime() ?? null,
    oldestBodyAt: row!.body?.getTime() ?? null,
    accounted: row!.accounted,
  }
}

/**
 * Removes the bodies of a period whose key is gone and notes how many entries they were, and the leaf
 * of one. Returns their number; 0 when it was done before.
 */
export async function removeBodies(connection: Connection, period: number): Promise<number> {
  const [found] = await connection.query<{ entries: number; leaf: Buffer | null }>(
    `select coalesce(sum(octet_length(commitments) / ${AUDIT_LEAF_BYTES}), 0)::bigint as entries,
            (select substring(commitments from 1 for ${AUDIT_LEAF_BYTES}) from surety.audit_bodies where period = $1 limit 1) as leaf
       from surety.audit_bodies where period = $1`,
    [period],
  )
  await connection.query('delete from surety.audit_bodies where period = $1', [period])
  const [changed] = await connection.query(
    `update surety.audit_keys set pruned_entries = $2, pruned_leaf = $3
      where period = $1 and destroyed_at is not null and pruned_entries is null returning period`,
    [period, found!.entries, found!.leaf],
  )
  return changed ? found!.entries : 0
}
