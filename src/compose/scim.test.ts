import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { silentLogger } from '../database/index.ts'
import { defineSurety } from '../declare/index.ts'
import type { SuretyEnv } from '../http/index.ts'
import {
  accountResources,
  accountStore,
  createAccounts,
  scimResources,
  type Accounts,
} from '../identity/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import type { AuditEvent } from '../log/index.ts'
import { openStoreOver } from '../store/testing.ts'
import { openTenants, tenantResources, type Tenants, type TenantTables } from '../tenants/index.ts'
import { scimSite } from './scim.ts'

const resources = { ...accountResources, ...tenantResources, ...scimResources }
const roles = { treasurer: [], auditor: [] } as const
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const [OWN, OTHER] = [createPseudonym(), createPseudonym()]
const GROUPS = { 'Codetime Leads': ['administrator'], 'Codetime Books': ['treasurer', 'auditor'] }

const openStore = () => openStoreOver(resources, roles)
let store: Awaited<ReturnType<typeof openStore>>
let accounts: Accounts
let tenants: Tenants
let app: Hono<SuretyEnv>
let founder: string
const told: AuditEvent[] = []

beforeAll(async () => {
  store = await openStore()
  const { clock } = store
  const as = (principal: Principal) => ({ db: store.store.as(principal).db as unknown })
  accounts = createAccounts({ store: accountStore(as, systemPrincipal), clock })
  tenants = openTenants({
    store: { as: (principal) => ({ db: as(principal).db as Kysely<TenantTables> }) },
    audit: { record: async (events) => void told.push(...events) },
    ...{ resources, roles, name: 'Codetime', clock, logger: silentLogger },
  })
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex')
  const config = defineSurety({
    ...{ name: 'Codetime', origin: 'codetime.example', page: 'security.md', resources, roles },
    signIn: {
      scim: {
        tokenSha256: sha256('installation'),
        tenants: [
          { tenant: OWN, tokenSha256: sha256('own'), groups: GROUPS },
          { tenant: OTHER, tokenSha256: sha256('other'), groups: GROUPS },
        ],
      },
    },
  })
  const audit = { note: (event: AuditEvent) => void told.push(event) }
  const parts = { config, store: { as }, accounts, tenants, audit, logger: silentLogger }
  app = scimSite(parts, () => 'https://codetime.example')[0]!
  founder = await accounts.add({ email: 'founder@example.com', emailVerified: true, name: 'Founder' })
  await tenants.members.found(OWN, founder)
  await tenants.members.found(OTHER, createPseudonym())
}, 120_000)
afterAll(() => store?.close())

