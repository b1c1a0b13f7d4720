import { ACCESS_MUTATIONS } from './access.ts'
import { BRUTE_FORCE_MUTATIONS } from './brute-force.ts'
import { DATA_MUTATIONS } from './data.ts'
import { EVIDENCE_MUTATIONS } from './evidence.ts'
import { KEYS_MUTATIONS } from './keys.ts'
import { MAIL_MUTATIONS } from './mail.ts'
import type { Mutation } from './mutation.ts'
import { SIGN_IN_MUTATIONS } from './sign-in.ts'
import { STAFF_MUTATIONS } from './staff.ts'

/**
 * Guards of the invariants. `npm run mutations` applies them one by one; a test in CI holds every text
 * against its file.
 */
export const MUTATIONS: readonly Mutation[] = [
  ...ACCESS_MUTATIONS,
  ...DATA_MUTATIONS,
  ...KEYS_MUTATIONS,
  ...EVIDENCE_MUTATIONS,
  ...BRUTE_FORCE_MUTATIONS,
  ...SIGN_IN_MUTATIONS,
  ...MAIL_MUTATIONS,
  ...STAFF_MUTATIONS,
]
