import { DeclareError } from './errors.ts'
import type { Action, Permission, PermissionText, Scope } from './permission.ts'

/** Every action, in the order in which permissions are written. */
export const ACTIONS: readonly Action[] = ['read', 'write', 'delete']

const FORM = /^([^:()]+):(\*|read|write|delete):(own|tenant|any)(?:\(([^()]*)\))?$/
const COLUMN = /^[a-z][A-Za-z0-9]{0,39}$/

/**
 * The parts of `'heartbeats:read:own'` or `'heartbeats:read:tenant(time,language)'`; `*` as action
 * stands for read, write and delete.
 *
 * @throws DeclareError `ERR_DECLARE_PERMISSION`
 */
export function parsePermission(text: string): Permission {
  const [, resource, action, scope, list] = FORM.exec(text) ?? refuse(text)
  const actions = action === '*' ? ACTIONS : ACTIONS.filter((known) => known === action)
  const columns = list === undefined ? null : list.split(',').map((name) => name.trim())
  const named =
    columns === null ||
    (columns.every((name) => COLUMN.test(name)) && new Set(columns).size === columns.length)
  if (!named || (columns !== null && actions.includes('delete'))) refuse(text)
  return { resource: resource!, actions, scope: scope as Scope, columns }
}

/** The texts of a permission, one for each action. */
export function formatPermission({ resource, actions, scope, columns }: Permission): PermissionText[] {
  const list = columns === null ? '' : `(${columns.join(',')})`
  return actions.map((action): PermissionText => `${resource}:${action}:${`${scope}${list}` as Scope}`)
}

function refuse(text: string): never {
  throw new DeclareError('ERR_DECLARE_PERMISSION', `not a permission: ${JSON.stringify(text).slice(0, 200)}`)
}
