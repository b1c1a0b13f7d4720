import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock, type Clock } from '../kernel/index.ts'
import type { TestDatabase } from '../database/testing.ts'
import { openFileProvider, openKeyTree, type KeyProvider, type OpenKeyTree } from './index.ts'

/** A clock that runs, and that a test can move ahead; it says how far, as a demo's does. */
export interface LeapingClock extends Clock {
  readonly aheadMs: number
  leap(ms: number): void
}

export function leapingClock(): LeapingClock {
  let ahead = 0
  return {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic(),
    get aheadMs() {
      return ahead
    },
    leap(ms) {
      ahead += ms
    },
  }
}

export interface TestKeys {
  readonly provider: KeyProvider
  readonly tree: OpenKeyTree
  readonly folder: string
}

/** A file provider in a folder of its own and a key tree over it. The database needs `keysMigrations`. */
export async function startTestKeys(database: TestDatabase): Promise<TestKeys> {
  const folder = join(database.dataDir, `keys-${randomUUID()}`)
  const { clock, logger, owner } = database
  const provider = await openFileProvider({ folder, outside: [database.databaseDir!], clock })
  return { provider, folder, tree: await openKeyTree({ provider, owner, clock, logger }) }
}
