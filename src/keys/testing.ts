import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TestDatabase } from '../database/testing.ts'
import { openFileProvider, openKeyTree, type KeyProvider, type OpenKeyTree } from './index.ts'

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
