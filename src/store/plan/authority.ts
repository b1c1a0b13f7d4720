import { ParensNode, type OperationNode } from 'kysely'
import {
  columnsOf,
  decide,
  grantOf,
  personOf,
  tenantOf,
  type Columns,
  type Principal,
  type Roles,
} from '../../access/index.ts'
import { envelopesOf, IMPLICIT_COLUMNS, tenantColumn } from '../../declare/index.ts'
import type { Action, Resource, Scope } from '../../declare/index.ts'
import { KEYS_SETTING, settingName, SUBJECT_SETTING, TENANT_SETTING } from '../../database/index.ts'
import { describeName, StoreError } from '../errors.ts'
import { anyOf, both, columnOf, equals } from './table.ts'

/** What the planner knows about its principal; the same for all of its statements. */
export interface Policy {
  readonly principal: Principal
  readonly roles: Roles
  readonly resources: ReadonlyMap<string, Resource>
  /** False only in tests that show row-level security holding alone. */
  readonly predicates: boolean
  /** Told of the code of each refusal for want of a permission. */
  readonly onRefused?: (code: string) => void
}

/** What binds rows to the principal within a scope; null where nothing does. */
export interface Bindings {
  readonly tenant: { readonly column: string; readonly value: string } | null
  /** The principal is the subject of the row: one of these columns holds its id. */
  readonly person: { readonly columns: readonly string[]; readonly id: string } | null
}

const NARROWEST_FIRST: readonly Scope[] = ['own', 'tenant', 'any']

/** The fields that a statement reads and writes, as far as they are known. */
export class ColumnNeeds {
  readonly #columns = new Map<string, Set<string>>()

  of(resource: Resource, action: Action): ReadonlySet<string> {
    return this.#columns.get(`${action} ${resource.name}`) ?? NONE
  }

  /** True when it was not known yet. `id` and `createdAt` come with every permission. */
  add(resource: Resource, action: Action, column: string): boolean {
    if (IMPLICIT_COLUMNS.some((implicit) => implicit === column)) return false
    const known = this.#columns.get(`${action} ${resource.name}`) ?? new Set<string>()
    if (known.has(column)) return false
    this.#columns.set(`${action} ${resource.name}`, known.add(column))
    return true
  }
}

const NONE: ReadonlySet<string> = new Set()

/** A field is allowed in a narrower scope only than was planned with: the statement is planned again. */
export class Narrowed extends Error {}

/**
 * The permissions that one statement draws on: asked for while it is planned, and handed to
 * row-level security as settings when it runs.
 *
 * Where permissions are limited to columns, a statement reaches the rows of the widest scope that
 * allows every field it names, wherever it names it: a field that is allowed for fewer rows takes the
 * whole statement to those.
 */
export class Authority {
  readonly #policy: Policy
  readonly #needs: ColumnNeeds
  readonly #uses = new Map<Resource, Map<Action, Scope>>()

  constructor(policy: Policy, needs: ColumnNeeds = new ColumnNeeds()) {
    this.#policy = policy
    this.#needs = needs
  }

  get principal(): Principal {
    return this.#policy.principal
  }

  /** @throws StoreError `ERR_STORE_UNKNOWN_TABLE` */
  resource(name: string): Resource {
    const resource = this.#policy.resources.get(name)
    if (!resource)
      throw new StoreError('ERR_STORE_UNKNOWN_TABLE', `no resource ${describeName(name)} is declared`)
    return resource
  }

  /**
   * The scope of the principal's permission, recorded as used.
   * @throws StoreError `ERR_STORE_FORBIDDEN`
   */
  permit(resource: Resource, action: Action): Scope {
    const { principal, roles } = this.#policy
    const columns = this.#needs.of(resource, action)
    const scope = decide(principal, roles, resource, action, columns)
    if (scope === null) {
      const fields = columns.size === 0 ? '' : `: ${[...columns].join(', ')}`
      throw new StoreError(
        'ERR_STORE_FORBIDDEN',
        `no role of this ${principal.kind} allows to ${action} ${resource.name}${fields}`,
      )
    }
    const uses = this.#uses.get(resource) ?? new Map<Action, Scope>()
    this.#uses.set(resource, uses.set(action, scope))
    return scope
  }

