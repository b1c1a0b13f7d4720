import { realpath, stat } from 'node:fs/promises'
import { asConnection, isWithin, type Database } from '../database/index.ts'
import { readFileKeys, type KeyMaterial, type KeyProvider, type OpenKeyTree } from '../keys/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { KeyView } from '../promises/index.ts'

export interface KeyViewOptions {
  readonly provider: KeyProvider
  readonly tree: OpenKeyTree
  readonly database: Database
  readonly audit: Pick<AuditLog, 'keyMaterial'>
  /** The key folder of the file provider, or null. */
  readonly folder: string | null
  /** Where each ladder of epochs stands now. */
  readonly epochs: KeyView['epochs']
}

/** What probes see of the keys: where they lie, their bytes to search for, and where their epochs stand. */
export function createKeyView({ provider, tree, database, audit, folder, epochs }: KeyViewOptions): KeyView {
  return {
    provider: provider.name,
    folder,
    placement: () => (folder === null ? Promise.resolve([]) : problemsOf(folder, database.databaseDir)),
    epochs,
    async material(most) {
      const connection = asConnection(database.owner)
      const [provided, derived, periods] = [
        folder === null ? [] : await readFileKeys(folder),
        await tree.material(connection, most),
        await audit.keyMaterial(),
      ]
      return [
        ...provided.map((bytes): KeyMaterial => ({ label: 'provider key', bytes })),
        ...derived,
        ...periods.map((bytes) => ({ label: 'audit period key', bytes })),
      ]
    },
  }
}

async function problemsOf(folder: string, databaseDir: string | null): Promise<string[]> {
  const problems: string[] = []
  const { mode } = await stat(folder)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    problems.push('The key folder is open to other users')
  if (databaseDir !== null && isWithin(databaseDir, await realpath(folder)))
    problems.push('The key folder lies inside the database’s')
  return problems
}
