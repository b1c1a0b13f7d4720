import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACTIONS, type Permission, type Scope } from '../declare/index.ts'
import { NO_PERMISSIONS, PermissionSet } from './permission-set.ts'

const FIELDS = ['time', 'language', 'entity']
const SCOPES: readonly Scope[] = ['own', 'tenant', 'any']

const permission = fc
  .record({
    resource: fc.constantFrom('heartbeats', 'people'),
    action: fc.constantFrom(...ACTIONS),
    scope: fc.constantFrom(...SCOPES),
    columns: fc.option(fc.subarray(FIELDS, { minLength: 1 })),
  })
  .map(({ resource, action, scope, columns }): Permission => {
    return { resource, actions: [action], scope, columns: action === 'delete' ? null : columns }
  })
const permissions = fc.array(permission, { maxLength: 8 })

/** What a plain reading of the list allows: a row in that scope, that field of it. */
function allows(list: readonly Permission[], resource: string, action: string, row: Scope, field: string) {
  return list.some(
    (one) =>
      one.resource === resource &&
      one.actions.some((each) => each === action) &&
      SCOPES.indexOf(one.scope) >= SCOPES.indexOf(row) &&
      (one.columns === null || one.columns.includes(field)),
  )
}

/** Everything that can be asked. `later` is a field that nobody listed. */
function everyQuestion(
  ask: (resource: string, action: (typeof ACTIONS)[number], row: Scope, field: string) => void,
) {
  for (const resource of ['heartbeats', 'people', 'teams'])
    for (const action of ACTIONS)
      for (const row of SCOPES) for (const field of [...FIELDS, 'later']) ask(resource, action, row, field)
}

function has(
  set: PermissionSet,
  resource: string,
  action: (typeof ACTIONS)[number],
  row: Scope,
  field: string,
) {
  const columns = set.columns(resource, action, row)
  return columns === null || columns?.has(field) === true
}

describe('a set of permissions', () => {
  test('allows what one of them allows, and nothing else', () => {
    fc.assert(
      fc.property(permissions, (list) => {
        const set = PermissionSet.of(list)
        everyQuestion((...question) => expect(has(set, ...question)).toBe(allows(list, ...question)))
      }),
    )
  })

  test('says the same when it is written out and read again', () => {
    fc.assert(
      fc.property(permissions, (list) => {
        const set = PermissionSet.of(list)
        expect(PermissionSet.parse(set.texts).key).toBe(set.key)
        everyQuestion((...question) =>
          expect(has(PermissionSet.parse(set.texts), ...question)).toBe(has(set, ...question)),
        )
      }),
    )
  })

  test('lacks nothing of another one exactly where it allows everything that the other does', () => {
    fc.assert(
      fc.property(permissions, permissions, (mine, asked) => {
        const [held, wanted] = [PermissionSet.of(mine), PermissionSet.of(asked)]
        let covered = true
        everyQuestion((...question) => {
          if (has(wanted, ...question) && !has(held, ...question)) covered = false
        })
        expect(held.lacks(wanted).length === 0).toBe(covered)
      }),
    )
  })

  test('shares with another one what both allow, and joins what either does', () => {
    fc.assert(
      fc.property(permissions, permissions, (left, right) => {
        const [a, b] = [PermissionSet.of(left), PermissionSet.of(right)]
        const [shared, joined] = [a.intersection(b), a.union(b)]
        everyQuestion((...question) => {
          expect(has(shared, ...question)).toBe(has(a, ...question) && has(b, ...question))
          expect(has(joined, ...question)).toBe(has(a, ...question) || has(b, ...question))
        })
      }),
    )
  })

  test('has one key for whatever allows the same', () => {
    const [short, long] = [
      ['heartbeats:*:tenant'],
      [
        'heartbeats:delete:tenant',
        'heartbeats:write:tenant',
        'heartbeats:write:own(time)',
        'heartbeats:read:tenant',
        'heartbeats:read:own',
      ],
    ]
    expect(PermissionSet.parse(short).key).toBe(PermissionSet.parse(long).key)
    expect(NO_PERMISSIONS.key).toBe('')
  })

  test('lacks the whole row where it holds every field that there is now', () => {
    const held = PermissionSet.parse(['heartbeats:read:tenant(entity,language,time)'])
    expect(held.lacks(PermissionSet.parse(['heartbeats:read:own']))).toHaveLength(1)
  })
})
