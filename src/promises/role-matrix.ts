import { PermissionSet, type Columns } from '../access/index.ts'
import {
  parsePermission,
  tenantColumn,
  type Action,
  type Resource,
  type Scope,
  type SuretyConfig,
} from '../declare/index.ts'

/** Whose row it is, as seen by who asks: their own, a colleague's in the same tenant, another tenant's. */
export type Whose = 'own' | 'tenant' | 'any'

const WHOSE: readonly Whose[] = ['own', 'tenant', 'any']

const WORDS: Readonly<Record<Whose, string>> = {
  own: 'its own',
  tenant: 'a colleague’s',
  any: 'another tenant’s',
}

/** A trial in words: `member can read a colleague’s row of notes`. */
export function describeTrial(
  role: string,
  { allowed, what, whose, resource }: { allowed: boolean; what: string; whose: Whose; resource: string },
): string {
  return `${role} ${allowed ? 'can' : 'cannot'} ${what} ${WORDS[whose]} row of ${resource}`
}

/** A colleague needs a tenant shared by several people; a plain table has no owners at all. */
export function possibleRows(resource: Resource): readonly Whose[] {
  if (tenantColumn(resource) === null) return ['any']
  return WHOSE.filter((whose) => whose !== 'tenant' || resource.tenant !== null).filter(
    (whose) => whose !== 'own' || resource.subjects.length > 0,
  )
}

const REACH: Readonly<Record<Scope, readonly Whose[]>> = {
  own: ['own'],
  tenant: ['own', 'tenant'],
  any: WHOSE,
}

/** What the matrix says, read from its text and not by the code that decides. */
export function isDeclared(
  { roles }: SuretyConfig,
  role: string,
  { name }: Resource,
  action: Action,
  whose: Whose,
): boolean {
  return (roles[role] ?? [])
    .map(parsePermission)
    .some(
      ({ resource, actions, scope }) =>
        resource === name && actions.includes(action) && REACH[scope].includes(whose),
    )
}

/** The fields that a role may read or write in such a row: null for all, undefined where it may not at all. */
export function declaredColumns(
  { roles }: SuretyConfig,
  role: string,
  { name }: Resource,
  action: Action,
  whose: Whose,
): Columns | undefined {
  return PermissionSet.parse(roles[role] ?? []).columns(name, action, whose)
}
