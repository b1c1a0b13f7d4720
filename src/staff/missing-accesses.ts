import type { AuditEntry } from '../log/index.ts'
import { readRecords, RECORD_TABLES, type OwnedRecord } from './access-records.ts'
import type { StaffPorts } from './ports.ts'

/** An access that stands in the audit log and not where whom it concerns is shown it. */
export interface MissingAccess {
  /** The person, or the tenant for rows about nobody in particular. */
  readonly owner: string
  readonly at: Date
  readonly role: string
  readonly resource: string
  readonly action: string
  readonly rows: number
}

/** What was compared of the two records of accesses. */
export interface Comparison {
  /** Entries of the audit log that were read, of whatever kind. */
  readonly entries: number
  /** Accesses among them. */
  readonly accesses: number
  /** True where no entry that can still be opened was left out. */
  readonly whole: boolean
  readonly missing: readonly MissingAccess[]
  /** Where the next comparison goes on; Unix milliseconds. */
  readonly next: number
}

export interface ComparisonOptions {
  /** Accesses of this operator, a probe's own, are left out; null for none. */
  readonly ignored: string | null
  /** Entries of before the last two hours at most. */
  readonly most: number
  /** Entries of the last two hours at most, the oldest of them. */
  readonly mostRecent: number
  /** Where the one before ended; Unix milliseconds. Default anywhere, so that nobody knows. */
  readonly from?: number | undefined
}

type Accessed = Extract<AuditEntry, { kind: 'staff.access' }>

/** Everything this young is compared each time; more than the time between two probes. */
const RECENT_MS = 2 * 3_600_000
/** Shorter than records are kept (`resources.ts`), so that their own end never looks like a loss. */
const KEPT_MS = 360 * 86_400_000

/**
 * Holds what people are shown of staff's accesses against the audit log, over all the time that both are
 * kept: the last two hours, and of what is older as many entries as asked for, from where the comparison
 * before ended, and at the end of the log from its beginning. So the cost of each is bounded, and a record
 * that was removed or changed, at any age, is found by the time that all of the log was gone through.
 */
export async function compareWithLog(ports: StaffPorts, options: ComparisonOptions): Promise<Comparison> {
  const { ignored, most, mostRecent } = options
  const now = ports.clock.now()
  const [oldest, recent] = [now - KEPT_MS, now - RECENT_MS]
  const from = Math.min(Math.max(options.from ?? between(oldest, recent), oldest), recent)
  const later = await readPiece(ports, ignored, [from, recent], most)
  const pieces = [later, await readPiece(ports, ignored, [recent, Infinity], mostRecent)]
  let { endedAt } = later
  if (endedAt === null) {
    const earlier = await readPiece(ports, ignored, [oldest, from], most - later.entries)
    pieces.push(earlier)
    endedAt = earlier.endedAt
  }
  const missing = new Map<string, Accessed>()
  for (const { accesses } of pieces)
    for (const one of await missingAmong(ports, accesses)) missing.set(one.id, one)
  return {
    entries: pieces.reduce((all, { entries }) => all + entries, 0),
    accesses: pieces.reduce((all, { accesses }) => all + accesses.length, 0),
    whole: endedAt === null && pieces[1]!.endedAt === null,
    missing: (await withoutErased(ports, [...missing.values()])).map(toMissing),
    // Never the same place again, even where more happened in one millisecond than was asked for.
    next: endedAt === null ? from : Math.max(endedAt, endedAt === from ? from + 1 : oldest),
  }
}

interface Piece {
  readonly entries: number
  readonly accesses: readonly Accessed[]
  /** When its last entry was made, where more follow before its end; else null. */
  readonly endedAt: number | null
}

async function readPiece(
  { audit }: StaffPorts,
  ignored: string | null,
  [from, until]: readonly [number, number],
  most: number,
): Promise<Piece> {
  const accesses: Accessed[] = []
  let entries = 0
  for await (const { entry } of audit.entries(from)) {
    const at = Date.parse(entry.at)
    if (at >= until) break
    if (entries >= most) return { entries, accesses, endedAt: at }
    entries += 1
    if (entry.kind === 'staff.access' && ownerOf(entry) !== null && entry.actor.id !== ignored)
      accesses.push(entry)
  }
  return { entries, accesses, endedAt: null }
}

/** Some millisecond, so that nobody knows which will be looked at. */
function between(from: number, until: number): number {
  return from + Math.floor(Math.random() * (until - from))
}

/** A record is made within this time of its entry. */
const APART_MS = 600_000

/** Each access takes a record of its own. */
async function missingAmong(ports: StaffPorts, accesses: readonly Accessed[]): Promise<Accessed[]> {
  const times = accesses.map(timeOf)
  if (times.length === 0) return []
  const time = [Math.min(...times) - APART_MS, Math.max(...times) + APART_MS] as const
  const tables = await Promise.all(RECORD_TABLES.map((table) => readRecords(ports, table, { between: time })))
  const records = Map.groupBy(tables.flat().toReversed(), keyOfRecord)
  return accesses.filter((access) => {
    const alike = records.get(keyOf(access)) ?? []
    const at = alike.findIndex(({ createdAt }) => Math.abs(createdAt.getTime() - timeOf(access)) < APART_MS)
    if (at < 0) return true
    alike.splice(at, 1)
    return false
  })
}

function keyOf(access: Accessed): string {
  const { actor, resource, action, count } = access
  return [actor.grant, ownerOf(access), resource, action, count].join('/')
}

function keyOfRecord({ grantId, owner, resource, action, rows }: OwnedRecord): string {
  return [grantId, owner, resource, action, rows].join('/')
}

/** Who was erased since has nothing to be shown, and is shown nothing. */
async function withoutErased(ports: StaffPorts, accesses: readonly Accessed[]): Promise<Accessed[]> {
  if (accesses.length === 0 || !ports.erased) return [...accesses]
  const erased = await ports.erased(accesses.map((access) => ownerOf(access)!))
  return accesses.filter((access) => !erased.has(ownerOf(access)!))
}

function toMissing(access: Accessed): MissingAccess {
  const { actor, resource, action, count } = access
  const at = new Date(timeOf(access))
  return { owner: ownerOf(access)!, at, role: actor.roles.join(', '), resource, action, rows: count }
}

function ownerOf({ subject, tenant }: Accessed): string | null {
  return subject ?? tenant
}

function timeOf({ at }: Accessed): number {
  return Date.parse(at)
}
