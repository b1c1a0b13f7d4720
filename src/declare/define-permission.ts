import { DeclareError } from './errors.ts'
import type { Action, Permission, Scope } from './permission.ts'

const ACTIONS: readonly Action[] = ['read', 'write', 'delete']
const SCOPES: readonly Scope[] = ['own', 'tenant', 'any']

/**
 * The parts of `'heartbeats:read:own'`; `*` as action stands for read, write and delete.
 * @throws DeclareError `ERR_DECLARE_PERMISSION`
 */
export function parsePermission(text: string): Permission {
  const [resource, action, scope, ...rest] = text.split(':')
  const actions = action === '*' ? ACTIONS : ACTIONS.filter((known) => known === action)
  const known = SCOPES.find((candidate) => candidate === scope)
  if (!resource || actions.length === 0 || !known || rest.length > 0) {
    throw new DeclareError('ERR_DECLARE_PERMISSION', `not a permission: ${JSON.stringify(text)}`)
  }
  return { resource, actions, scope: known }
}
