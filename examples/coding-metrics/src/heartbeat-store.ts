import type { Backend, Database } from './backend.ts'
import type { Beat } from './metrics/spans.ts'
import type { Person } from './people.ts'
import type { Accepted } from './wakatime/heartbeat.ts'
import type { Outcome } from './wakatime/replies.ts'

type Stored = Extract<Outcome, { id: string }>

/** Stores and reads one person's heartbeats. */
export interface HeartbeatStore {
  /**
   * Stores the heartbeats in one transaction: all of them, or none. One that is there already (same
   * person, entity and millisecond) is not stored twice and answers with the id it has. Near
   * duplicates are kept: two real heartbeats can be 30 ms apart, and they add 30 ms of time at most.
   */
  add(person: Person, accepted: readonly Accepted[]): Promise<Stored[]>
}

const keyOf = (entity: string, time: Date): string => `${time.getTime()} ${entity}`

export function createHeartbeatStore(backend: Backend): HeartbeatStore {
  const queues = new Map<string, Promise<unknown>>()
  return {
    // LIMIT: requests of one person queue in this process alone. Two nodes that get the same
    // heartbeat in the same instant may both store it; time computed from it stays the same.
    add(person, accepted) {
      const before = queues.get(person.id) ?? Promise.resolve()
      const run = before.then(() => addBatch(backend, person, accepted))
      const settled = run.catch(() => undefined)
      queues.set(person.id, settled)
      void settled.then(() => {
        if (queues.get(person.id) === settled) queues.delete(person.id)
      })
      return run
    },
  }
}

async function addBatch(backend: Backend, person: Person, accepted: readonly Accepted[]): Promise<Stored[]> {
  if (accepted.length === 0) return []
  const { db } = backend.as(person.principal)
  return db.transaction().execute(async (trx) => {
    const known = await findKnown(trx, person, accepted)
    const fresh = new Map<string, Accepted>()
    for (const item of accepted) {
      const key = keyOf(item.heartbeat.entity, item.heartbeat.time)
      if (!known.has(key)) fresh.set(key, fresh.get(key) ?? item)
    }
    for (const [i, id] of (await insert(trx, person, [...fresh.values()])).entries()) {
      known.set([...fresh.keys()][i]!, id)
    }
    return accepted.map(({ heartbeat }) => {
      return { id: known.get(keyOf(heartbeat.entity, heartbeat.time))!, heartbeat }
    })
  })
}

async function findKnown(db: Database, person: Person, accepted: readonly Accepted[]) {
  const rows = await db
    .selectFrom('heartbeats')
    .select(['id', 'entity', 'time'])
    .where('personId', '=', person.id)
    .where(
      'time',
      'in',
      accepted.map(({ heartbeat }) => heartbeat.time),
    )
    .execute()
  return new Map(rows.map(({ id, entity, time }) => [keyOf(entity, time), id]))
}

async function insert(db: Database, person: Person, fresh: readonly Accepted[]): Promise<string[]> {
  if (fresh.length === 0) return []
  const rows = await db
    .insertInto('heartbeats')
    .values(
      fresh.map(({ heartbeat, undeclared }) => ({
        ...undeclared,
        ...heartbeat,
        personId: person.id,
        teamId: person.teamId,
      })),
    )
    .returning('id')
    .execute()
  return rows.map(({ id }) => id)
}

const BEAT_COLUMNS = [
  'time',
  'entity',
  'project',
  'branch',
  'language',
  'category',
  'machine',
  'userAgent',
  'dependencies',
] as const

export interface BeatFilter {
  readonly from: Date
  readonly until: Date
  readonly project?: string
}

/** A person's heartbeats in `[from, until)`, oldest first. */
export async function readBeats(db: Database, personId: string, filter: BeatFilter): Promise<Beat[]> {
  let query = db
    .selectFrom('heartbeats')
    .select(BEAT_COLUMNS)
    .where('personId', '=', personId)
    .where('time', '>=', filter.from)
    .where('time', '<', filter.until)
  if (filter.project !== undefined) query = query.where('project', '=', filter.project)
  return query.orderBy('time').execute()
}

/** The heartbeats of everybody the asking person may see, per person id. */
export async function readBeatsByPerson(db: Database, from: Date, until: Date): Promise<Map<string, Beat[]>> {
  const rows = await db
    .selectFrom('heartbeats')
    .select(['personId', ...BEAT_COLUMNS])
    .where('time', '>=', from)
    .where('time', '<', until)
    .orderBy('time')
    .execute()
  return Map.groupBy(rows, ({ personId }) => personId)
}

/** The time zone the person's newest heartbeat came from, or null before the first one. */
export async function newestZone(db: Database, personId: string): Promise<string | null> {
  const row = await db
    .selectFrom('heartbeats')
    .select('timeZone')
    .where('personId', '=', personId)
    .orderBy('time', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.timeZone ?? null
}

/** A person's projects, the newest first; grouped by the project's blind index. */
export async function readProjects(db: Database, personId: string) {
  const rows = await db
    .selectFrom('heartbeats')
    .select((eb) => ['project', eb.fn.min('time').as('first'), eb.fn.max('time').as('last')])
    .where('personId', '=', personId)
    .groupBy('project')
    .execute()
  return rows
    .flatMap(({ project, first, last }) => (project === null ? [] : [{ project, first, last }]))
    .toSorted((a, b) => b.last.getTime() - a.last.getTime())
}
