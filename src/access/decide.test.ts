import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { field, resource, type Action, type Scope } from '../declare/index.ts'
import { decide, freezePrincipal, parseRoles, systemPrincipal, tenantOf, type Principal } from './index.ts'

const ID = '018f3c1e-0000-7000-8000-000000000001'
const TEAM = '018f3c1e-0000-7000-8000-00000000000a'

const base = { purpose: 'to test', basis: 'contract', retention: 'account' } as const
const fields = { personId: field.id(), teamId: field.id(), note: field.text('a note', { max: 9 }) }
const resources = {
  heartbeats: resource({ ...base, name: 'heartbeats', subject: 'personId', tenant: 'teamId', fields }),
  people: resource({ ...base, name: 'people', subject: 'personId', fields }),
  teams: resource({ ...base, name: 'teams', tenant: 'teamId', fields }),
  rates: resource({ ...base, name: 'rates', fields }),
  reviews: resource({
    ...base,
    name: 'reviews',
    subjects: { personId: 'delete', reviewerId: 'blank' },
    tenant: 'teamId',
    fields: {
      personId: field.id(),
      reviewerId: field.id('who reviews', { optional: true }),
      teamId: field.id(),
      note: field.text('a note', { max: 9, about: 'personId' }),
    },
  }),
}

interface Case {
  who: string
  kind: Principal['kind']
  tenant?: null
  roles: string[]
  grant?: string
  resource: keyof typeof resources
  action: Action
  scope: Scope | null
}

const file = JSON.parse(
  readFileSync(new URL('../../test/cases/access.decide.json', import.meta.url), 'utf8'),
) as {
  roles: Record<string, string[]>
  cases: Case[]
}
const roles = parseRoles(file.roles)

describe('decide', () => {
  test('has cases to look at', () => {
    expect(file.cases.length).toBeGreaterThan(20)
  })

  test.each(file.cases)(
    '$who: $action $resource is $scope',
    ({ kind, tenant, grant, resource: name, action, scope, ...rest }) => {
      const principal: Principal = {
        kind,
        id: ID,
        tenant: tenant === null ? null : TEAM,
        roles: rest.roles,
        ...(grant && { grant }),
      }
      expect(decide(principal, roles, resources[name], action)).toBe(scope)
    },
  )

  test('refuses everything to everybody where no role is declared', () => {
    for (const kind of ['user', 'operator', 'anonymous', 'system'] as const) {
      const principal: Principal = { kind, id: ID, tenant: TEAM, roles: ['member'] }
      expect(decide(principal, parseRoles({}), resources.rates, 'read')).toBeNull()
    }
  })

  test('refuses a role table with a permission that means nothing', () => {
    expect(() => parseRoles({ member: ['heartbeats:read'] })).toThrow(
      expect.objectContaining({ code: 'ERR_DECLARE_PERMISSION' }),
    )
  })
})

describe('a system principal', () => {
  const task = systemPrincipal('retention', ['heartbeats'])

  test('reaches every tenant of the tables it names, and no other table', () => {
    expect(decide(task, roles, resources.heartbeats, 'delete')).toBe('any')
    expect(decide(task, roles, resources.people, 'read')).toBeNull()
  })

  test('loses its authority when it is copied', () => {
    expect(decide({ ...task }, roles, resources.heartbeats, 'read')).toBeNull()
    expect(() => freezePrincipal({ ...task })).toThrow(expect.objectContaining({ code: 'ERR_ACCESS_SYSTEM' }))
    expect(freezePrincipal(task)).toBe(task)
  })

  test('does not change with the list it was made from', () => {
    const tables = ['rates']
    const made = systemPrincipal('rates', tables)
    tables.push('people')
    expect(decide(made, roles, resources.people, 'read')).toBeNull()
    expect(Object.isFrozen(made)).toBe(true)
  })
})

describe('freezePrincipal', () => {
  const valid: Principal = { kind: 'user', id: ID, tenant: TEAM, roles: ['member'] }

  test('is out of reach of later changes', () => {
    const list = ['member']
    const mine = { ...valid, roles: list, grant: 'g-1' }
    const frozen = freezePrincipal(mine)
    list.push('auditor')
    mine.tenant = ID
    expect(frozen).toEqual({ ...valid, roles: ['member'], grant: 'g-1' })
    expect(Object.isFrozen(frozen) && Object.isFrozen(frozen.roles)).toBe(true)
  })

  const refused: [string, object][] = [
    ['an unknown kind', { kind: 'root' }],
    ['a kind of Object’s own', { kind: 'constructor' }],
    ['an e-mail address as id', { id: 'ada@example.com' }],
    ['an upper-case id', { id: ID.toUpperCase() }],
    ['a tenant that is no id', { tenant: 'any' }],
    ['no tenant at all', { tenant: undefined }],
    ['roles that are a text', { roles: 'member' }],
    ['roles that are not texts', { roles: [1] }],
  ]
  test.each(refused)('refuses %s', (_what, changes) => {
    expect(() => freezePrincipal({ ...valid, ...changes } as Principal)).toThrow(
      expect.objectContaining({ code: 'ERR_ACCESS_PRINCIPAL', message: expect.not.stringContaining('ada') }),
    )
  })

  test('takes an anonymous visitor without an id', () => {
    expect(freezePrincipal({ kind: 'anonymous', id: '', tenant: null, roles: [] })).toMatchObject({
      kind: 'anonymous',
    })
  })
})

describe('tenantOf', () => {
  test('is the person where a resource declares no tenant', () => {
    const person: Principal = { kind: 'user', id: ID, tenant: TEAM, roles: [] }
    expect(tenantOf(person, resources.people)).toBe(ID)
    expect(tenantOf(person, resources.heartbeats)).toBe(TEAM)
    expect(tenantOf({ ...person, kind: 'anonymous' }, resources.people)).toBeNull()
  })
})
