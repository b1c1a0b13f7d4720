import { NO_PERMISSIONS, PermissionSet } from './permission-set.ts'

/** Lists of roles that are kept; people of one product have few. */
const MOST_LISTS = 4_096
const lists = new Map<string, readonly string[]>()

/** One frozen list for all that name the same roles in the same order, as long as there are not too many. */
export function internRoles(names: readonly string[]): readonly string[] {
  const key = names.join('\0')
  const known = lists.get(key)
  // A name could itself hold what joins them.
  if (known?.length === names.length && known.every((name, i) => name === names[i])) return known
  const list = Object.freeze([...names])
  if (lists.size >= MOST_LISTS) lists.clear()
  lists.set(key, list)
  return list
}

/** The configuration's roles, compiled once: a set of permissions for each, and for each list of them. */
export class Roles {
  readonly #byName: ReadonlyMap<string, PermissionSet>
  readonly #byList = new WeakMap<readonly string[], PermissionSet>()

  constructor(byName: ReadonlyMap<string, PermissionSet>) {
    this.#byName = byName
  }

  has(role: string): boolean {
    return this.#byName.has(role)
  }

  /** What these roles allow together; a name that is no role allows nothing. */
  allow(names: readonly string[]): PermissionSet {
    return this.#byList.get(names) ?? this.#combine(names)
  }

  #combine(names: readonly string[]): PermissionSet {
    const sets = names.map((name) => this.#byName.get(name) ?? NO_PERMISSIONS)
    const [first = NO_PERMISSIONS, ...others] = sets
    const combined = others.length === 0 ? first : PermissionSet.of(sets.flatMap((set) => set.permissions))
    // A list that may still change is read each time.
    if (Object.isFrozen(names)) this.#byList.set(names, combined)
    return combined
  }
}

/**
 * Compiles a configuration's role table.
 * @throws DeclareError `ERR_DECLARE_PERMISSION`
 */
export function parseRoles(roles: { readonly [role: string]: readonly string[] }): Roles {
  return new Roles(new Map(Object.entries(roles).map(([role, texts]) => [role, PermissionSet.parse(texts)])))
}