async function ask(token: string, method: string, path: string, body?: object) {
  const response = await app.request(`/scim/v2/${path}`, {
    method,
    headers: { 'content-type': 'application/scim+json', authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

let count = 0
async function hired(token = 'own'): Promise<string> {
  const { status, body } = await ask(token, 'POST', 'Users', {
    schemas: [USER],
    userName: `person-${++count}@example.com`,
    active: true,
  })
  expect(status).toBe(201)
  return String(body['id'])
}
async function grouped(displayName: string, ...people: string[]): Promise<string> {
  const members = people.map((value) => ({ value }))
  const { status, body } = await ask('own', 'POST', 'Groups', { schemas: [GROUP], displayName, members })
  expect(status).toBe(201)
  return String(body['id'])
}
const rolesOf = async (person: string, tenant = OWN) =>
  (await tenants.principalOf(person, { tenant, address: '192.0.2.1' }))?.roles ?? null
const patched = (id: string, ...Operations: object[]) => ask('own', 'PATCH', `Groups/${id}`, { Operations })

describe('the directory of a tenant', () => {
  test('makes members of the tenant, whose address nobody has verified', async () => {
    const id = await hired()
    expect(await rolesOf(id)).toEqual(['member'])
    const rows = store.store.as(systemPrincipal('test', ['accounts'])).db
    const row = await rows.selectFrom('accounts').select('emailVerified').where('personId', '=', id).execute()
    expect(row).toEqual([{ emailVerified: false }])
  })

  test('sees and changes nobody of another tenant, and does not learn that they are there by id', async () => {
    const id = await hired()
    const off = { Operations: [{ op: 'replace', value: { active: false } }] }
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', off]] as const)
      expect((await ask('other', method, `Users/${id}`, body)).status).toBe(404)
    const filter = encodeURIComponent(`userName eq "person-${count}@example.com"`)
    expect((await ask('other', 'GET', `Users?filter=${filter}`)).body).toMatchObject({ totalResults: 0 })
    expect((await ask('own', 'GET', `Users?filter=${filter}`)).body).toMatchObject({ totalResults: 1 })
    const taken = { schemas: [USER], userName: `person-${count}@example.com` }
    expect((await ask('other', 'POST', 'Users', taken)).status).toBe(409)
    const group = { schemas: [GROUP], displayName: 'Codetime Leads', members: [{ value: id }] }
    expect((await ask('other', 'POST', 'Groups', group)).status).toBe(404)
    expect((await ask('other', 'GET', 'Groups')).body).toMatchObject({ totalResults: 0 })
    expect(await rolesOf(id)).toEqual(['member'])
  })

  test('switches somebody off: in this tenant they may nothing with the next request, and elsewhere as before', async () => {
    const id = await hired()
    await tenants.provisioning.set(OTHER, id, ['auditor'])
    const off = { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] }
    expect((await ask('own', 'PATCH', `Users/${id}`, off)).body).toMatchObject({ active: false })
    expect([await rolesOf(id), await rolesOf(id, OTHER)]).toEqual([[], ['auditor']])
    expect(await accounts.isEnabled(id)).toBe(true)
    const on = { Operations: [{ op: 'Replace', path: 'active', value: 'True' }] }
    expect((await ask('own', 'PATCH', `Users/${id}`, on)).body).toMatchObject({ active: true })
    expect(await rolesOf(id)).toEqual(['member'])
  })

  test('does not switch on what whoever runs the installation has switched off', async () => {
    const id = await hired()
    await ask('installation', 'PATCH', `Users/${id}`, {
      Operations: [{ op: 'replace', value: { active: false } }],
    })
    const on = { Operations: [{ op: 'replace', value: { active: true } }] }
    expect((await ask('own', 'PATCH', `Users/${id}`, on)).body).toMatchObject({ active: false })
    expect(await accounts.isEnabled(id)).toBe(false)
  })

  test('takes somebody out, and leaves the account', async () => {
    const id = await hired()
    const group = await grouped('Gone soon', id)
    expect((await ask('own', 'DELETE', `Users/${id}`)).status).toBe(204)
    expect(await rolesOf(id)).toBe(null)
    expect((await ask('own', 'GET', `Users/${id}`)).status).toBe(404)
    expect((await ask('own', 'GET', `Groups/${group}`)).body).toMatchObject({ members: [] })
    expect(await accounts.find({ personId: id })).not.toBe(null)
  })

  test('leaves the tenant an administrator', async () => {
    const off = { Operations: [{ op: 'replace', value: { active: false } }] }
    for (const [method, body] of [['PATCH', off], ['DELETE']] as const)
      expect((await ask('own', method, `Users/${founder}`, body)).status).toBe(409)
    expect(await rolesOf(founder)).toEqual(['administrator'])
  })
})

describe('a group', () => {
  test('gives the roles that the configuration says, and takes them away again', async () => {
    const [one, two] = [await hired(), await hired()]
    const id = await grouped('Codetime Books', one)
    expect(await rolesOf(one)).toEqual(['member', 'treasurer', 'auditor'])
    // Entra ID adds, with a capital and a null beside the value, and Okta removes by a filter.
    const added = await patched(id, { op: 'Add', path: 'members', value: [{ $ref: null, value: two }] })
    expect(added.body).toMatchObject({ members: [{ value: one }, { value: two }] })
    expect(await rolesOf(two)).toEqual(['member', 'treasurer', 'auditor'])
    await patched(id, { op: 'remove', path: `members[value eq "${one}"]` })
    expect([await rolesOf(one), await rolesOf(two)]).toEqual([['member'], ['member', 'treasurer', 'auditor']])
    await patched(id, { op: 'Remove', path: 'members', value: [{ value: two }] })
    expect(await rolesOf(two)).toEqual(['member'])
    await patched(id, { op: 'replace', path: 'members', value: [{ value: one }, { value: two }] })
    expect((await ask('own', 'DELETE', `Groups/${id}`)).status).toBe(204)
    expect([await rolesOf(one), await rolesOf(two)]).toEqual([['member'], ['member']])
  })

  test('that is renamed gives the roles of its new name', async () => {
    const one = await hired()
    const id = await grouped('Nobody’s', one)
    expect(await rolesOf(one)).toEqual(['member'])
    await patched(id, { op: 'replace', value: { id, displayName: 'Codetime Leads' } })
    expect(await rolesOf(one)).toEqual(['member', 'administrator'])
    await ask('own', 'PUT', `Groups/${id}`, {
      schemas: [GROUP],
      displayName: 'Nobody’s',
      members: [{ value: one }],
    })
    expect(await rolesOf(one)).toEqual(['member'])
    await ask('own', 'DELETE', `Groups/${id}`)
  })

  test('leaves alone what an administrator gave, and who is switched off', async () => {
    const one = await hired()
    await tenants.provisioning.set(OWN, one, ['custom:00000000-0000-4000-8000-000000000001'])
    const id = await grouped('Codetime Leads', one)
    expect(await rolesOf(one)).toEqual(['custom:00000000-0000-4000-8000-000000000001', 'administrator'])
    await ask('own', 'PATCH', `Users/${one}`, { Operations: [{ op: 'replace', value: { active: false } }] })
    await patched(id, { op: 'replace', path: 'members', value: [] })
    await patched(id, { op: 'add', path: 'members', value: [{ value: one }] })
    expect(await rolesOf(one)).toEqual([])
    await ask('own', 'PATCH', `Users/${one}`, { Operations: [{ op: 'replace', value: { active: true } }] })
    expect(await rolesOf(one)).toEqual(['administrator'])
    await ask('own', 'DELETE', `Groups/${id}`)
  })

  test('is found by name, listed without its members where asked, and there once', async () => {
    const one = await hired()
    const id = await grouped('Only one', one)
    const filter = encodeURIComponent('displayName eq "Only one"')
    const found = await ask('own', 'GET', `Groups?excludedAttributes=members&filter=${filter}`)
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id, displayName: 'Only one' }] })
    expect(JSON.stringify(found.body)).not.toContain(one)
    const again = await ask('own', 'POST', 'Groups', { schemas: [GROUP], displayName: 'Only one' })
    expect(again).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } })
    expect((await ask('own', 'GET', 'Groups?count=1&startIndex=1')).body).toMatchObject({ itemsPerPage: 1 })
  })

  test.each([
    [{ op: 'add', path: 'members', value: [{ value: createPseudonym() }] }, 404],
    [{ op: 'add', path: 'members', value: 'everybody' }, 400],
    [{ op: 'add', path: 'members', value: [{ value: 'x' }] }, 400],
    [{ op: 'remove', path: 'members[display eq "Ada"]' }, 400],
    [{ op: 'replace', path: 'displayName', value: '' }, 400],
    [{ op: 'remove', path: 'displayName' }, 400],
    [{ op: 'replace', path: 'roles', value: ['administrator'] }, 400],
    [
      {
        op: 'add',
        path: 'members',
        value: Array.from({ length: 1_001 }, () => ({ value: createPseudonym() })),
      },
      413,
    ],
  ])('is not changed by %j', async (operation, status) => {
    const one = await hired()
    const id = await grouped(`Steady ${count}`, one)
    expect((await patched(id, operation)).status).toBe(status)
    expect((await ask('own', 'GET', `Groups/${id}`)).body).toMatchObject({ members: [{ value: one }] })
  })

  test('keeps everybody who was added at once', async () => {
    const people = await Promise.all([hired(), hired(), hired(), hired()])
    const id = await grouped('Crowd')
    const add = (value: string) => patched(id, { op: 'Add', path: 'members', value: [{ value }] })
    expect((await Promise.all(people.map(add))).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const members = (await ask('own', 'GET', `Groups/${id}`)).body['members'] as { value: string }[]
    expect(members.map(({ value }) => value).toSorted()).toEqual(people.toSorted())
  })
})

