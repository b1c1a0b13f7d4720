import type { Kysely } from 'kysely'
import { systemPrincipal } from '../../access/index.ts'
import { silentLogger } from '../../database/index.ts'
import type { SignInProvider, SuretyConfig } from '../../declare/index.ts'
import { openStoreOver } from '../../store/testing.ts'
import { openTenants, type Tenants, type TenantTables } from '../../tenants/index.ts'
import { createCanaries } from '../canaries.ts'
import { catalogue } from '../catalogue.ts'
import type { Measurement } from '../definition.ts'
import type { ProbeContext } from '../probe-context.ts'
import { anyDb, NotesApp, resources, roles, type AppOptions, type NotesStore } from './notes-app.ts'

/** A small app over the real store, and the promises measured on it. */
export interface NotesWorld {
  readonly store: NotesStore
  readonly tenants: Tenants
  /** What a probe gets that runs beside the app. */
  context(options?: AppOptions): ProbeContext
  measure(id: string, options?: AppOptions): Promise<Measurement>
  count(table: keyof typeof resources): Promise<number>
  close(): Promise<void>
}

export async function openNotesWorld(): Promise<NotesWorld> {
  const store = await openStoreOver(resources, roles)
  const tenants = openTenants({
    store: { as: (principal) => ({ db: anyDb(store, principal) as unknown as Kysely<TenantTables> }) },
    audit: { record: async () => undefined },
    ...{ resources, roles, name: 'Notes', clock: store.clock, logger: silentLogger },
  })
  const context: NotesWorld['context'] = (options = {}) => contextOf(store, tenants, options)
  return {
    store,
    tenants,
    context,
    measure(id, options) {
      const { probe, parameters } = catalogue.get(id)!
      return probe(context(options), parameters.parse({}))
    },
    async count(table) {
      const { rows } = await store.ungoverned<{ n: unknown }>(`select count(*) as n from app.${table}`)
      return Number(rows[0]!.n)
    },
    close: () => store.close(),
  }
}

function contextOf(store: NotesStore, tenants: Tenants, options: AppOptions): ProbeContext {
  const app = new NotesApp(store, tenants, options)
  const { canary } = app
  const config: SuretyConfig = {
    ...{ name: 'Notes', origin: 'notes.example', page: 'security.md', resources, canary },
    roles: Object.fromEntries(
      (options.roles ?? (Object.keys(roles) as (keyof typeof roles)[])).map((role) => [role, roles[role]]),
    ),
    ...(options.proxies && { proxies: options.proxies }),
    // Who vouches is never asked: the app's canary function signs in by itself.
    signIn: { providers: [{ id: 'demo' } as SignInProvider] },
  }
  const context: Partial<ProbeContext> = {
    config,
    clock: store.clock,
    site: 'http://localhost',
    tenants,
    canaries: createCanaries(canary, 'http://localhost'),
    database: { bypasses: async () => [], visibleWithoutPrincipal: async () => 0 } as never,
    as: (principal) => anyDb(store, principal),
    system: systemPrincipal,
    progress: () => undefined,
    signal: new AbortController().signal,
  }
  return context as ProbeContext
}
