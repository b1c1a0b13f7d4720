import { BRUTE_FORCE_MUTATIONS } from './brute-force.ts'
import { DATA_MUTATIONS } from './data.ts'
import { EVIDENCE_MUTATIONS } from './evidence.ts'
import { KEYS_MUTATIONS } from './keys.ts'
import type { Mutation } from './mutation.ts'

/**
 * Guards of the invariants. `npm run mutations` applies them one by one; a test in CI holds every text
 * against its file.
 */
export const MUTATIONS: readonly Mutation[] = [
  ...DATA_MUTATIONS,
  ...KEYS_MUTATIONS,
  ...EVIDENCE_MUTATIONS,
  ...BRUTE_FORCE_MUTATIONS,
]
