import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccounts } from '../identity/index.ts'
import { CLIENT, openTestIdentity, requestWith, type TestIdentity } from '../identity/testing.ts'
import type { AuditEvent } from '../log/index.ts'
import type { SuretyEnv } from './context.ts'
import { scimRoutes } from './scim-routes.ts'

const TOKEN = 'a-token-of-the-directory'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const URL_OF_SITE = 'https://codetime.example'

let opened: TestIdentity
let app: Hono<SuretyEnv>
let deactivated: string[]
let audited: AuditEvent[]
beforeAll(async () => {
  opened = await openTestIdentity()
  app = new Hono<SuretyEnv>()
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  app.route(
    '/',
    scimRoutes({
      accounts: createAccounts({ store: opened.store, clock: opened.world.clock }),
      tokenSha256: createHash('sha256').update(TOKEN).digest('hex'),
      url: () => URL_OF_SITE,
      onDeactivated: async (personId) => void deactivated.push(personId),
      audit: (event) => audited.push(event),
      logger,
    }),
  )
}, 120_000)
afterAll(() => opened.close())
beforeEach(() => {
  deactivated = []
  audited = []
})

async function ask(method: string, path: string, body?: object, token: string | null = TOKEN) {
  const headers: Record<string, string> = { 'content-type': 'application/scim+json' }
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  const response = await app.request(`/scim/v2/Users${path}`, {
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

  test('ends every session of whom it switches off, before it has its answer, and whatever else they hold', async () => {
    const { id } = await provisioned()
    const still = await signedIn(id)
    expect(await still()).toBe(true)
    const patch = { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] }
    expect(await ask('PATCH', `/${id}`, patch)).toMatchObject({ status: 200, body: { active: false } })
    expect(await still()).toBe(false)
    expect(deactivated).toEqual([id])
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
    expect(deactivated).toEqual([id])
    for (const method of ['GET', 'DELETE']) expect((await ask(method, `/${id}`)).status).toBe(404)
  })
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
})
