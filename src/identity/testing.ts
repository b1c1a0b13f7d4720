import { systemPrincipal } from '../access/index.ts'
import { databaseMigrations, migrateSystem } from '../database/index.ts'
import { keysMigrations } from '../keys/index.ts'
import { openStoreOver, type TestStore } from '../store/testing.ts'
import { createPostgresAttempts } from './brute-force/attempt-store.ts'
import { createBruteForceGuard, type BruteForceOptions } from './brute-force/brute-force-guard.ts'
import { accountStore, type AccountStore } from './database.ts'
import { createIdentity, type Identity, type IdentityOptions } from './identity.ts'
import { identityMigrations } from './migrations.ts'
import type { Client } from './password-sign-in.ts'
import { accountResources } from './resources.ts'
import type { SignInGuard } from './sign-in-guard.ts'
import { sessionPolicy } from './session-policy.ts'

export interface TestIdentity {
  readonly world: TestStore<typeof accountResources>
  readonly store: AccountStore
  readonly identity: Identity
  /** Another one over the same data. */
  reopen(options: Partial<IdentityOptions>): Identity
  close(): Promise<void>
}

/** Passwords that the rules let through; none was ever anybody's. */
export const GOOD_PASSWORD = 'violet-Harbour 41 kettle'
export const OTHER_PASSWORD = 'Tundra/omelette 77 piano'

export const CLIENT: Client = { address: '192.0.2.7', userAgent: 'Testing/1.0', device: null }

const SECRET = 'c'.repeat(43)

/** Cheap enough for tests that do not ask what a hash costs. */
export const QUICK_ARGON2 = { memoryKib: 64, passes: 1, lanes: 1 } as const

/** Sign-in over a real database. */
export async function openTestIdentity(options: Partial<IdentityOptions> = {}): Promise<TestIdentity> {
  const world = await openStoreOver(accountResources, {})
  const store = accountStore((principal) => world.store.as(principal), systemPrincipal)
  const open = (changes: Partial<IdentityOptions>): Identity =>
    createIdentity({
      system: 'codetime',
      name: 'Codetime',
      url: () => 'http://localhost:4001',
      secret: SECRET,
      store,
      clock: world.clock,
      policy: sessionPolicy(),
      argon2: QUICK_ARGON2,
      ...options,
      ...changes,
    })
  return { world, store, identity: open({}), reopen: open, close: () => world.close() }
}

/** The guard against guessing over that database, as a running system has it. */
export async function guardOver(
  { database, clock }: TestStore<typeof accountResources>,
  options: Partial<BruteForceOptions> = {},
): Promise<SignInGuard> {
  await migrateSystem(database.owner, [databaseMigrations, keysMigrations, identityMigrations], clock)
  const store = createPostgresAttempts(database.owner)
  return createBruteForceGuard({ store, clock, secret: SECRET, ...options })
}

/** A request as a browser that holds the token sends it. */
export function requestWith(identity: Identity, token: string, path = '/'): Request {
  const cookie = identity.cookie.set(token).split(';')[0]!
  return new Request(`http://localhost:4001${path}`, { headers: { cookie } })
}
