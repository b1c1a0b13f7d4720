import type { Clock } from '../../kernel/index.ts'
import type { AccountDatabase, AccountStore } from '../database.ts'
import { hashSecret, mintToken } from '../secrets.ts'

/** What a link in a letter lets its reader do. */
export type LinkPurpose = 'confirm-address' | 'change-address' | 'reset-password'

export interface MailLink {
  readonly personId: string
  readonly purpose: LinkPurpose
  /** The address that the letter goes to. */
  readonly email: string
}

/** Links that letters carry. Each works once and for a while; what is stored of it opens nothing. */
export interface MailLinks {
  /** The link's token. Other links of the person for the same purpose end. */
  mint(link: MailLink): Promise<string>
  /** What a token is for, without using it up; null where there is none, or it has ended. */
  find(token: string): Promise<MailLink | null>
  /** The same, once: of those who race, one gets it. Part of the caller's transaction. */
  take(open: AccountDatabase, token: string): Promise<MailLink | null>
}

const HOUR_MS = 3_600_000
export const LINK_HOURS: Readonly<Record<LinkPurpose, number>> = {
  'confirm-address': 24,
  'change-address': 24,
  'reset-password': 1,
}
const TIDY_MS = 60_000
/** A token as `mintToken` makes it; nothing else is looked up. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/

export function createMailLinks(store: AccountStore, clock: Clock): MailLinks {
  const table = (): AccountDatabase => store('mail-links', ['mail_links'])
  let tidiedAt = Number.NEGATIVE_INFINITY
  const tidy = async (now: number): Promise<void> => {
    if (now - tidiedAt < TIDY_MS) return
    tidiedAt = now
    await table().deleteFrom('mail_links').where('expiresAt', '<=', new Date(now)).execute()
  }
  const rowOf = async (db: AccountDatabase, token: string) => {
    if (!TOKEN.test(token)) return null
    const row = await db
      .selectFrom('mail_links')
      .select(['id', 'personId', 'purpose', 'email', 'expiresAt'])
      .where('secretHash', '=', hashSecret(token))
      .executeTakeFirst()
    return row && row.expiresAt.getTime() > clock.now() ? row : null
  }
  return {
    async mint({ personId, purpose, email }) {
      const now = clock.now()
      await tidy(now)
      const token = mintToken()
      const expiresAt = new Date(now + LINK_HOURS[purpose] * HOUR_MS)
      await table()
        .transaction()
        .execute(async (open) => {
          await dropLinks(open, personId, [purpose])
          const secretHash = hashSecret(token)
          await open
            .insertInto('mail_links')
            .values({ personId, purpose, email, secretHash, expiresAt })
            .execute()
        })
      return token
    },
    async find(token) {
      const row = await rowOf(table(), token)
      return row && { personId: row.personId, purpose: row.purpose, email: row.email }
    },
    async take(open, token) {
      const row = await rowOf(open, token)
      if (!row) return null
      const [gone] = await open.deleteFrom('mail_links').where('id', '=', row.id).execute()
      return gone?.numDeletedRows === 1n
        ? { personId: row.personId, purpose: row.purpose, email: row.email }
        : null
    },
  }
}

/** Ends links of a person. */
export async function dropLinks(
  open: AccountDatabase,
  personId: string,
  purposes: readonly LinkPurpose[],
): Promise<void> {
  const own = await open
    .selectFrom('mail_links')
    .select(['id', 'purpose'])
    .where('personId', '=', personId)
    .execute()
  const ids = own.filter(({ purpose }) => purposes.includes(purpose)).map(({ id }) => id)
  if (ids.length > 0) await open.deleteFrom('mail_links').where('id', 'in', ids).execute()
}
