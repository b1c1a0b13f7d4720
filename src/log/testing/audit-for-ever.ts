/**
 * A process that writes audit events and publishes them until it is killed. Says on stdout, unbuffered,
 * what it must not lose: `ack <row>` once the event of a row is committed, `sign <size> <root>` before a
 * tree is signed.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, openDatabase, silentLogger } from '../../database/index.ts'
import { createPseudonym, fromUtf8, systemClock } from '../../kernel/index.ts'
import { openFileProvider } from '../../keys/index.ts'
import { openAuditLog, openLogSigner } from '../index.ts'

export interface AuditorOptions {
  /** Data folder of the running server, and the system's name in it. */
  readonly dataDir: string
  readonly name: string
  readonly folder: string
  readonly keyFile: string
  readonly providerFolder: string
  readonly origin: string
}

if (import.meta.main) {
  const options = JSON.parse(process.env['AUDITOR'] ?? '{}') as AuditorOptions
  await auditForEver(options)
}

async function auditForEver(options: AuditorOptions): Promise<void> {
  const { dataDir, name, folder, keyFile, providerFolder, origin } = options
  const shared = { clock: systemClock, logger: silentLogger }
  const database = await openDatabase({ dataDir, name, attach: true, ...shared })
  const inner = await openLogSigner(keyFile, origin)
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const [, size, root] = fromUtf8(bytes).split('\n')
    if (root) writeSync(1, `sign ${size} ${root}\n`)
    return inner.sign(bytes)
  }
  const log = await openAuditLog({
    ...{ origin, folder, ...shared },
    provider: await openFileProvider({ folder: providerFolder, outside: [], clock: systemClock }),
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: { key: inner.key, sign } },
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
    for (const row of rows) writeSync(1, `ack ${row}\n`)
    log.wake()
    await sleep(5)
  }
}
