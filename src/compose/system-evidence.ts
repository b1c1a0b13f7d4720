import { inTransaction, type Database, type Logger } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import { openEvidenceLog, openLogSigner, type EvidenceLog } from '../log/index.ts'
import type { SystemFolder } from './system-folder.ts'

export interface SystemEvidenceOptions {
  readonly config: SuretyConfig
  readonly folder: SystemFolder
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  /** A tool appends only: what it says is published by the server. */
  readonly mode: 'server' | 'tool'
}

/** Opens a system's evidence log. */
export async function openSystemEvidence(options: SystemEvidenceOptions): Promise<EvidenceLog> {
  const { config, folder, database, clock, logger, mode } = options
  const origin = `${config.origin}/evidence`
  return openEvidenceLog({
    origin,
    folder: folder.evidence,
    transaction: (work) => inTransaction(database.owner, work),
    clock,
    logger,
    access:
      mode === 'server'
        ? { mode: 'sequence', signer: await openLogSigner(folder.signingKey, origin, folder.evidence) }
        : { mode: 'append' },
  })
}
