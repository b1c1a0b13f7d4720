import type { RowOf } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import { inOneTransaction, type AccountDatabase, type AccountStore } from './database.ts'
import type { accountResources } from './resources.ts'
import { hashSecret, mintToken } from './secrets.ts'
import type { SessionPolicy } from './session-policy.ts'

/** How a person proved who they are. */
export type SignInMethod = 'password' | 'oidc' | 'totp' | 'passkey' | 'recovery'

const METHODS: readonly SignInMethod[] = ['password', 'oidc', 'totp', 'passkey', 'recovery']
/** What counts as a second factor. A passkey is one by itself: it shows possession and the person's presence. */
export const SECOND_FACTORS: readonly SignInMethod[] = ['totp', 'passkey', 'recovery']

/** Whether a person who proved who they are in these ways showed a second factor. */
export function showsSecondFactor(methods: readonly SignInMethod[]): boolean {
  return methods.some((method) => SECOND_FACTORS.includes(method))
}

/** A browser that is signed in, or on its way. */
export interface Session {
  readonly id: string
  readonly personId: string
  /** When it was last used, within a quarter of an hour; Unix milliseconds. */
  readonly usedAt: number
  readonly endsAt: number
  /** When the person last proved who they are. */
  readonly authenticatedAt: number
  /**
   * When the person last showed that it is still them: here, or to a provider that says when it asked. Null where
   * a provider vouched for them and nothing tells when it saw them.
   */
  readonly freshAt: number | null
  readonly methods: readonly SignInMethod[]
  /** Id of the identity provider that vouched for the person; null where none did. */
  readonly provider: string | null
  /** Whether a second factor is still to come: until then it opens nothing. */
  readonly pending: boolean
  readonly address: string | null
  readonly userAgent: string | null
}

export interface NewSession extends Pick<Session, 'personId' | 'methods' | 'pending'> {
  readonly provider?: string | null
  /** Default now; null where a provider vouched without saying when it had asked. */
  readonly freshAt?: number | null
  readonly address: string | null
  readonly userAgent: string | null
}

/** What may change about a session when its token does; it is fresh from `authenticatedAt` on. */
export type SessionChanges = Partial<Pick<Session, 'methods' | 'pending' | 'authenticatedAt'>>

export interface Sessions {
  /** A new session and the token for its cookie; only the token's hash is stored. */
  open(session: NewSession): Promise<string>
  /** The live session of a token; null where it is unknown or has ended. Counts as use. */
  find(token: string): Promise<Session | null>
  /**
   * The session under a new token, with what has changed about it; the old token is worthless. Null where it had
   * ended by then: of two that race, one gets the session.
   */
  rotate(token: string, changes: SessionChanges): Promise<string | null>
  end(token: string): Promise<void>
  /** Ends one of a person's own sessions; false where they have none of that id. */
  endById(personId: string, id: string): Promise<boolean>
  /**
   * Ends a person's sessions, all but the one to keep, those included that get a new token meanwhile; gives
   * their number.
   */
  endAll(personId: string, keep?: string): Promise<number>
  /** Ends those of a person's sessions that showed no second factor, all but the one to keep. */
  endUnproved(personId: string, keep: string): Promise<void>
  /** A person's live sessions, the one used last first. */
  list(personId: string): Promise<Session[]>
}

export interface SessionsOptions {
  readonly store: AccountStore
  readonly clock: Clock
  readonly policy: SessionPolicy
}

type SessionRow = RowOf<(typeof accountResources)['sign_in_sessions']>

/** Use is written down at most so often, as a part of the idle time. */
const USE_STEPS = 30
export const MAX_USER_AGENT = 512

export function createSessions(options: SessionsOptions): Sessions {
  return new SessionTable(options)
}

class SessionTable implements Sessions {
  readonly #store: AccountStore
  readonly #clock: Clock
  readonly #policy: SessionPolicy

  constructor({ store, clock, policy }: SessionsOptions) {
    this.#store = store
    this.#clock = clock
    this.#policy = policy
  }

  async open({
    personId,
    methods,
    provider,
    pending,
    address,
    userAgent,
    ...more
  }: NewSession): Promise<string> {
    const token = mintToken()
    const now = this.#clock.now()
    const { freshAt = now } = more
    const endsAt = now + this.#policy.absoluteMs
    await this.#table()
      .insertInto('sign_in_sessions')
      .values({
        personId,
        token: hashSecret(token),
        methods: [...methods],
        provider: provider ?? null,
        pending,
        ipAddress: address,
        userAgent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
        authenticatedAt: new Date(now),
        freshAt: freshAt === null ? null : new Date(freshAt),
        updatedAt: new Date(now),
        expiresAt: this.#endOfUse(endsAt),
        endsAt: new Date(endsAt),
      })
      .execute()
    return token
  }

