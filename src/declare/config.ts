import type { Duration } from '../kernel/index.ts'
import type { KeyProviderSettings } from './key-provider.ts'
import type { MailPort } from './mail.ts'
import type { PermissionText } from './permission.ts'
import type { Resource } from './resource.ts'
import type { IdentifiedPerson, SignInConfig } from './sign-in.ts'
import type { StaffConfig } from './staff.ts'

export type ResourceMap = { readonly [name: string]: Resource }

/** An ordinary account that a probe made for itself. `credentials` stay in the prober's memory. */
export interface CanaryPerson {
  readonly id: string
  readonly tenant: string
  readonly role: string
  readonly credentials: unknown
}

/** What a probe wants an ordinary user to do; the app's configuration turns it into its own HTTP. */
export interface CanaryIntent {
  /** `export`: take along everything of the resource that the app gives to be taken along. */
  readonly action: 'create' | 'list' | 'read' | 'update' | 'delete' | 'export'
  readonly resource: string
  /** Values for `create` and `update`, by field name. */
  readonly values?: Readonly<Record<string, unknown>>
  /** An undeclared member to smuggle in, and where. */
  readonly undeclared?: {
    readonly name: string
    readonly value: string
    readonly place: 'body' | 'header' | 'query'
  }
  /** The row that `read`, `update` and `delete` are about: its id, or its subject's, as the app's lists name it. */
  readonly id?: string
  /** Ids of somebody else, to be put where the route takes such ids. Null is answered where it takes none there. */
  readonly foreign?: {
    /** `path`: in place of the person's own, also where that is said by a word such as `current`. */
    readonly place: 'path' | 'query' | 'body'
    readonly tenant?: string
    readonly person?: string
  }
  /** Headers to send beside those of the app, such as what a declared proxy would add. */
  readonly headers?: Readonly<Record<string, string>>
}

/** How a probe becomes an ordinary user of the app, over public HTTP only. */
export interface Canary {
  /**
   * A new account; with `tenant`, in that organisation, else in one of its own. Null where the app has
   * nobody with that role, or lets nobody join: the probe then says what it could not try.
   */
  createPerson(site: {
    url: string
    tag: string
    role: string
    tenant?: string
  }): Promise<CanaryPerson | null>
  /** Null where the app has no such route: the probe then says so instead of guessing. */
  request(site: { url: string }, person: CanaryPerson, intent: CanaryIntent): Promise<Response | null>
  /**
   * The same request of somebody whom the app does not know: it carries no cookie, key or token but what
   * the intent's `headers` hold. Null as in `request`. Left out: the promise says that visitors were not tried.
   */
  visit?(site: { url: string }, intent: CanaryIntent): Promise<Response | null>
  remove(site: { url: string }, person: CanaryPerson): Promise<void>
  /** How a request carries an API key of the library. Default: `Authorization: Bearer` with the key. */
  keyHeaders?(key: string): Readonly<Record<string, string>>
  /**
   * Signs the person in through a provider of `signIn`, as a browser does; gives a `Cookie` header.
   * Null where it cannot at this provider: the probe then says so.
   */
  signIn?(site: { url: string }, person: CanaryPerson, providerId: string): Promise<string | null>
}

/** RFC 9116 and the policy behind it. */
export interface Disclosure {
  /** `mailto:`, `https:` or `tel:` URIs, in order of preference. */
  readonly contact: readonly string[]
  readonly policy?: string
  readonly acknowledgments?: string
  readonly languages?: readonly string[]
}

/** Something of a request besides its body that the system uses, for the public data list. */
export interface RequestInput {
  /** `User-Agent` header, network address. */
  readonly name: string
  readonly why: string
  /** What becomes of it: `not stored`, `stored sealed as editor`. */
  readonly kept: string
}

/** Backups of the system. */
export interface BackupPolicy {
  readonly every: Duration
  /** B: greatest age of any backup, write-ahead-log archive or branch of the database. */
  readonly keep: Duration
}

