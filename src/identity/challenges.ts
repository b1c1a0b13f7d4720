import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { gcmOpen, gcmSeal } from '../keys/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AccountStore } from './database.ts'
import { useOnce } from './use-once.ts'

/**
 * What one step of a sign-in gives to the browser for the next. It says itself for whom and until when it
 * was given, sealed: anybody may ask for one, and nothing is stored until one is answered.
 */
export interface Challenges {
  /** @param purpose what may be done with it; @param whom whom it is for */
  give(purpose: string, whom: string): Uint8Array<ArrayBuffer>
  /**
   * Whom the challenge (base64url) was for, once: of those who race one is told. Null for what was not
   * given for this purpose, has ended, or was answered.
   */
  take(purpose: string, challenge: string): Promise<string | null>
}

export interface ChallengesOptions {
  readonly store: AccountStore
  readonly clock: Clock
  /** What they are sealed with: the same on every node. */
  readonly secret: string
  /** Within how many milliseconds each is answered. */
  readonly lifeMs: number
}

export function createChallenges({ store, clock, secret, lifeMs }: ChallengesOptions): Challenges {
  const key = createSecretKey(createHmac('sha256', secret).update('surety challenge v1').digest())
  const use = useOnce({ store, clock })
  return {
    give(purpose, whom) {
      const said: Said = [randomBytes(16).toString('base64url'), whom, clock.now() + lifeMs]
      return Uint8Array.from(gcmSeal(key, Buffer.from(purpose), Buffer.from(JSON.stringify(said))))
    },
    async take(purpose, challenge) {
      const opened = gcmOpen(key, Buffer.from(purpose), Buffer.from(challenge, 'base64url'))
      if (!opened) return null
      const [id, whom, until] = JSON.parse(opened.toString('utf8')) as Said
      return until > clock.now() && (await use(id, until)) ? whom : null
    },
  }
}

/** Its random id, whom it is for, and when it ends (Unix milliseconds). */
type Said = readonly [id: string, whom: string, until: number]
