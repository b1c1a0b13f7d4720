import type { Connection } from '../../database/index.ts'
import type { EvidenceBody } from '../../verify/index.ts'
import type { EpochSchedule } from '../index.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const SCHEDULE: EpochSchedule = {
  epochMs: { live: 6 * HOUR, backup: DAY },
  backupAgeMs: 24 * DAY,
  rewrapMs: HOUR / 2,
  retriesMs: HOUR / 2,
  waitMs: 0,
  clockErrorMs: 60_000,
}

/** Keeps what a rotation says in a table of the test's own, in the rotation's transaction. */
export async function recordSaid(bodies: readonly EvidenceBody[], connection: Connection): Promise<void> {
  for (const body of bodies)
    await connection.query('insert into surety.said (body) values ($1)', [JSON.stringify(body)])
}
