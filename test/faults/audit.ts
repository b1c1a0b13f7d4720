import { inTransaction, openDatabase, silentLogger } from '../../src/database/index.ts'
import { equalBytes, systemClock, toHex } from '../../src/kernel/index.ts'
import { openFileProvider } from '../../src/keys/index.ts'
import { openAuditLog } from '../../src/log/index.ts'
import { createLogFolder } from '../../src/log/folder.ts'
import { readLeaves, type PublishedCheckpoint } from '../../src/log/published.ts'
import { systemFolder } from '../../src/compose/system-folder.ts'
import { ORIGIN } from './origin.ts'

/** What the audit log of a running system holds, read by whoever holds its keys. */
export interface AuditFound {
  /** Rows that an insert was recorded of, one id for each time; entries that the log does not prove are left out. */
  readonly inserted: readonly string[]
  readonly leaves: readonly string[]
  /** True where the log of today begins with that of each checkpoint. */
  readonly extendsAll: (earlier: readonly PublishedCheckpoint[]) => Promise<boolean>
}

interface OpenAudit {
  readonly checkpoint: () => Promise<PublishedCheckpoint>
  /** Reads it from the first entry to the last. @throws LogError where it does not hold together */
  readonly readWhole: () => Promise<AuditFound>
  readonly close: () => Promise<void>
}

export async function openAudit(dataDir: string): Promise<OpenAudit> {
  const folder = systemFolder(dataDir)
  const shared = { clock: systemClock, logger: silentLogger }
  const database = await openDatabase({ dataDir, name: 'faults', attach: true, ...shared })
  const log = await openAuditLog({
    ...{ origin: `${ORIGIN}/audit`, folder: folder.audit, access: { mode: 'append' }, ...shared },
    provider: await openFileProvider({ folder: folder.keys, outside: [], clock: systemClock }),
    transaction: (work) => inTransaction(database.owner, work),
  })
  return {
    checkpoint: async () => (await log.checkpoint())!,
    async readWhole() {
      await log.flush({ timeoutMs: 60_000 })
      const { size } = (await log.verifyWhole())!
      const leaves = (await readLeaves(createLogFolder(folder.audit), 0, size)).map(toHex)
      const proven = new Set(leaves)
      const inserted: string[] = []
      for await (const { entry, commitment } of log.entries(0))
        if (entry.kind === 'data.insert' && proven.has(toHex(commitment))) inserted.push(...entry.rows!)
      return {
        inserted,
        leaves,
        async extendsAll(earlier) {
          const same = earlier.map(async (one) => equalBytes(await log.rootAt(one.size), one.rootHash))
          return (await Promise.all(same)).every(Boolean)
        },
      }
    },
    async close() {
      await log.close()
      await database.close()
    },
  }
}
