/**
 * A process that writes audit events and publishes them until it is killed. Says on stdout what it must
 * not lose: `ack <row>` once the event of a row is committed, `sign <size> <root>` before a tree is signed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, silentLogger } from '../../database/index.ts'
import { createPseudonym, systemClock } from '../../kernel/index.ts'
import { openFileProvider } from '../../keys/index.ts'
import { openAuditLog } from '../index.ts'
import { acknowledge, attach, openTellingSigner, readOptions, type ForEverOptions } from './for-ever.ts'

export const AUDIT_FOR_EVER = import.meta.filename

if (import.meta.main) await auditForEver(readOptions())

async function auditForEver(options: ForEverOptions): Promise<void> {
  const { folder, providerFolder, origin } = options
  const database = await attach(options)
  const log = await openAuditLog({
    ...{ origin, folder, clock: systemClock, logger: silentLogger },
    provider: await openFileProvider({ folder: providerFolder, outside: [], clock: systemClock }),
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: await openTellingSigner(options) },
  })
  for (;;) {
    const rows = Array.from({ length: 1 + Math.floor(Math.random() * 20) }, createPseudonym)
    const { sql, parameters } = await log.statement(
      rows.map((row) => ({
        ...{ kind: 'data.insert', resource: 'notes', columns: [], tenant: null, subject: null, count: 1 },
        actor: { kind: 'system', id: 'test', tenant: null, roles: [] },
        rows: [row],
      })),
    )
    await inTransaction(database.app, (app) => app.query(sql, parameters))
    acknowledge(rows)
    log.wake()
    await sleep(5)
  }
}
