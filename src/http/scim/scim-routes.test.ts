import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccounts, installationDirectory } from '../../identity/index.ts'
import { CLIENT, openTestIdentity, requestWith, type TestIdentity } from '../../identity/testing.ts'
import type { AuditEvent } from '../../log/index.ts'
import type { SuretyEnv } from '../context.ts'
import { scimRoutes } from './scim-routes.ts'

const TOKEN = 'a-token-of-the-directory'
/** The one that it is being changed over to. */
const NEXT_TOKEN = 'its-next-token'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const URL_OF_SITE = 'https://codetime.example'

let opened: TestIdentity
let app: Hono<SuretyEnv>
let audited: AuditEvent[]
beforeAll(async () => {
  opened = await openTestIdentity()
  app = new Hono<SuretyEnv>()
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  app.route(
    '/',
    scimRoutes({
      clients: [
        {
          tokens: [TOKEN, NEXT_TOKEN].map((token) => createHash('sha256').update(token).digest('hex')),
          directory: installationDirectory(
            createAccounts({ store: opened.store, clock: opened.world.clock }),
          ),
        },
      ],
      url: () => URL_OF_SITE,
      audit: (event) => audited.push(event),
      logger,
    }),
  )
}, 120_000)
afterAll(() => opened.close())
beforeEach(() => {
  audited = []
})

async function ask(method: string, path: string, body?: object, token: string | null = TOKEN) {
  return askAt(`/scim/v2/Users${path}`, { method, body, token })
}

interface Asked {
  readonly method?: string
  readonly body?: object | undefined
  readonly token?: string | null
}

