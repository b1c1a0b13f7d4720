import type { Duration } from '../kernel/index.ts'

/** What staff of one role may ask for and decide. Nothing that is not said. */
export interface StaffRole {
  /** Resources whose rows they may ask to read. Default none. */
  readonly reads?: readonly string[]
  /** Resources whose rows they may ask to change, too. Default none. */
  readonly changes?: readonly string[]
  /** Kinds of grant that they may ask for. Default `['support']`. */
  readonly kinds?: readonly ('support' | 'break-glass' | 'impersonation')[]
  /** Roles whose requests they may approve. Default none. */
  readonly approves?: readonly string[]
  /** True: they may review what somebody did after breaking the glass. Default false. */
  readonly reviews?: boolean
  /** Roles that they may give to new staff, and whose staff they may dismiss. Default none. */
  readonly appoints?: readonly string[]
  /** Declared queries that they may run, by name. Default none. */
  readonly counts?: readonly string[]
}

/** A count over everybody that staff may have without a grant: only of groups large enough. */
export interface StaffQuery {
  readonly resource: string
  /** Clear fields that rows are grouped by; none counts all. */
  readonly groupBy: readonly string[]
  /** What the count is for, in words. */
  readonly purpose: string
}

/** A right over the system that no grant limits: who holds it, and until when. */
export interface PrivilegedHolding {
  readonly right: 'database' | 'host' | 'deploy' | 'keys'
  /** The holder’s position, never a name: the page shows it. */
  readonly holder: string
  /** Last day of it, `YYYY-MM-DD`. */
  readonly until: string
}

/** Staff, what they may do, and what is known about those whom nothing here can stop. */
export interface StaffConfig {
  readonly roles: { readonly [role: string]: StaffRole }
  /** Where staff approve with their passkeys. Default: the configured origin’s host over https. */
  readonly passkeys?: { readonly id: string; readonly origins: readonly string[] }
  readonly queries?: { readonly [name: string]: StaffQuery }
  /** People that a counted group has at least. Default 10, at least 5. */
  readonly leastGroup?: number
  /** Declared queries that one member may run in 24 hours. Default 20. */
  readonly dailyQueries?: number
  /** How long after a break-glass its review is due. Default `"24h"`. */
  readonly reviewWithin?: Duration
  /** Database roles besides the library’s own that are known to exist, such as a backup tool’s. */
  readonly databaseRoles?: readonly string[]
  /** The register of those with rights beyond grants, and the day it was last gone through. */
  readonly privileged?: { readonly reviewed: string; readonly holdings: readonly PrivilegedHolding[] }
}
