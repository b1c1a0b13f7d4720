import type { Mutation } from './mutation.ts'

const GUARD = 'src/identity/brute-force/brute-force-guard.ts'
const GUARD_TEST = 'src/identity/brute-force/brute-force-guard.test.ts'

/** Who may guess how often, and who is taken for whom. */
export const BRUTE_FORCE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'guessing goes on whatever was counted',
    invariants: [1],
    file: GUARD,
    guard: 'const after = wait > 0 ?',
    replacement: 'wait = 0\n          const after = wait > 0 ?',
    tests: [GUARD_TEST],
  },
  {
    name: 'tries at once are counted after they were looked at',
    invariants: [1],
    file: 'src/identity/brute-force/attempt-store.ts',
    guard: ' order by key for update`',
    replacement: ' order by key`',
    tests: [GUARD_TEST],
  },
  {
    name: 'a right secret takes back what others have failed',
    invariants: [1],
    file: GUARD,
    guard: "LEARNED: readonly Counted[] = ['pair', 'device']",
    replacement: "LEARNED: readonly Counted[] = ['pair', 'device', 'account', 'address']",
    tests: [GUARD_TEST],
  },
  {
    name: 'a device is known to every account',
    invariants: [1],
    file: 'src/identity/brute-force/known-devices.ts',
    guard: 'JSON.stringify([account, id, at])',
    replacement: 'JSON.stringify([id, at])',
    tests: ['src/identity/brute-force/known-devices.test.ts'],
  },
  {
    name: 'many accounts that fail from one place are not noticed',
    invariants: [1],
    file: GUARD,
    guard: 'if (isAttack({ failed, succeeded: fine }, scope))',
    replacement: 'if (failed < 0)',
    tests: [GUARD_TEST],
  },
  {
    name: 'accounts take as much as ever while many are attacked',
    invariants: [1],
    file: GUARD,
    guard: 'underAttack ? LIMIT_UNDER_ATTACK : LIMITS.account',
    replacement: 'underAttack ? LIMITS.account : LIMITS.account',
    tests: [GUARD_TEST],
  },
  {
    name: 'who cannot be counted is let in',
    invariants: [1, 9],
    file: GUARD,
    guard:
      "throw new IdentityError('ERR_IDENTITY_GUARD', 'attempts to sign in cannot be counted', { cause })",
    replacement: "return { verdict: 'go' } as T",
    tests: [GUARD_TEST],
  },
  {
    name: 'a header about the client’s address is believed from anybody',
    invariants: [1],
    file: 'src/http/client-address.ts',
    guard: 'if (client === null || !proxies || !isInside(proxies.ranges, client)) return client',
    replacement: 'if (client === null || !proxies) return client',
    tests: ['src/http/client-address.test.ts'],
  },
  {
    name: 'what a client writes before its proxy counts as the proxy’s word',
    invariants: [1],
    file: 'src/http/client-address.ts',
    guard: 'hops.slice(-MOST_HOPS).toReversed()',
    replacement: 'hops.slice(-MOST_HOPS)',
    tests: ['src/http/client-address.test.ts'],
  },
  {
    name: 'a device that was forgotten is still known',
    invariants: [1],
    file: GUARD,
    guard: 'const keys = isForgotten ? strange : known',
    replacement: 'const keys = known',
    tests: [GUARD_TEST, 'src/http/account/brute-force.test.ts'],
  },
  {
    name: 'a request whose body comes in pieces comes from nowhere',
    invariants: [1],
    file: 'src/http/body-limit.ts',
    guard: 'c.req.raw = keepClientAddress(raw, whole)',
    replacement: 'c.req.raw = whole',
    tests: ['src/http/client-address.test.ts'],
  },
  {
    name: 'sign-ups are not limited',
    invariants: [1, 9],
    file: 'src/identity/password-sign-in.ts',
    guard: 'if (client) await admit(',
    replacement: 'if (false) await admit(',
    tests: ['src/http/account/brute-force.test.ts'],
  },
]
