import { inTransaction, type Database, type Logger } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { isDuration, parseDuration, type Clock, type Duration } from '../kernel/index.ts'
import type { KeyProvider } from '../keys/index.ts'
import { openAuditLog, openLogSigner, type AuditLog } from '../log/index.ts'
import type { SecurityPage } from '../page/index.ts'
import type { MayDestroy } from './destruction-guard.ts'
import type { SystemFolder } from './system-folder.ts'

export interface SystemAuditOptions {
  readonly config: SuretyConfig
  readonly page: SecurityPage
  readonly folder: SystemFolder
  readonly database: Database
  readonly provider: KeyProvider
  readonly mayDestroy: MayDestroy
  readonly clock: Clock
  readonly logger: Logger
  /** A tool appends only: what it records is published by the server. */
  readonly mode: 'server' | 'tool'
}

/** Opens a system's audit log; what the page promises decides how long bodies can be opened. */
export async function openSystemAudit(options: SystemAuditOptions): Promise<AuditLog> {
  const { config, page, folder, database, provider, mayDestroy, clock, logger, mode } = options
  const origin = `${config.origin}/audit`
  return openAuditLog({
    origin,
    folder: folder.audit,
    provider,
    retention: promisedRetention(page),
    mayDestroy,
    transaction: (work) => inTransaction(database.owner, work),
    clock,
    logger,
    access:
      mode === 'server'
        ? { mode: 'sequence', signer: await openLogSigner(folder.auditSigningKey, origin, folder.audit) }
        : { mode: 'append' },
  })
}

/** The shortest time that the page promises for logs; `"1y"` where it says nothing. */
export function promisedRetention({ promises }: Pick<SecurityPage, 'promises'>): Duration {
  const said = promises
    .filter(({ id }) => id === 'retention.logs')
    .map(({ params }) => params['atMost'] ?? '1y')
    .filter(isDuration)
  return said.toSorted((a, b) => parseDuration(a) - parseDuration(b))[0] ?? '1y'
}
