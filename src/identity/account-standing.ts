import type { AccountStore } from './database.ts'

/** Header in which this room, and nobody else, tells Better Auth the client's address. */
export const ADDRESS_HEADER = 'x-surety-client-address'

/** Whether the account exists and was not switched off. */
export async function isEnabled(store: AccountStore, personId: string): Promise<boolean> {
  const account = await store('sign-in', ['accounts'])
    .selectFrom('accounts')
    .select('disabledAt')
    .where('personId', '=', personId)
    .executeTakeFirst()
  return account !== undefined && account.disabledAt === null
}
