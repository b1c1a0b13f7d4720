import type { Hono, MiddlewareHandler } from 'hono'
import type { Kysely } from 'kysely'
import type { Principal } from '../access/index.ts'
import type { DatabaseServer, Logger } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { SuretyEnv } from '../http/index.ts'
import type { Accounts, Identity } from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { KeyProvider } from '../keys/index.ts'
import type { BrokenGlass, StaffRoom } from '../staff/index.ts'
import type { Tenants } from '../tenants/index.ts'
import type { PromiseStanding } from '../verify/index.ts'
import type { KeyEpochs } from './key-epochs.ts'
import type { People, PeopleOptions } from './people.ts'
import type { ProbeOptions, ProbeRun } from './prober.ts'
import type { StaffSiteParts } from './staff-site.ts'

export interface OpenOptions {
  /** Folder for keys, logs and, with the embedded database, its cluster. Default `$SURETY_DATA`, else `.surety`. */
  readonly dataDir?: string
  /** Name of the system's database. Default: the configured name, lower-cased. */
  readonly name?: string
  /** A Postgres 15 or newer. Default `$DATABASE_URL`; without one, an embedded server is started. */
  readonly databaseUrl?: string
  /** An embedded server that several systems share; it is not stopped by `close`. */
  readonly server?: DatabaseServer
  /**
   * `'server'` (default) declares the page's promises, publishes the log and migrates. `'tool'` joins a
   * running server on the same data folder: it measures and queues, and leaves publishing to it.
   */
  readonly mode?: 'server' | 'tool'
  /** False: epochs of keys end only when asked to, by `surety keys rotate`. Default true in mode `'server'`. */
  readonly endsEpochs?: boolean
  /** A key provider of your own, in place of the configured one; closed with the system. */
  readonly keyProvider?: KeyProvider
  /** Public address of the app, without a trailing slash. Default `https://<origin>`. */
  readonly url?: string | (() => string)
  /** Default: the system's clock, shifted by `SURETY_CLOCK_OFFSET` in demos. */
  readonly clock?: Clock
  /** Default: JSON lines on standard output. */
  readonly logger?: Logger
  /** What a signed-in person may do, where the app itself keeps that. Default: what `tenants` says. */
  readonly principalOf?: NonNullable<PeopleOptions['principalOf']>
  /**
   * Who sends a request to `/account/access` and `/console`. Default: who is signed in with the
   * library; without that, those pages are not served.
   */
  readonly visitor?: StaffSiteParts['visitor']
  /** Told at once when a staff member breaks the glass, beside the audit event and the log. Must not throw. */
  readonly alarm?: (alarm: BrokenGlass) => void
  /** Greatest request body in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number
}

/** A running Surety. */
export interface Surety<Tables> {
  readonly config: SuretyConfig
  /** Note verifier key of the evidence log: what outsiders pin. */
  readonly vkey: string
  /** Folder of the embedded server; null with an external database. */
  readonly databaseDir: string | null
  /** The data as `principal` may see it: a typed Kysely. Cheap: make one per request. */
  as(principal: Principal): { readonly db: Kysely<Tables> }
  /** The principal of a task of your own, on whole tables and no others; never for requests of people. */
  system(task: string, tables: readonly (keyof Tables & string)[]): Principal
  /**
   * Members of organisations, their roles, keys, allow-lists and reviews; null where the data map does not
   * hold `tenantResources`.
   */
  readonly tenants: Tenants | null
  /** Who sends the request: by an API key, `signIn` or `identify` of the configuration; else anonymous. */
  identify(request: Request): Promise<Principal>
  /** Staff who see the product as somebody else, for whom `identify` gives the grant's operator; null for all others. */
  readonly impersonation: People['impersonation']
  /** The library's own sign-in; null where `signIn` is not configured. */
  readonly identity: Identity | null
  /** Accounts of that sign-in: inviting people, switching them off, letting them go; null where it is not configured. */
  readonly accounts: Accounts | null
  /** Hono middleware: request id and log line, security headers with a nonce, body limit. */
  protect(): MiddlewareHandler<SuretyEnv>
  /** The security page, its evidence, health and metrics. */
  routes(): Hono<SuretyEnv>
  /** Measures promises and publishes what was seen. */
  probe(options: ProbeOptions): Promise<ProbeRun[]>
  /**
   * Measures each promise when its cadence asks for it, and writes to reviewers whose decisions wait, until
   * closed; processes share the work.
   */
  keepProbing(options: ProbeOptions): Promise<{ close(): Promise<void> }>
  /** Epochs of keys: where they stand, and ending them by hand. A server ends them by itself. */
  readonly keys: Pick<KeyEpochs, 'status' | 'rotate'>
  /** Staff, their grants, and what they saw; null where the configuration declares no staff. */
  readonly staff: StaffRoom | null
  /** Where every promise stands now. */
  standings(): Promise<readonly PromiseStanding[]>
  /** Resolves when everything said so far is under a published checkpoint; gives its size. */
  published(): Promise<number>
  close(): Promise<void>
}
