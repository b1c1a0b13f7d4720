import type { Database } from '../database/index.ts'
import { createBruteForceGuard, createPostgresAttempts, type SignInGuard } from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditLog } from '../log/index.ts'

export interface SystemSignInGuardOptions {
  readonly database: Pick<Database, 'owner'>
  readonly clock: Clock
  readonly secret: string
  readonly audit: Pick<AuditLog, 'note'>
}

/** The guard against guessing, for all processes of the installation; locks and attacks are audited. */
export function openSignInGuard({ database, clock, secret, audit }: SystemSignInGuardOptions): SignInGuard {
  return createBruteForceGuard({
    store: createPostgresAttempts(database.owner),
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
