import type { Clock } from '../kernel/index.ts'
import type { AccountStore } from './database.ts'
import { REALM } from './resources.ts'
import { hashSecret } from './secrets.ts'

/** What one step of a sign-in leaves for the next. */
export interface Challenges {
  /** @param name what the step is found by; only its hash is stored */
  put(name: string, value: string, lifeMs: number): Promise<void>
  /** The value, once: of those who race, one gets it. Null where there is none, or it has ended. */
  take(name: string): Promise<string | null>
}

const TIDY_MS = 60_000

export function createChallenges(store: AccountStore, clock: Clock): Challenges {
  const table = () => store('challenge', ['sign_in_challenges'])
  let tidiedAt = Number.NEGATIVE_INFINITY
  /** Anybody can ask for a challenge: those that nobody answers must not pile up. */
  const tidy = async (now: number): Promise<void> => {
    if (now - tidiedAt < TIDY_MS) return
    tidiedAt = now
    await table().deleteFrom('sign_in_challenges').where('expiresAt', '<=', new Date(now)).execute()
  }
  return {
    async put(name, value, lifeMs) {
      const now = clock.now()
      await tidy(now)
      await table()
        .insertInto('sign_in_challenges')
        .values({
          realmId: REALM,
          identifier: hashSecret(name),
          value,
          expiresAt: new Date(now + lifeMs),
          updatedAt: new Date(now),
        })
        .execute()
    },
    async take(name) {
      const [row] = await table()
        .deleteFrom('sign_in_challenges')
        .where('identifier', '=', hashSecret(name))
        .returning(['value', 'expiresAt'])
        .execute()
      return row && row.expiresAt.getTime() > clock.now() ? row.value : null
    },
  }
}
