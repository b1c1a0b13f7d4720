import { hasCode, type Clock } from '../kernel/index.ts'
import type { AccountStore } from './database.ts'
import { REALM } from './resources.ts'
import { hashSecret } from './secrets.ts'

/** Marks what is good once as used, in the database, which every node shares; what has ended is forgotten. */
export function useOnce({ store, clock }: { readonly store: AccountStore; readonly clock: Clock }) {
  return async (id: string, until: number): Promise<boolean> => {
    const db = store('finish-sign-in', ['finished_sign_ins'])
    await db.deleteFrom('finished_sign_ins').where('expiresAt', '<', new Date(clock.now())).execute()
    try {
      await db
        .insertInto('finished_sign_ins')
        .values({
          realmId: REALM,
          transaction: hashSecret(id),
          // A moment longer than the browser's part is taken anywhere.
          expiresAt: new Date(until + GRACE_MS),
        })
        .execute()
      return true
    } catch (error) {
      if (hasCode(error, 'ERR_STORE_CONFLICT')) return false
      throw error
    }
  }
}

const GRACE_MS = 5 * 60_000
