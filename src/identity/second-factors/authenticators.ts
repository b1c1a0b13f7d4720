import type { Clock } from '../../kernel/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from '../database.ts'
import { IdentityError } from '../errors.ts'
import { matchingStep, mintTotpSecret } from './totp.ts'

/** A person's authenticator app. */
export interface Authenticators {
  /**
   * A fresh secret to put into the app; it counts once a first code has shown that it is there.
   * @throws IdentityError `ERR_IDENTITY_CODE` where one counts already
   */
  begin(personId: string): Promise<string>
  /** Whether the code shows that the app has the secret; from then on it counts. */
  confirm(personId: string, code: string): Promise<boolean>
  /** Whether the code is right. Each is taken once, also by those who race, and none older than the last. */
  check(personId: string, code: string): Promise<boolean>
  /** Whether one counts. */
  has(personId: string): Promise<boolean>
  remove(personId: string): Promise<void>
}

export function createAuthenticators(store: AccountStore, clock: Clock): Authenticators {
  const table = (): AccountDatabase => store('second-factor', ['authenticators'])
  const find = (personId: string) =>
    table().selectFrom('authenticators').selectAll().where('personId', '=', personId).executeTakeFirst()
  const remove = async (personId: string, db = table()): Promise<void> => {
    await db.deleteFrom('authenticators').where('personId', '=', personId).execute()
  }
  const claim = async (personId: string, code: string, confirming: boolean): Promise<boolean> => {
    const row = await find(personId)
    if (!row || (row.confirmedAt === null) !== confirming) return false
    const step = matchingStep(row.secret, code, clock.now())
    if (step === null) return false
    const [claimed] = await table()
      .updateTable('authenticators')
      .set({ lastStep: step, ...(confirming && { confirmedAt: new Date(clock.now()) }) })
      .where('id', '=', row.id)
      // Whoever comes second finds the step taken.
      .where('lastStep', '<', step)
      .execute()
    return claimed?.numUpdatedRows === 1n
  }
  return {
    async begin(personId) {
      const row = await find(personId)
      if (row?.confirmedAt)
        throw new IdentityError('ERR_IDENTITY_CODE', 'an authenticator app is set up already', {
          mend: 'remove it before you set up another',
        })
      const secret = mintTotpSecret()
      await inOneTransaction(table(), async (db) => {
        await remove(personId, db)
        await db.insertInto('authenticators').values({ personId, secret, lastStep: 0 }).execute()
      })
      return secret
    },
    confirm: (personId, code) => claim(personId, code, true),
    check: (personId, code) => claim(personId, code, false),
    has: async (personId) => ((await find(personId))?.confirmedAt ?? null) !== null,
    remove: (personId) => remove(personId),
  }
}