/**
 * How long keys live, and how long the end of an epoch may take. The letters are those of the two
 * inequalities that `surety check` holds: `p+L+R+S+W+V+c` within what `erasure.production` promises,
 * `p+D+R+B+S+W+V+c` within what `erasure.backups` does.
 */
export interface KeyPolicy extends KeyProviderSettings {
  /** L: a live epoch; what is deleted in it opens nowhere in production after it. Default `"6h"`. */
  readonly liveEpoch: Duration
  /** D: a backup epoch; its key lives as long as the backups of that epoch do. Default `"1d"`. */
  readonly backupEpoch: Duration
  /** R: rewrapping at an epoch's end, with the longest transaction and the lag of replicas. Default `"30m"`. */
  readonly rewrap?: Duration
  /** S: retries of what failed at first. Default `"30m"`. */
  readonly retries?: Duration
  /** W: how long the key provider waits before it destroys a key; AWS KMS at least `"7d"`. Default, and the least: what the provider says. */
  readonly providerWait?: Duration
  /** V: life of the provider's own copies and of disk snapshots with the keys on them. Default `"0s"`. */
  readonly copies?: Duration
  /** c: greatest difference between the clocks of app and database; beyond it nothing is destroyed. Default `"1m"`. */
  readonly clockError?: Duration
}

/** The erasure of a person. */
export interface ErasurePolicy {
  /** p: from the confirmed request until the data key is deleted, a cooling-off included. Default `"1h"`. */
  readonly deleteKeyWithin: Duration
}

/** Somebody else who confirms that all visitors see the same evidence log. */
export interface WitnessConfig {
  /** Where it answers `add-checkpoint` (C2SP tlog-witness): https, or http on this machine. */
  readonly url: string
  /** Its key as it prints it: name+8 hex digits+base64. */
  readonly vkey: string
}

/** Proxies before the app: only what they say of a client's address is believed. */
export interface ProxySettings {
  /** Their addresses, or ranges such as `127.0.0.1/32` or `2001:db8:1::/48`. */
  readonly addresses: readonly string[]
  /** The header that each of them extends, and no client can set past them. Default `"x-forwarded-for"`. */
  readonly header?: 'x-forwarded-for' | 'forwarded'
}

/** The configuration of one system, checked by {@link defineSurety}. */
export interface SuretyConfig<Resources extends ResourceMap = ResourceMap> {
  readonly name: string
  /** The evidence log's origin is `<origin>/evidence`: chosen once, never derived from host or port. */
  readonly origin: string
  /** The security page, as a path from the working directory or a file URL. */
  readonly page: string | URL
  readonly resources: Resources
  readonly roles: { readonly [role: string]: readonly PermissionText[] }
  readonly backups?: BackupPolicy
  readonly keys?: KeyPolicy
  readonly erasure?: ErasurePolicy
  readonly disclosure?: Disclosure
  /** Headers and other parts of a request that are used. Default none. */
  readonly requestInputs?: readonly RequestInput[]
  readonly canary?: Canary
  /** The library's own sign-in. Default: none. */
  readonly signIn?: SignInConfig
  /** Who sends a request, by a login of the app's own; null for nobody. Instead of `signIn`. */
  readonly identify?: (request: Request) => Promise<IdentifiedPerson | null>
  /**
   * Default none: a client's address is the connection's own, and headers about it count for nothing. Behind a
   * proxy that is not declared all people share one address, and what it may guess.
   */
  readonly proxies?: ProxySettings
  /** Witnesses of the evidence log, at most 15. Default none: the page then says *unwitnessed*. */
  readonly witnesses?: readonly WitnessConfig[]
  /** Staff and their roles. Default none: operators then reach nothing. */
  readonly staff?: StaffConfig
  /**
   * Takes letters to people over: links that confirm an address, set a new password, invite to an organisation.
   * Default none: then none of that is offered.
   */
  readonly mail?: MailPort
}
