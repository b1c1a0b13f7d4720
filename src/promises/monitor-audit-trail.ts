import { z } from 'zod'
import { tenantColumn, type Resource } from '../declare/index.ts'
import {
  describeDuration,
  equalBytes,
  fromBase64,
  parseDuration,
  SuretyError,
  toBase64,
} from '../kernel/index.ts'
import type { OpenedEntry } from '../log/index.ts'
import {
  commitAuditEntry,
  HASH_BYTES,
  parseVerifierKey,
  recordedAudit,
  verifyTlogProof,
  type EvidenceEntry,
} from '../verify/index.ts'
import { createMarker } from './canaries.ts'
import { definePromise } from './definition.ts'
import type { ProbeContext, RecordedTrail } from './probe-context.ts'
import { sampleId, sampleRow } from './sample-row.ts'

const MOST_LAG_MS = parseDuration('1m')
const SAMPLED_ROWS = 20
const SAMPLED_MS = parseDuration('24h')
/** Events of a row are stamped before its transaction commits. */
const EARLIER_MS = parseDuration('1m')

/** Every change leaves an event in a log that can only grow. */
export const monitorAuditTrail = definePromise({
  id: 'monitor.audit-trail',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '6h',
  deadline: '15m',
  parameters: z.strictObject({}),
  check: () => [],

  cannotProve: () => [
    'Events that were never written: what somebody does to the database past this system leaves none.',
    'Events that were removed before their checkpoint was seen by anybody else.',
    'That an event tells the truth about why something was done.',
    'Requests are recorded a moment after they are answered: a crash in between loses them, never those of changed rows.',
  ],

  async probe(context) {
    const canary = await writeCanary(context)
    const backlog = await context.audit.backlog()
    const lagMs = backlog.oldestQueuedAt === null ? 0 : context.clock.now() - backlog.oldestQueuedAt
    const log = await verifyLog(context)
    const trail = log.problem === null ? await followRows(context, canary) : NOTHING_FOLLOWED
    const values = {
      lagSeconds: Math.max(0, Math.round(lagMs / 1_000)),
      queued: backlog.queued,
      rowsFollowed: trail.followed,
      rowsWithoutEvent: trail.without,
      // What could not be verified was not counted either.
      ...(log.root !== null && {
        entries: log.size,
        entriesWithoutBody: log.withoutBody,
        ...{ auditSize: log.size, auditRoot: log.root, auditVkey: context.audit.vkey },
      }),
    }
    const late =
      lagMs > MOST_LAG_MS ? `an event has waited ${describeDuration(lagMs)} for its checkpoint` : null
    const problem = log.problem ?? late ?? trail.problem
    if (problem) return { outcome: 'broken', summary: `The audit trail does not hold: ${problem}.`, values }
    if (trail.followed === 0)
      return { outcome: 'undecided', summary: 'No resource took the canary’s row.', values }
    return { outcome: 'kept', summary: summaryOf(log.size, trail.followed, values.lagSeconds), values }
  },
})

function summaryOf(entries: number, followed: number, lagSeconds: number): string {
  return `All ${entries} entries hash to the signed checkpoint, which continues the one seen last; ${followed} rows, a canary’s among them, were followed to their event; nothing waits longer than ${lagSeconds} s.`
}

/** What the newest result of this probe said of the audit log; null where there is none. */
export function recordedTrail(entries: readonly EvidenceEntry[]): RecordedTrail | null {
  const recorded = recordedAudit(entries)
  const newest = entries.findLast(
    (entry) => entry.kind === 'probe.result' && 'entriesWithoutBody' in entry.observed.values,
  )
  const missing = newest?.kind === 'probe.result' ? newest.observed.values['entriesWithoutBody'] : 0
  return recorded && { ...recorded, withoutBody: Number(missing ?? 0) }
}

interface VerifiedLog {
  readonly size: number
  /** Base64; null where the log could not be verified. */
  readonly root: string | null
  /** Published entries that have no body, though their period has not ended. */
  readonly withoutBody: number
  readonly problem: string | null
}

/** From the first entry to the last, and against what the evidence log holds about it. */
async function verifyLog({ audit }: ProbeContext): Promise<VerifiedLog> {
  const broken = (problem: string): VerifiedLog => ({ size: 0, root: null, withoutBody: 0, problem })
  try {
    await audit.flush()
    const recorded = await audit.recorded()
    if (recorded && recorded.vkey !== audit.vkey)
      return broken('its verifier key is not the one recorded last')
    const whole = await audit.verifyWhole()
    if (whole === null) return broken('nothing of it is published')
    if (recorded && recorded.size > whole.size)
      return broken(`it has ${whole.size} entries, and had ${recorded.size}`)
    if (recorded && !sameRoot(await audit.rootAt(recorded.size), recorded.rootHash))
      return broken(`its first ${recorded.size} entries are not those recorded last`)
    const withoutBody = Math.max(0, whole.size - (await audit.backlog()).accounted)
    const lost = withoutBody - (recorded?.withoutBody ?? 0)
    return {
      ...{ size: whole.size, root: toBase64(whole.rootHash), withoutBody },
      problem: lost > 0 ? `${lost} of its entries lost their bodies before their time` : null,
    }
  } catch (error) {
    // What it cannot read or publish is no trail; the message of another library could hold a path.
    if (error instanceof SuretyError) return broken(`it cannot be read or published (${error.code})`)
    throw error
  }
}

