import type { Duration } from '../kernel/index.ts'
import type { KeyProviderSettings } from './key-provider.ts'
import type { PermissionText } from './permission.ts'
import type { Resource } from './resource.ts'

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
  readonly action: 'create' | 'list' | 'read' | 'delete'
  readonly resource: string
  /** Values for `create`, by field name. */
  readonly values?: Readonly<Record<string, unknown>>
  /** An undeclared member to smuggle in, and where. */
  readonly undeclared?: {
    readonly name: string
    readonly value: string
    readonly place: 'body' | 'header' | 'query'
  }
  /** The row that `read` and `delete` are about. */
  readonly id?: string
}

/** How a probe becomes an ordinary user of the app, over public HTTP only. */
export interface Canary {
  createPerson(site: { url: string; tag: string; role: string }): Promise<CanaryPerson>
  /** Null where the app has no such route: the probe then says so instead of guessing. */
  request(site: { url: string }, person: CanaryPerson, intent: CanaryIntent): Promise<Response | null>
  remove(site: { url: string }, person: CanaryPerson): Promise<void>
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

/** The configuration of one system, checked by {@link defineSurety}. */
export interface SuretyConfig<Resources extends ResourceMap = ResourceMap> {
  readonly name: string
  /** The evidence log's origin is `<origin>/evidence`: chosen once, never derived from host or port. */
  readonly origin: string
  /** The security page, as a path from the working directory or a file URL. */
  readonly page: string | URL
  readonly resources: Resources
  readonly roles: { readonly [role: string]: readonly PermissionText[] }
  readonly backups?: { readonly every: Duration; readonly keep: Duration }
  readonly keys?: { readonly liveEpoch: Duration; readonly backupEpoch: Duration } & KeyProviderSettings
  readonly disclosure?: Disclosure
  /** Headers and other parts of a request that are used. Default none. */
  readonly requestInputs?: readonly RequestInput[]
  readonly canary?: Canary
}