async function askAt(path: string, { method = 'GET', body, token = TOKEN }: Asked = {}) {
  const headers: Record<string, string> = { 'content-type': 'application/scim+json' }
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  const response = await app.request(path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

let count = 0
const userBody = (more: object = {}) => ({
  schemas: [USER],
  userName: `Person-${++count}@Example.com`,
  name: { givenName: 'Ada', familyName: 'L.' },
  ...more,
})
async function provisioned(more: object = {}): Promise<{ id: string; userName: string }> {
  const { status, body } = await ask('POST', '', userBody(more))
  expect(status).toBe(201)
  return body as { id: string; userName: string }
}
async function signedIn(personId: string): Promise<() => Promise<boolean>> {
  const token = await opened.identity.enter(personId, ['oidc'], CLIENT)
  return async () => (await opened.identity.signedIn(requestWith(opened.identity, token))) !== null
}

describe('a directory', () => {
  test('makes an account, reads it, finds it by address and lists it', async () => {
    const { id, userName } = await provisioned()
    expect(userName).toBe(`person-${count}@example.com`)
    const { body } = await ask('GET', `/${id}`)
    expect(body).toMatchObject({
      schemas: [USER],
      id,
      userName,
      displayName: 'Ada L.',
      active: true,
      meta: { location: `${URL_OF_SITE}/scim/v2/Users/${id}` },
    })
    const filter = encodeURIComponent(`userName eq "${userName.toUpperCase()}"`)
    expect((await ask('GET', `?filter=${filter}`)).body).toMatchObject({
      totalResults: 1,
      Resources: [{ id }],
    })
    await provisioned()
    const page = (await ask('GET', '?startIndex=2&count=1')).body
    expect(page).toMatchObject({ startIndex: 2, itemsPerPage: 1, Resources: [expect.any(Object)] })
    expect(Number(page['totalResults'])).toBeGreaterThanOrEqual(2)
  })

  test('ends every session of whom it switches off, before it has its answer', async () => {
    const { id } = await provisioned()
    const still = await signedIn(id)
    expect(await still()).toBe(true)
    const patch = { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] }
    expect(await ask('PATCH', `/${id}`, patch)).toMatchObject({ status: 200, body: { active: false } })
    expect(await still()).toBe(false)
    await expect(opened.identity.enter(id, ['oidc'], CLIENT)).rejects.toBeDefined()
    const on = { Operations: [{ op: 'replace', value: { active: true } }] }
    expect((await ask('PATCH', `/${id}`, on)).body).toMatchObject({ active: true })
    expect(await still()).toBe(false)
    expect(audited.map((event) => 'what' in event && event.what)).toEqual([
      'scim-provisioned',
      'scim-switched-off',
      'scim-switched-on',
    ])
  })

  test('replaces name and state, and leaves the address as it is', async () => {
    const { id, userName } = await provisioned()
    const still = await signedIn(id)
    const wanted = { schemas: [USER], userName, displayName: 'Countess', active: false }
    expect((await ask('PUT', `/${id}`, wanted)).body).toMatchObject({
      displayName: 'Countess',
      active: false,
    })
    expect(await still()).toBe(false)
    const moved = { ...wanted, userName: 'somebody-else@example.com' }
    expect(await ask('PUT', `/${id}`, moved)).toMatchObject({ status: 400, body: { scimType: 'mutability' } })
  })

  test('removes an account, with its sessions', async () => {
    const { id } = await provisioned()
    const still = await signedIn(id)
    expect((await ask('DELETE', `/${id}`)).status).toBe(204)
    expect(await still()).toBe(false)
    for (const method of ['GET', 'DELETE']) expect((await ask(method, `/${id}`)).status).toBe(404)
  })
})

/** Changes as the two largest directories send them. */
describe('a change as', () => {
  const patched = async (id: string, ...Operations: object[]) => {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
    return ask('PATCH', `/${id}`, { schemas, Operations })
  }

  test.each([
    ['Entra ID', { op: 'Replace', path: 'active', value: 'False' }],
    ['Entra ID, older', { op: 'Replace', path: 'active', value: [{ $ref: null, value: 'False' }] }],
    ['Entra ID, without a path', { op: 'Replace', value: { active: false } }],
    ['Okta', { op: 'replace', value: { active: false } }],
    ['one who names the schema', { op: 'replace', path: `${USER}:active`, value: false }],
    ['one who spells otherwise', { op: 'REPLACE', path: 'Active', value: false }],
  ])('%s sends it switches off', async (_, operation) => {
    const { id } = await provisioned()
    const still = await signedIn(id)
    expect(await patched(id, operation)).toMatchObject({ status: 200, body: { active: false } })
    expect(await still()).toBe(false)
  })

  test('Entra ID sends it, with attributes that are not kept, changes the name', async () => {
    const { id, userName } = await provisioned()
    const extension = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
    const { status, body } = await patched(
      id,
      { op: 'Add', path: 'emails[type eq "work"].value', value: 'grace@example.com' },
      { op: 'Replace', path: 'name.givenName', value: 'Grace' },
      { op: 'Replace', path: 'name.familyName', value: 'H.' },
      { op: 'Add', path: `${extension}:department`, value: 'Compilers' },
      { op: 'Replace', path: 'userName', value: userName.toUpperCase() },
      {
        op: 'Replace',
        value: { externalId: 'x-1', 'name.honorificPrefix': 'Dr', [`${extension}:manager`]: '7' },
      },
    )
    expect([status, body]).toEqual([200, expect.objectContaining({ displayName: 'Grace H.', userName })])
  })

  test('Okta puts a whole user, changes the name, and switches nobody on by leaving something out', async () => {
    const { id, userName } = await provisioned()
    const whole = {
      schemas: [USER],
      id,
      userName,
      name: { givenName: 'Grace', familyName: 'H.' },
      emails: [{ primary: true, value: userName, type: 'work' }],
      groups: [],
      meta: { resourceType: 'User' },
    }
    expect((await ask('PUT', `/${id}`, { ...whole, active: false })).body).toMatchObject({ active: false })
    expect((await ask('PUT', `/${id}`, whole)).body).toMatchObject({ displayName: 'Grace H.', active: false })
    expect((await ask('PUT', `/${id}`, { ...whole, active: true })).body).toMatchObject({ active: true })
  })
})

describe('a list', () => {
  test('is given in pages, of none or beyond the end, too', async () => {
    for (let i = 0; i < 3; i++) await provisioned()
    const all = await askAt('/scim/v2/Users?count=100')
    const total = Number(all.body['totalResults'])
    const ids = (all.body['Resources'] as { id: string }[]).map(({ id }) => id)
    const page = await askAt(`/scim/v2/Users?startIndex=${total - 1}&count=5`)
    expect(page.body).toMatchObject({ totalResults: total, startIndex: total - 1, itemsPerPage: 2 })
    expect((page.body['Resources'] as { id: string }[]).map(({ id }) => id)).toEqual(ids.slice(-2))
    for (const empty of ['count=0', 'count=-1', `startIndex=${total + 1}`])
      expect((await askAt(`/scim/v2/Users?${empty}`)).body).toMatchObject({
        totalResults: total,
        Resources: [],
      })
    expect((await askAt('/scim/v2/Users?startIndex=-3&count=1')).body).toMatchObject({ startIndex: 1 })
  })

  test('of groups is empty in an installation, whose groups mean nothing', async () => {
    expect((await askAt('/scim/v2/Groups')).body).toMatchObject({ totalResults: 0, Resources: [] })
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Leads' }
    expect(await askAt('/scim/v2/Groups', { method: 'POST', body })).toMatchObject({ status: 501 })
  })

  test('of what is offered says that patches and filters are, and bulk is not', async () => {
    expect((await askAt('/scim/v2/ServiceProviderConfig')).body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true },
    })
    for (const path of ['ResourceTypes', 'Schemas'])
      expect((await askAt(`/scim/v2/${path}`)).body).toMatchObject({ totalResults: 2 })
  })
})

