import { Hono, type Context } from 'hono'
import type { Kysely } from 'kysely'
import { systemPrincipal, type Principal } from '../../access/index.ts'
import {
  field,
  resource,
  type Canary,
  type CanaryPerson,
  type PermissionText,
  type SuretyConfig,
} from '../../declare/index.ts'
import { accountResources } from '../../identity/index.ts'
import { createPseudonym, hasCode, isId, SuretyError } from '../../kernel/index.ts'
import type { TestStore } from '../../store/testing.ts'
import { tenantResources, type Tenants } from '../../tenants/index.ts'
import type { AnyTables } from '../probe-context.ts'
import { requestFor } from './notes-requests.ts'

const BASE = { purpose: 'to test', basis: 'contract', retention: 'account' } as const
const OWNERS = { personId: field.id(), teamId: field.id() }

export const resources = {
  ...tenantResources,
  sign_in_sessions: accountResources.sign_in_sessions,
  notes: resource({
    ...BASE,
    name: 'notes',
    subject: 'personId',
    tenant: 'teamId',
    undeclared: 'drop',
    fields: {
      ...OWNERS,
      title: field.text('a title', { max: 100 }),
      text: field.text('what it says', { max: 100 }),
      kind: field.text('its kind', { max: 20, clear: 'counted in SQL' }),
    },
  }),
  people: resource({
    ...BASE,
    name: 'people',
    subject: 'personId',
    tenant: 'teamId',
    unique: [['personId']],
    fields: { ...OWNERS, name: field.text('their name', { max: 100 }) },
  }),
}

export const roles = {
  administrator: ['notes:*:tenant', 'people:read:tenant'],
  member: ['notes:*:own', 'people:read:own'],
  clerk: ['notes:read:tenant(title)', 'notes:delete:tenant'],
} satisfies Record<string, PermissionText[]>

/** What an app's author could get wrong, one route each. */
export type Flaw =
  | 'reads without the scope own'
  | 'reads without the tenant'
  | 'changes without the tenant'
  | 'deletes without the tenant'
  | 'believes the team in the body'
  | 'believes the person in the body'
  | 'filters by any team'
  | 'believes the team in the path'
  | 'exports everything'
  | 'exports the whole team'
  | 'reads every column'
  | 'tells what is there'
  | 'keeps roles'
  | 'knows no addresses'
  | 'believes any header'
  | 'refuses members'
  | 'falls over'
  | 'shows rows to visitors'
  | 'takes rows from visitors'
  | 'believes any cookie'
  | 'believes any key'
  | 'knows no end of sessions'
  | 'keeps revoked keys'
  | 'keeps who has left'

export interface AppOptions {
  readonly flaw?: Flaw
  /** `own-table`: the app knows itself who belongs to a team. Default `library`. */
  readonly tenants?: 'library' | 'own-table'
  /** Whether canaries may join a team that is there. Default true. */
  readonly joins?: boolean
  /** Somebody real in every new team. Default nobody. */
  readonly crowded?: boolean
  readonly proxies?: SuretyConfig['proxies']
  /** Those of the app's roles that are declared. Default all. */
  readonly roles?: readonly (keyof typeof roles)[]
}

interface Account {
  readonly id: string
  readonly team: string
  readonly role: string
}

type Db = Kysely<AnyTables>
export type NotesStore = TestStore<typeof resources>

export function anyDb({ store }: NotesStore, principal: Principal): Db {
  return store.as(principal).db as unknown as Db
}

/** Notes of people in teams. */
export class NotesApp {
  readonly canary: Canary
  readonly #store: NotesStore
  readonly #tenants: Tenants
  readonly #options: AppOptions
  readonly #accounts = new Map<string, Account>()
  readonly #founders = new Map<string, string>()
  readonly #kept = new Map<string, Principal>()
  readonly #keys = new Map<string, Principal>()
  readonly #routes = new Hono()

  constructor(store: NotesStore, tenants: Tenants, options: AppOptions) {
    this.#store = store
    this.#tenants = tenants
    this.#options = options
    this.#addRoutes()
    this.canary = {
      createPerson: (wanted) => this.#createPerson(wanted),
      request: async (_, person, intent) => {
        const wanted = requestFor(intent, person.id)
        return wanted && this.#routes.request(wanted.path, wanted.init)
      },
      visit: async (_, intent) => {
        const wanted = requestFor(intent, null)
        return wanted && this.#routes.request(wanted.path, wanted.init)
      },
      remove: (_, person) => this.#remove(person.id),
      signIn: async (_, person) => `notes-session=${await this.#openSession(person.id)}`,
    }
  }