  async find(token: string): Promise<Session | null> {
    const row = await this.#byToken(token)
    if (!row) return null
    const now = this.#clock.now()
    if (now - row.updatedAt.getTime() > this.#policy.idleMs / USE_STEPS) {
      await this.#table()
        .updateTable('sign_in_sessions')
        .set({ updatedAt: new Date(now), expiresAt: this.#endOfUse(row.endsAt.getTime()) })
        .where('id', '=', row.id)
        .execute()
    }
    return toSession(row)
  }

  async rotate(token: string, { methods, pending, authenticatedAt }: SessionChanges): Promise<string | null> {
    const row = await this.#byToken(token)
    if (!row) return null
    const fresh = mintToken()
    const { id, createdAt: _receipt, ...kept } = row
    return inOneTransaction(this.#table(), async (db) => {
      const [gone] = await db.deleteFrom('sign_in_sessions').where('id', '=', id).execute()
      if (gone?.numDeletedRows !== 1n) return null
      await db
        .insertInto('sign_in_sessions')
        .values({
          ...kept,
          token: hashSecret(fresh),
          ...(methods && { methods: [...methods] }),
          ...(pending !== undefined && { pending }),
          ...(authenticatedAt !== undefined && proofAt(new Date(authenticatedAt))),
        })
        .execute()
      return fresh
    })
  }

  async end(token: string): Promise<void> {
    await this.#table().deleteFrom('sign_in_sessions').where('token', '=', hashSecret(token)).execute()
  }

  async endById(personId: string, id: string): Promise<boolean> {
    const own = (await this.#all(personId)).filter((row) => row.id === id)
    return own.length > 0 && (await this.#remove(own)).size > 0
  }

  endAll(personId: string, keep?: string): Promise<number> {
    return this.#endWhere(personId, ({ id }) => id !== keep)
  }

  async endUnproved(personId: string, keep: string): Promise<void> {
    await this.#endWhere(personId, (row) => row.id !== keep && !showsSecondFactor(toSession(row).methods))
  }

  /** Until none is left: one whose token was renewed while the others ended is found under its new id. */
  async #endWhere(personId: string, isEnding: (row: SessionRow) => boolean): Promise<number> {
    let ended = 0
    for (;;) {
      const ending = (await this.#all(personId)).filter(isEnding)
      if (ending.length === 0) return ended
      const gone = await this.#remove(ending)
      ended += ending.filter((row) => gone.has(row.id) && this.#isLive(row)).length
    }
  }

  async list(personId: string): Promise<Session[]> {
    const live = (await this.#all(personId)).filter((row) => this.#isLive(row))
    return live.map(toSession).toSorted((a, b) => b.usedAt - a.usedAt)
  }

  #table(): AccountDatabase {
    return this.#store('sessions', ['sign_in_sessions'])
  }

  async #byToken(token: string): Promise<SessionRow | null> {
    const row = await this.#table()
      .selectFrom('sign_in_sessions')
      .selectAll()
      .where('token', '=', hashSecret(token))
      .executeTakeFirst()
    return row && this.#isLive(row) ? row : null
  }

  #all(personId: string): Promise<SessionRow[]> {
    return this.#table().selectFrom('sign_in_sessions').selectAll().where('personId', '=', personId).execute()
  }

  /** The ids of those that were there to be removed. */
  async #remove(rows: readonly SessionRow[]): Promise<ReadonlySet<string>> {
    const ids = rows.map(({ id }) => id)
    const removal = this.#table().deleteFrom('sign_in_sessions').where('id', 'in', ids).returning('id')
    return new Set((await removal.execute()).map(({ id }) => id))
  }

  #isLive({ expiresAt, endsAt }: SessionRow): boolean {
    return Math.min(expiresAt.getTime(), endsAt.getTime()) > this.#clock.now()
  }

  #endOfUse(endsAt: number): Date {
    return new Date(Math.min(this.#clock.now() + this.#policy.idleMs, endsAt))
  }
}

function proofAt(at: Date): { readonly authenticatedAt: Date; readonly freshAt: Date } {
  return { authenticatedAt: at, freshAt: at }
}

/** Sessions that Better Auth opens say nothing of it: it asked for the password itself. */
function freshAtOf({ freshAt, provider, authenticatedAt }: SessionRow): number | null {
  return (freshAt ?? (provider ? null : authenticatedAt))?.getTime() ?? null
}

function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    personId: row.personId,
    usedAt: row.updatedAt.getTime(),
    endsAt: row.endsAt.getTime(),
    authenticatedAt: row.authenticatedAt.getTime(),
    freshAt: freshAtOf(row),
    methods: METHODS.filter((method) => row.methods.includes(method)),
    provider: row.provider || null,
    pending: row.pending,
    address: row.ipAddress || null,
    userAgent: row.userAgent || null,
  }
}