test('the next token of a directory serves beside the one that it replaces', async () => {
  for (const token of [TOKEN, NEXT_TOKEN])
    expect((await askAt('/scim/v2/Users?count=0', { token })).status).toBe(200)
})

describe('what is refused', () => {
  test('anything without the token, or with another', async () => {
    const { id } = await provisioned()
    for (const token of [
      null,
      '',
      'x',
      TOKEN.slice(0, -1),
      createHash('sha256').update(TOKEN).digest('hex'),
    ]) {
      for (const method of ['GET', 'DELETE']) {
        expect((await ask(method, `/${id}`, undefined, token)).status).toBe(401)
      }
    }
    expect((await ask('GET', `/${id}`)).status).toBe(200)
  })

  test('an address that has an account', async () => {
    const { userName } = await provisioned()
    expect(await ask('POST', '', userBody({ userName }))).toMatchObject({
      status: 409,
      body: { scimType: 'uniqueness' },
    })
  })

  test.each([
    ['no schema', { userName: 'a@example.com' }],
    ['no address', { schemas: [USER], userName: 'ada' }],
    ['a look-alike address', { schemas: [USER], userName: 'аda@example.com' }],
    ['an endless name', { schemas: [USER], userName: 'b@example.com', displayName: 'x'.repeat(121) }],
    ['a state that is none', { schemas: [USER], userName: 'c@example.com', active: 'perhaps' }],
  ])('a user with %s', async (_, body) => {
    expect(await ask('POST', '', body)).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } })
  })

  test.each([
    [{ Operations: [{ op: 'remove', path: 'active' }] }],
    [{ Operations: [{ op: 'replace', path: 'userName', value: 'x@example.com' }] }],
    [{ Operations: [{ op: 'replace', value: 'text' }] }],
    [{ Operations: [{ op: 'replace', path: 'password', value: 'a new one' }] }],
    [{ Operations: [{ op: 'add', path: 'roles', value: [{ value: 'administrator' }] }] }],
    [{ Operations: [{ op: 'add', path: 'groups', value: [{ value: 'Leads' }] }] }],
    [{ Operations: [{ op: 'replace', path: 'active', value: ['False'] }] }],
    [{ Operations: Array.from({ length: 101 }, () => ({ op: 'replace', path: 'active', value: false })) }],
    [{ Operations: [{ op: 'replace', value: { active: false, userName: 'x@example.com' } }] }],
    [{ Operations: [] }],
    [{}],
  ])('the change %j, wholly', async (patch) => {
    const { id } = await provisioned()
    expect((await ask('PATCH', `/${id}`, patch)).status).toBe(400)
    expect((await ask('GET', `/${id}`)).body).toMatchObject({ active: true })
  })

  test.each(['userName co "a"', 'userName eq a', 'id eq "x"', 'userName eq "a" or active eq true'])(
    'the filter %s',
    async (filter) => {
      expect(await ask('GET', `?filter=${encodeURIComponent(filter)}`)).toMatchObject({
        status: 400,
        body: { scimType: 'invalidFilter' },
      })
    },
  )

  test('an id that is none', async () => {
    expect((await ask('GET', '/nobody')).status).toBe(404)
  })

  test('in the form of RFC 7644 §3.12, with a code, and nothing of what was sent', async () => {
    const { status, body } = await ask('POST', '', { schemas: [USER], userName: 'secret words' })
    expect([status, body]).toEqual([
      400,
      {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '400',
        scimType: 'invalidValue',
        detail: expect.stringContaining('ERR_IDENTITY_EMAIL'),
      },
    ])
    expect(JSON.stringify(body)).not.toContain('secret words')
  })
})