  /**
   * Says that the statement reads or writes these fields of a resource.
   * @throws StoreError `ERR_STORE_FORBIDDEN`
   * @throws Narrowed
   */
  need(resource: Resource, action: Action, columns: Iterable<string>): void {
    let isNew = false
    for (const column of columns) isNew = this.#needs.add(resource, action, column) || isNew
    const planned = this.#uses.get(resource)?.get(action)
    if (isNew && planned !== undefined && this.permit(resource, action) !== planned) throw new Narrowed()
  }

  /** The fields that the principal may read or write within the scope that is planned with. */
  columns(resource: Resource, action: Action): Columns {
    const { principal, roles } = this.#policy
    return columnsOf(principal, roles, resource, action, this.permit(resource, action))
  }

  /** The narrowest of several permissions: rows that all of them reach. */
  permitAll(resource: Resource, actions: readonly Action[]): Scope {
    const scopes = actions.map((action) => this.permit(resource, action))
    return NARROWEST_FIRST.find((scope) => scopes.includes(scope)) ?? 'any'
  }

  /** The fields that an operator's grant lists; null where it lists none, and for everybody else. */
  granted(resource: Resource): readonly string[] | null {
    return grantOf(this.principal)?.resources[resource.name] ?? null
  }

  bindings(resource: Resource, scope: Scope): Bindings {
    if (scope === 'any') return { tenant: null, person: null }
    const tenant = { column: tenantColumn(resource)!, value: tenantOf(this.principal, resource)! }
    if (scope === 'tenant') return { tenant, person: null }
    return {
      tenant,
      person: { columns: resource.subjects.map(({ column }) => column), id: personOf(this.principal)! },
    }
  }

  /**
   * Columns and values of rows that the principal may read, to fetch again what a statement found in
   * reach. Where a row has several subjects, which of them the principal is was asked by then.
   */
  reach(resource: Resource): ReadonlyMap<string, string> {
    const reach = new Map<string, string>()
    if (!this.#policy.predicates) return reach
    const { tenant, person } = this.bindings(resource, this.permit(resource, 'read'))
    if (tenant) reach.set(tenant.column, tenant.value)
    if (person?.columns.length === 1) reach.set(person.columns[0]!, person.id)
    return reach
  }

  /** The condition on `alias` for the rows in scope; null for all rows. */
  predicate(resource: Resource, alias: string, scope: Scope): OperationNode | null {
    if (!this.#policy.predicates) return null
    const { tenant, person } = this.bindings(resource, scope)
    const tenants = tenant && equals(columnOf(alias, tenant.column), tenant.value)
    const others = person?.columns.filter((column) => column !== tenant?.column) ?? []
    const persons = anyOf(others.map((column) => equals(columnOf(alias, column), person!.id)))
    return both(tenants, others.length > 1 ? ParensNode.create(persons!) : persons)
  }

  /**
   * The tenant whose key makes a blind index; null for an installation's.
   * @throws StoreError `ERR_STORE_BLIND_SCOPE` where rows of several tenants are in reach
   */
  blindTenant(resource: Resource, field: string): string | null {
    if (resource.fields[field]!.index === 'blind-installation') return null
    if (this.permit(resource, 'read') === 'any') {
      throw new StoreError(
        'ERR_STORE_BLIND_SCOPE',
        `${resource.name}.${field} is indexed per tenant, and this principal reads every tenant`,
      )
    }
    return tenantOf(this.principal, resource)
  }

  /** Names of the tables in use, for logs and traces. */
  get tables(): string[] {
    return [...this.#uses.keys()].map((resource) => resource.name)
  }

  /** The transaction-local settings that row-level security reads. */
  get settings(): ReadonlyMap<string, string> {
    const settings = new Map<string, string>()
    const { tenant } = this.principal
    const person = personOf(this.principal)
    if (tenant !== null) settings.set(TENANT_SETTING, tenant)
    if (person !== null) settings.set(SUBJECT_SETTING, person)
    for (const [resource, uses] of this.#uses) {
      for (const [action, scope] of uses) {
        settings.set(settingName(action, resource.name), scope)
        if (scope === 'any' && envelopesOf(resource).length > 0) settings.set(KEYS_SETTING, 'any')
      }
    }
    return settings
  }
}