function sameRoot(root: Uint8Array, recorded: string): boolean {
  const bytes = fromBase64(recorded)
  return bytes?.length === HASH_BYTES && equalBytes(root, bytes)
}

/** A row that must have an event of each of these kinds. */
interface Followed {
  readonly id: string
  readonly resource: string
  readonly at: number
  readonly kinds: readonly string[]
}

/** Writes a row at the library's own interface and takes it away: both must have left an event. */
async function writeCanary(context: ProbeContext): Promise<Followed | null> {
  const { config, clock } = context
  const invented = (name: string): string => sampleId(config.origin, 'monitor.audit-trail', name)
  const owner = { tenant: invented('tenant home'), subject: invented('asker') }
  const resource = Object.values(config.resources).find((candidate) => tenantColumn(candidate) !== null)
  if (!resource) return null
  const at = clock.now()
  const db = context.as(context.system('probe.monitor.audit-trail', [resource.name]))
  const row = sampleRow(resource, owner, createMarker(), clock)
  const { id } = await db.insertInto(resource.name).values(row).returning('id').executeTakeFirstOrThrow()
  await db.deleteFrom(resource.name).where('id', '=', id).execute()
  return { id: String(id), resource: resource.name, at, kinds: ['data.insert', 'data.delete'] }
}

interface Trail {
  readonly followed: number
  readonly without: number
  readonly problem: string | null
}

const NOTHING_FOLLOWED: Trail = { followed: 0, without: 0, problem: null }

/** The canary's row and the newest real ones of every resource: each has an event that opens and is included. */
async function followRows(context: ProbeContext, canary: Followed | null): Promise<Trail> {
  const { periods } = await context.audit.retention()
  const begun = periods.reduce((first, { firstEventAt }) => Math.min(first, firstEventAt), Infinity)
  const since = Math.max(begun, context.clock.now() - SAMPLED_MS)
  const rows = canary ? [canary] : []
  for (const resource of Object.values(context.config.resources))
    rows.push(...(await newestRows(context, resource, since)))
  if (rows.length === 0) return NOTHING_FOLLOWED
  const events = await readEvents(context, rows)
  if (typeof events === 'string') return { ...NOTHING_FOLLOWED, problem: events }
  const { named, unnamed } = events
  const unfollowed = rows.filter(({ id, kinds }) => !kinds.every((kind) => named.has(`${kind} ${id}`)))
  const without = unfollowed.filter(({ resource }) => {
    const excused = unnamed.get(resource) ?? 0
    unnamed.set(resource, excused - 1)
    return excused <= 0
  })
  const followed = rows.length - unfollowed.length
  if (without.length === 0)
    return { followed, without: 0, problem: await proveEvents(context, canary, named) }
  const what = without.some(({ id }) => id === canary?.id) ? ', the canary’s among them' : ''
  return { followed, without: without.length, problem: `${without.length} written rows have no event${what}` }
}

async function newestRows(context: ProbeContext, { name }: Resource, since: number): Promise<Followed[]> {
  const db = context.as(context.system('probe.monitor.audit-trail', [name]))
  const rows = await db
    .selectFrom(name)
    .select(['id', 'createdAt'])
    .where('createdAt', '>', new Date(since))
    .orderBy('createdAt', 'desc')
    .limit(SAMPLED_ROWS)
    .execute()
  return rows.map((row) => ({
    id: String(row['id']),
    resource: name,
    at: (row['createdAt'] as Date).getTime(),
    kinds: ['data.insert'],
  }))
}

interface FoundEvents {
  /** By kind and id of the row. */
  readonly named: ReadonlyMap<string, OpenedEntry>
  /** How many rows of each resource were written by inserts whose conflict decided which: they could not name them. */
  readonly unnamed: Map<string, number>
}

/** The events of these rows, each of them what its leaf commits to; or what is wrong. */
async function readEvents(
  { audit, signal, progress }: ProbeContext,
  rows: readonly Followed[],
): Promise<FoundEvents | string> {
  const wanted = new Set(rows.map(({ id }) => id))
  const since = rows.reduce((earliest, { at }) => Math.min(earliest, at), Infinity)
  const named = new Map<string, OpenedEntry>()
  const unnamed = new Map<string, number>()
  let read = 0
  try {
    for await (const opened of audit.entries(since - EARLIER_MS)) {
      signal.throwIfAborted()
      if (++read % 1_000 === 0) progress(read, null, 'audit events opened')
      const { entry } = opened
      if (!('rows' in entry)) continue
      if (entry.rows === null) unnamed.set(entry.resource, (unnamed.get(entry.resource) ?? 0) + entry.count)
      for (const id of entry.rows ?? []) if (wanted.has(id)) named.set(`${entry.kind} ${id}`, opened)
    }
  } catch (error) {
    if (error instanceof SuretyError) return `an event does not open (${error.code})`
    throw error
  }
  return { named, unnamed }
}

/** The canary's events, as a stranger who was given them would check them. */
async function proveEvents(
  { audit }: ProbeContext,
  canary: Followed | null,
  events: ReadonlyMap<string, OpenedEntry>,
): Promise<string | null> {
  for (const kind of canary?.kinds ?? []) {
    const event = events.get(`${kind} ${canary!.id}`)
    if (!event) return 'an event of the canary’s row does not name it'
    const { salt, body } = event
    const leaf = commitAuditEntry(salt, body)
    const proven = await audit.prove(leaf)
    if (!proven) return 'an event is not in the log'
    await verifyTlogProof(proven.proof, leaf, parseVerifierKey(audit.vkey))
  }
  return null
}
