import type { Kysely } from 'kysely'
import { systemPrincipal, type Principal } from '../access/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { MailTables } from './resources.ts'

/** What a letter is about. Whoever writes it looks up the rest when it is sent: no link is stored. */
export type LetterFacts = Readonly<Record<string, string>>

/** A letter that is to be sent. */
export interface WaitingLetter {
  /** Names who writes it. */
  readonly kind: string
  readonly about: LetterFacts
  /** After so many milliseconds it is given up. Default a day. */
  readonly lifeMs?: number
}

/** One that is being sent, by this process alone. */
export interface ClaimedLetter extends Omit<WaitingLetter, 'lifeMs'> {
  readonly id: string
  /** How often it was tried before. */
  readonly tries: number
  readonly hasExpired: boolean
}

/** Somebody's open transaction, whose principal reaches `waiting_letters`. */
export interface OpenTransaction {
  readonly isTransaction: boolean
}

/** Letters in the database. */
export interface LetterQueue {
  /** Stored when it resolves; in a transaction that is given, when that commits. */
  add(letter: WaitingLetter, open?: OpenTransaction): Promise<void>
  /**
   * The next letter that is due; null where none is. Nobody else gets it until its lease ends: by then it was sent,
   * or whoever had it is gone, and it is due again.
   */
  claim(): Promise<ClaimedLetter | null>
  remove(id: string): Promise<void>
}

export interface LetterQueueOptions {
  readonly store: { as(principal: Principal): { readonly db: unknown } }
  readonly clock: Clock
}

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
/** Longer than a letter may take: a process that is alive never has its letter taken. Each try doubles it. */
const LEASE_MS = 2 * MINUTE
const LONGEST_MS = 240 * MINUTE
/** So many are looked at, for others take some of them meanwhile. */
const LOOKED_AT = 8
/** One constant, for a sealed row belongs to somebody. */
const REALM = '5e1f5e7a-0000-4000-8000-000000000002'
const COLUMNS = ['id', 'kind', 'about', 'tries', 'dueAt', 'expiresAt'] as const

export function createLetterQueue({ store, clock }: LetterQueueOptions): LetterQueue {
  const table = (): Kysely<MailTables> =>
    store.as(systemPrincipal('letters', ['waiting_letters'])).db as Kysely<MailTables>
  return {
    async add({ kind, about, lifeMs = DAY }, open) {
      const db = open ? (open as Kysely<MailTables>) : table()
      const [dueAt, expiresAt] = [new Date(clock.now()), new Date(clock.now() + lifeMs)]
      const letter = { realmId: REALM, kind, about: JSON.stringify(about), tries: 0, dueAt, expiresAt }
      await db.insertInto('waiting_letters').values(letter).execute()
    },
    async claim() {
      const now = clock.now()
      const due = table().selectFrom('waiting_letters').select(COLUMNS).where('dueAt', '<=', new Date(now))
      for (const { id, kind, about, tries, dueAt, expiresAt } of await due
        .orderBy('id')
        .limit(LOOKED_AT)
        .execute()) {
        const again = new Date(now + Math.min(LEASE_MS * 2 ** tries, LONGEST_MS))
        const claiming = table()
          .updateTable('waiting_letters')
          .set({ dueAt: again, tries: tries + 1 })
        const [claimed] = await claiming.where('id', '=', id).where('dueAt', '=', dueAt).execute()
        if (claimed?.numUpdatedRows !== 1n) continue
        const facts = JSON.parse(about) as LetterFacts
        return { id, kind, about: facts, tries, hasExpired: expiresAt.getTime() <= now }
      }
      return null
    },
    async remove(id) {
      await table().deleteFrom('waiting_letters').where('id', '=', id).execute()
    },
  }
}