  #has(flaw: Flaw): boolean {
    return this.#options.flaw === flaw
  }

  #system(): Db {
    return anyDb(this.#store, systemPrincipal('flaw', ['notes', 'people', 'sign_in_sessions']))
  }

  /** Who asks, and their data. */
  async #asking(c: Context): Promise<{ account: Account; principal: Principal; db: Db }> {
    const known = await this.#knownAs(c)
    if (known) return { ...known, db: anyDb(this.#store, known.principal) }
    const [account] = this.#accounts.values()
    if (!account || !this.#believes(c)) throw new Refused(401)
    return { account, principal: await this.#principalOf(account, c), db: this.#system() }
  }

  /** By the credentials of their own, by a session, or by a key of the library. */
  async #knownAs(c: Context): Promise<{ account: Account; principal: Principal } | null> {
    const said = c.req.header('authorization') ?? ''
    const account = this.#accounts.get(said) ?? (await this.#accountOfSession(c))
    if (account) return { account, principal: await this.#principalOf(account, c) }
    const key = said.replace(/^Bearer /, '')
    const found = await this.#tenants.keys.principalOf(key, { address: this.#addressOf(c) })
    const principal = found ?? (this.#has('keeps revoked keys') ? (this.#keys.get(key) ?? null) : null)
    const owner = principal && this.#accounts.get(principal.id)
    if (!principal || !owner) return null
    this.#keys.set(key, principal)
    return { account: owner, principal }
  }

  /** What an author could believe of somebody unknown. */
  #believes(c: Context): boolean {
    const isReading = c.req.method === 'GET'
    const said = c.req.header('authorization')
    return (
      (this.#has('shows rows to visitors') && isReading) ||
      (this.#has('takes rows from visitors') && !isReading) ||
      (this.#has('believes any cookie') && c.req.header('cookie') !== undefined) ||
      (this.#has('believes any key') && said !== undefined)
    )
  }

  async #openSession(personId: string): Promise<string> {
    const [token, now] = [createPseudonym(), this.#store.clock.now()]
    const end = new Date(now + 3_600_000)
    const times = { authenticatedAt: new Date(now), updatedAt: new Date(now), expiresAt: end, endsAt: end }
    await this.#system()
      .insertInto('sign_in_sessions')
      .values({ personId, token, methods: ['oidc'], pending: false, ...times })
      .execute()
    return token
  }

  async #accountOfSession(c: Context): Promise<Account | undefined> {
    const [, token] = /notes-session=([^;]+)/.exec(c.req.header('cookie') ?? '') ?? []
    if (token === undefined) return undefined
    const found = this.#system().selectFrom('sign_in_sessions').selectAll().where('token', '=', token)
    const row = await found.executeTakeFirst()
    const isOver = !row || (row['endsAt'] as Date).getTime() <= this.#store.clock.now()
    if (isOver && !(row && this.#has('knows no end of sessions'))) return undefined
    return this.#accounts.get(String(row['personId']))
  }

  async #principalOf({ id, team, role }: Account, c: Context): Promise<Principal> {
    const kept = this.#kept.get(id)
    if (kept && this.#has('keeps roles')) return kept
    const principal =
      this.#options.tenants === 'own-table'
        ? ({ kind: 'user', id, tenant: team, roles: [role] } as const)
        : await this.#tenants.principalOf(id, { tenant: team, address: this.#addressOf(c) })
    if (!principal) throw new Refused(401)
    this.#kept.set(id, principal)
    return principal
  }

  /** Of the client: what the declared proxy says, else this machine. */
  #addressOf(c: Context): string {
    if (this.#has('knows no addresses')) return '192.0.2.1'
    const said = c.req.header('x-forwarded-for')
    const isBelieved = this.#options.proxies !== undefined || this.#has('believes any header')
    return (isBelieved && said) || '127.0.0.1'
  }

  #addRoutes(): void {
    const routes = this.#routes
    routes.post('/notes', async (c) => {
      const { account, db, principal } = await this.#asking(c)
      if (this.#has('refuses members') && !principal.roles.includes('administrator')) throw new Refused(403)
      const { title, text, kind, teamId, personId } = (await c.req.json()) as Record<string, string>
      const team = this.#has('believes the team in the body') ? (teamId ?? account.team) : account.team
      const person = this.#has('believes the person in the body') ? (personId ?? account.id) : account.id
      const owned = { title, text, kind, teamId: team, personId: person }
      const isFlawed = team !== account.team || person !== account.id
      const row = (isFlawed ? this.#system() : db).insertInto('notes').values(owned).returning('id')
      return c.json(await row.executeTakeFirstOrThrow(), 201)
    })
    routes.get('/notes', async (c) => {
      const { db } = await this.#asking(c)
      const team = c.req.query('team')
      const isFlawed = team !== undefined && this.#has('filters by any team')
      return c.json(await this.#list(isFlawed ? this.#system() : db, isFlawed ? team : undefined))
    })
    routes.get('/teams/:team/notes', async (c) => {
      const { db, account } = await this.#asking(c)
      const team = c.req.param('team') === 'current' ? account.team : c.req.param('team')
      if (this.#has('believes the team in the path')) return c.json(await this.#list(this.#system(), team))
      return c.json(team === account.team ? await this.#list(db) : [])
    })
    routes.get('/export', async (c) => {
      const { db, account } = await this.#asking(c)
      if (this.#has('exports everything')) return c.json(await this.#list(this.#system()))
      if (this.#has('exports the whole team')) return c.json(await this.#list(this.#system(), account.team))
      return c.json(await this.#list(db))
    })
    routes.get('/people', async (c) => {
      const { db } = await this.#asking(c)
      return c.json(await db.selectFrom('people').select(['personId', 'name']).execute())
    })
    this.#addRowRoutes()
    routes.onError((error, c) =>
      c.json({ error: true }, error instanceof Refused ? error.status : statusOf(error)),
    )
  }

  #addRowRoutes(): void {
    this.#routes.get('/notes/:id', async (c) => {
      const { db, account } = await this.#asking(c)
      let query = this.#forRow('reads', db)
        .selectFrom('notes')
        .select(await this.#columns(c))
      if (this.#has('reads without the scope own')) query = query.where('teamId', '=', account.team)
      const row = await query.where('id', '=', idOf(c)).executeTakeFirst()
      if (!row) throw new Refused(await this.#missing(c))
      return c.json(row)
    })
    this.#routes.put('/notes/:id', async (c) => {
      const { db } = await this.#asking(c)
      const { title, text } = (await c.req.json()) as Record<string, string>
      const update = this.#forRow('changes', db).updateTable('notes').set({ title, text })
      const { numUpdatedRows } = await update.where('id', '=', idOf(c)).executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) throw new Refused(404)
      return c.body(null, 204)
    })
    this.#routes.delete('/notes/:id', async (c) => {
      const { db } = await this.#asking(c)
      const removal = this.#forRow('deletes', db).deleteFrom('notes').where('id', '=', idOf(c))
      const { numDeletedRows } = await removal.executeTakeFirstOrThrow()
      if (numDeletedRows === 0n) throw new Refused(404)
      return c.body(null, 204)
    })
  }

  #forRow(verb: 'reads' | 'changes' | 'deletes', db: Db): Db {
    const isFlawed =
      this.#has(`${verb} without the tenant`) ||
      (verb === 'reads' && (this.#has('reads without the scope own') || this.#has('reads every column')))
    return isFlawed ? this.#system() : db
  }

  async #columns(c: Context): Promise<string[]> {
    if (this.#has('falls over')) throw new TypeError('on purpose')
    const { principal } = await this.#asking(c)
    const isLimited = principal.roles.includes('clerk') && !this.#has('reads every column')
    return ['id', 'title', ...(isLimited ? [] : ['text', 'kind'])]
  }

  async #missing(c: Context): Promise<403 | 404> {
    if (!this.#has('tells what is there')) return 404
    const row = this.#system().selectFrom('notes').select('id').where('id', '=', idOf(c))
    return (await row.executeTakeFirst()) ? 403 : 404
  }

  #list(db: Db, team?: string): Promise<unknown> {
    const query = db.selectFrom('notes').select(['id', 'title'])
    return (team === undefined ? query : query.where('teamId', '=', team)).execute()
  }

  async #createPerson({
    tag,
    role,
    tenant,
  }: Parameters<Canary['createPerson']>[0]): Promise<CanaryPerson | null> {
    const { joins = true, crowded = false } = this.#options
    // Only administrators found a team.
    if (tenant === undefined ? role !== 'administrator' : !joins) return null
    const [id, team] = [createPseudonym(), tenant ?? createPseudonym()]
    if (this.#options.tenants !== 'own-table') {
      const founder = tenant === undefined ? id : this.#founders.get(team)!
      if (tenant === undefined) await this.#tenants.members.found(team, id)
      this.#founders.set(team, founder)
      const by = (await this.#tenants.principalOf(founder, { tenant: team }))!
      if (tenant !== undefined) await this.#tenants.members.add(by, id, [role])
      else if (crowded) await this.#tenants.members.add(by, createPseudonym(), ['member'])
    }
    await this.#system().insertInto('people').values({ personId: id, teamId: team, name: tag }).execute()
    this.#accounts.set(id, { id, team, role })
    return { id, tenant: team, role, credentials: id }
  }

  async #remove(id: string): Promise<void> {
    for (const table of ['notes', 'people', 'sign_in_sessions'])
      await this.#system().deleteFrom(table).where('personId', '=', id).execute()
    if (!this.#has('keeps who has left')) this.#accounts.delete(id)
  }
}

class Refused extends Error {
  readonly status: 401 | 403 | 404
  constructor(status: 401 | 403 | 404) {
    super('refused')
    this.status = status
  }
}

function statusOf(error: Error): 403 | 500 {
  return hasCode(error, 'ERR_STORE_FORBIDDEN') || (error instanceof SuretyError && /ADDRESS/.test(error.code))
    ? 403
    : 500
}

function idOf(c: Context): string {
  const id = c.req.param('id') ?? ''
  if (!isId(id)) throw new Refused(404)
  return id
}
