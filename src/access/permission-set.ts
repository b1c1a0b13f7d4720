import { ACTIONS, formatPermission, parsePermission } from '../declare/index.ts'
import type { Action, Permission, PermissionText, Scope } from '../declare/index.ts'

/** Fields that may be read or written: null for all of them. */
export type Columns = ReadonlySet<string> | null

/** Every scope, the widest first. */
export const WIDEST_FIRST: readonly Scope[] = ['any', 'tenant', 'own']

/** The bit of a scope: a wider one is greater. */
export const SCOPE_BIT: Readonly<Record<Scope, number>> = { own: 1, tenant: 2, any: 4 }

/** Fields by scope. A narrower one has those of the wider ones, too: one's own row is one of the tenant's. */
export type ColumnsByScope = Readonly<Record<Scope, Columns>>

/** Resources are numbered as they are first met, so that a set takes two bytes for each. */
const numbers = new Map<string, number>()

function numberOf(resource: string): number {
  const number = numbers.get(resource) ?? numbers.size
  if (number === numbers.size) numbers.set(resource, number)
  return number
}

const SHIFT: Readonly<Record<Action, number>> = { read: 0, write: 3, delete: 6 }
const SCOPES = 7

/**
 * Permissions in the form in which they are asked: by resource and action, the bits of the scopes that
 * some permission names and of all narrower ones. Immutable. Two sets that allow the same have the same
 * `key`.
 */
export class PermissionSet {
  readonly #scopes: Uint16Array
  /** By action and resource, where not every scope has all columns. */
  readonly #columns: ReadonlyMap<string, ColumnsByScope> | null
  readonly #resources: readonly string[]
  #key: string | null = null

  private constructor(permissions: Iterable<Permission>) {
    const grouped = Map.groupBy(permissions, ({ resource }) => resource)
    const columns = new Map<string, ColumnsByScope>()
    this.#resources = [...grouped.keys()].toSorted()
    this.#scopes = new Uint16Array(Math.max(-1, ...this.#resources.map(numberOf)) + 1)
    for (const [resource, all] of grouped) {
      for (const action of ACTIONS) {
        const own = all.filter(({ actions }) => actions.includes(action))
        const widest = Math.max(0, ...own.map(({ scope }) => SCOPE_BIT[scope]))
        this.#scopes[numberOf(resource)]! |= Math.max(0, widest * 2 - 1) << SHIFT[action]
        if (own.some((permission) => permission.columns !== null))
          columns.set(`${action} ${resource}`, columnsByScope(own))
      }
    }
    this.#columns = columns.size === 0 ? null : columns
  }

  static of(permissions: Iterable<Permission>): PermissionSet {
    return new PermissionSet(permissions)
  }

  /** @throws DeclareError `ERR_DECLARE_PERMISSION` */
  static parse(texts: readonly string[]): PermissionSet {
    return new PermissionSet(texts.map((text) => parsePermission(text)))
  }

  /** Bits of the scopes in which the action is allowed on some columns; 0 for none. */
  scopes(resource: string, action: Action): number {
    const number = numbers.get(resource)
    return number === undefined ? 0 : ((this.#scopes[number] ?? 0) >> SHIFT[action]) & SCOPES
  }

  /** The fields by scope; null where every scope is about all of them. */
  limits(resource: string, action: Action): ColumnsByScope | null {
    return this.#columns?.get(`${action} ${resource}`) ?? null
  }

  /** The fields that may be read or written in a scope; undefined where nothing may. */
  columns(resource: string, action: Action, scope: Scope): Columns | undefined {
    if ((this.scopes(resource, action) & SCOPE_BIT[scope]) === 0) return undefined
    const limits = this.limits(resource, action)
    return limits === null ? null : limits[scope]
  }

  /** The least permissions that say the same: one for each resource, action and scope that adds something. */
  get permissions(): readonly Permission[] {
    return this.#resources.flatMap((resource) =>
      ACTIONS.flatMap((action) =>
        WIDEST_FIRST.flatMap((scope, i): Permission[] => {
          const columns = this.columns(resource, action, scope)
          const wider = i === 0 ? undefined : this.columns(resource, action, WIDEST_FIRST[i - 1]!)
          if (columns === undefined || (wider !== undefined && isWithin(columns, wider))) return []
          return [{ resource, actions: [action], scope, columns: columns && [...columns].toSorted() }]
        }),
      ),
    )
  }

  get texts(): readonly PermissionText[] {
    return this.permissions.flatMap(formatPermission)
  }

  get key(): string {
    return (this.#key ??= this.texts.join(' '))
  }

  /** What `other` allows and this set does not; empty where it holds all of `other`. */
  lacks(other: PermissionSet): readonly Permission[] {
    return other.permissions.filter(({ resource, actions, scope, columns }) => {
      const held = this.columns(resource, actions[0]!, scope)
      return held === undefined || !isWithin(columns && new Set(columns), held)
    })
  }

  union(other: PermissionSet): PermissionSet {
    return PermissionSet.of([...this.permissions, ...other.permissions])
  }

  /** What both allow. */
  intersection(other: PermissionSet): PermissionSet {
    const both: Permission[] = []
    for (const resource of this.#resources) {
      for (const action of ACTIONS) {
        for (const scope of WIDEST_FIRST) {
          const mine = this.columns(resource, action, scope)
          const theirs = other.columns(resource, action, scope)
          if (mine === undefined || theirs === undefined) continue
          const columns = intersect(mine, theirs)
          if (columns === null || columns.size > 0)
            both.push({ resource, actions: [action], scope, columns: columns && [...columns] })
        }
      }
    }
    return PermissionSet.of(both)
  }
}

export const NO_PERMISSIONS = PermissionSet.of([])

/** True when the whole has every column of the part. */
export function isWithin(part: Columns, whole: Columns): boolean {
  if (whole === null) return true
  if (part === null) return false
  for (const column of part) if (!whole.has(column)) return false
  return true
}

function intersect(left: Columns, right: Columns): Columns {
  if (left === null) return right
  return right === null ? left : new Set([...left].filter((column) => right.has(column)))
}

function columnsByScope(permissions: readonly Permission[]): ColumnsByScope {
  const within = (scope: Scope): Columns =>
    columnsOf(permissions.filter((permission) => SCOPE_BIT[permission.scope] >= SCOPE_BIT[scope]))
  return { own: within('own'), tenant: within('tenant'), any: within('any') }
}

function columnsOf(permissions: readonly Permission[]): Columns {
  if (permissions.some(({ columns }) => columns === null)) return null
  return new Set(permissions.flatMap(({ columns }) => columns ?? []))
}