test('what a directory decides about roles is in the audit log, before and after', async () => {
  const one = await hired()
  const id = await grouped('Codetime Leads', one)
  const changes = told.filter((event) => event.kind === 'access.changed' && event.subject === one)
  expect(changes.at(-1)).toMatchObject({
    ...{ what: 'membership', tenant: OWN, before: ['member'], after: ['member', 'administrator'] },
    actor: { kind: 'system', id: 'tenants.provisioning' },
  })
  await ask('own', 'DELETE', `Groups/${id}`)
})

describe('the configuration of directories refuses', () => {
  const base = { name: 'Codetime', origin: 'codetime.example', page: 'security.md', resources, roles }
  const hash = 'a'.repeat(64)
  test.each([
    ['one that names nobody', {}],
    ['a token in the clear', { tokenSha256: 'secret' }],
    ['three tokens', { tokenSha256: [hash, 'b'.repeat(64), 'c'.repeat(64)] }],
    ['one token for two', { tokenSha256: hash, tenants: [{ tenant: OWN, tokenSha256: hash }] }],
    ['a tenant that is no id', { tenants: [{ tenant: 'acme', tokenSha256: hash }] }],
    ['an unknown role', { tenants: [{ tenant: OWN, tokenSha256: hash, groups: { A: ['owner'] } }] }],
    ['the role of visitors', { tenants: [{ tenant: OWN, tokenSha256: hash, groups: { A: ['anonymous'] } }] }],
    ['a misspelt key', { tokenSha256: hash, tenant: OWN }],
  ])('%s', (_, scim) => {
    expect(() => defineSurety({ ...base, signIn: { scim } as never })).toThrow(
      expect.objectContaining({ code: 'ERR_DECLARE_CONFIG' }),
    )
  })

  test('directories of tenants without what they need', () => {
    const { scim_groups: _, ...without } = resources
    const config = defineSurety({
      ...base,
      resources: without,
      signIn: { scim: { tenants: [{ tenant: OWN, tokenSha256: hash }] } },
    })
    const parts = { config, store: { as: () => ({ db: null }) }, accounts, tenants, logger: silentLogger }
    expect(() => scimSite({ ...parts, audit: { note: () => undefined } }, () => '')).toThrow(
      expect.objectContaining({ code: 'ERR_SCIM_CONFIG' }),
    )
  })
})
