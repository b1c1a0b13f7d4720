import type { Database } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import {
  createBruteForceGuard,
  createPostgresAttempts,
  createRedisAttempts,
  type SignInGuard,
} from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditLog } from '../log/index.ts'
import { systemName } from './system-name.ts'

export interface SystemSignInGuardOptions {
  readonly config: SuretyConfig
  readonly database: Pick<Database, 'owner'>
  readonly clock: Clock
  readonly secret: string
  readonly audit: Pick<AuditLog, 'note'>
}

/** The guard against guessing, for all processes of the installation; locks and attacks are audited. */
export function openSignInGuard({
  config,
  database,
  clock,
  secret,
  audit,
}: SystemSignInGuardOptions): SignInGuard {
  const send = config.signIn?.attempts?.redis
  return createBruteForceGuard({
    store: send
      ? createRedisAttempts({ send, clock, system: systemName(config) })
      : createPostgresAttempts(database.owner),
    clock,
    secret,
    onEvent(event) {
      if (event.kind === 'attack') {
        const { pattern, scope, accounts } = event
        audit.note({ kind: 'sign-in.attacked', pattern, scope, accounts })
        return
      }
      audit.note({
        kind: 'sign-in.locked',
        subject: null,
        tenant: null,
        method: event.method,
        request: null,
      })
    },
  })
}
