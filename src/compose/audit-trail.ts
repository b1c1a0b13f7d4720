import { grantOf, impersonatedBy, type Principal } from '../access/index.ts'
import type { AuditActor, AuditEvent, AuditLog, DataChanged } from '../log/index.ts'
import type { AuditedChange, AuditedRow, AuditTrail } from '../store/index.ts'

/** Ids of rows that one event holds at most: a body stays small enough to be shown. */
const MOST_ROWS = 5_000

/** The audit log as the store's trail: one event per statement and owner of rows. */
export function createAuditTrail(audit: Pick<AuditLog, 'statement' | 'wake' | 'note'>): AuditTrail {
  return {
    statement: (changes) => audit.statement(changes.flatMap(toEvents)),
    committed: () => audit.wake(),
    refused: (actor, code) => audit.note({ kind: 'access.refused', actor: toActor(actor), code }),
  }
}

function toActor(principal: Principal): AuditActor {
  const { kind, id, tenant, roles, grant } = principal
  const impersonates = impersonatedBy(grantOf(principal))
  return {
    kind,
    id,
    tenant,
    roles,
    ...(grant !== undefined && { grant }),
    ...(impersonates && { impersonates }),
  }
}

function toEvents({ actor, action, resource, columns, count, rows }: AuditedChange): AuditEvent[] {
  const about = { kind: `data.${action}`, actor: toActor(actor), resource, columns } as const
  if (rows === null) return [{ ...about, tenant: null, subject: null, rows: null, count }]
  return [...groupByOwner(rows)].flatMap((owned) => inChunks(about, owned))
}

/** A row, seen from one of its owners. */
interface OwnedRow extends Pick<AuditedRow, 'id' | 'tenant'> {
  readonly subject: string | null
}

/** An event tells of one owner's rows: it can be shown to that owner. A row of several stands in several events. */
function groupByOwner(rows: readonly AuditedRow[]): Iterable<readonly OwnedRow[]> {
  const owned = rows.flatMap(({ id, tenant, subjects }) =>
    (subjects.length === 0 ? [null] : subjects).map((subject) => ({ id, tenant, subject })),
  )
  return Map.groupBy(owned, ({ tenant, subject }) => `${tenant}/${subject}`).values()
}

function inChunks(
  about: Pick<DataChanged, 'kind' | 'actor' | 'resource' | 'columns'>,
  owned: readonly OwnedRow[],
): AuditEvent[] {
  const { tenant, subject } = owned[0]!
  const events: AuditEvent[] = []
  for (let at = 0; at < owned.length; at += MOST_ROWS) {
    const rows = owned.slice(at, at + MOST_ROWS).map(({ id }) => id)
    events.push({ ...about, tenant, subject, rows, count: rows.length })
  }
  return events
}
