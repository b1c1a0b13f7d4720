import { signInThrough } from '@surety-examples/identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import save from '../../../test/fixtures/wakatime/cli-001.json' with { type: 'json' }
import { MOST_KEYS } from './api-keys.ts'
import { signInPath } from './sign-in.ts'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
let noor: string
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
  noor = await signIn('person-noor')
}, 240_000)
afterAll(() => system.close())

const signIn = async (sub: string) =>
  (await signInThrough({ start: `${system.url}${signInPath('/connect')}`, sub })).cookie
const textOf = async (path: string, cookie: string) =>
  (await fetch(new URL(path, system.url), { headers: { cookie } })).text()
const tokenIn = (page: string) => /name="form" value="([^"]+)"/.exec(page)![1]!

async function post(path: string, cookie: string, fields: Record<string, string>, site = 'same-origin') {
  const headers = { cookie, 'sec-fetch-site': site }
  const body = new URLSearchParams(fields)
  return fetch(new URL(path, system.url), { method: 'POST', headers, body, redirect: 'manual' })
}

async function makeKey(cookie: string): Promise<string> {
  const form = tokenIn(await textOf('/connect', cookie))
  const answer = await post('/connect/keys', cookie, { form })
  return /api_key = (waka_[0-9a-f-]{36})/.exec(await answer.text())![1]!
}

/** The request of a real plug-in, with another key; so many seconds later. */
const report = (key: string, later = 0) =>
  fetch(`${system.url}${save.url}`, {
    method: save.method,
    headers: {
      ...{ 'user-agent': save.headers['user-agent'], 'x-machine-name': save.headers['x-machine-name'] },
      ...{ 'content-type': 'application/json', authorization: `Basic ${btoa(key)}` },
    },
    body: JSON.stringify(save.body.map((beat) => ({ ...beat, time: beat.time + later }))),
  })

describe('a newcomer', () => {
  test('makes a key that a real plug-in reports with, and sees the time; it is not shown again', async () => {
    expect(await textOf('/', noor)).toContain('href="/connect"')
    const key = await makeKey(noor)
    const answer = await report(key)
    expect(answer.status).toBe(202)
    const { responses } = (await answer.json()) as { responses: [object, number][] }
    expect(responses.map(([, status]) => status)).toEqual(save.body.map(() => 201))
    expect(await textOf('/', noor)).toContain('One heartbeat is not time yet')
    expect(await textOf('/connect', noor)).not.toContain(key)
  })

  test('revokes it, and the next request is refused', async () => {
    const idsIn = (text: string) => [...text.matchAll(/name="id" value="([^"]+)"/g)].map(([, id]) => id!)
    const before = idsIn(await textOf('/connect', noor))
    const key = await makeKey(noor)
    expect((await report(key)).status).toBe(202)
    const page = await textOf('/connect', noor)
    const form = tokenIn(page)
    const id = idsIn(page).find((one) => !before.includes(one))!
    expect((await post('/connect/keys/revoke', noor, { form, id })).status).toBe(303)
    expect((await report(key)).status).toBe(401)
  })

  test('revokes no key of anybody else, and none that is no key', async () => {
    const { db } = system.surety.as(system.surety.system('test', ['api_keys']))
    const ids = async () => (await db.selectFrom('api_keys').select('id').execute()).length
    const before = await ids()
    const ada = (await system.backend.accounts.find({ email: 'ada@codetime.example' }))!.personId
    const keys = db.selectFrom('api_keys').select('id').where('personId', '=', ada)
    const { id } = await keys.executeTakeFirstOrThrow()
    const form = tokenIn(await textOf('/connect', noor))
    for (const named of [id, 'anything', ''])
      expect((await post('/connect/keys/revoke', noor, { form, id: named })).status).toBe(303)
    expect(await ids()).toBe(before)
    expect((await report(system.apiKey)).status).toBe(202)
  })

  test(`has ${MOST_KEYS} keys at most`, async () => {
    const cookie = await signIn('person-ada')
    for (let made = 1; made < MOST_KEYS; made++) await makeKey(cookie)
    const form = tokenIn(await textOf('/connect', cookie))
    const answer = await post('/connect/keys', cookie, { form })
    expect([answer.status, await answer.text()]).toEqual([409, expect.stringContaining('20 keys already')])
  }, 120_000)

  test('makes a key for programs, with which one may what it names and no more', async () => {
    const { tenants, accounts } = system.backend
    const { personId } = (await accounts.find({ email: 'noor@elsewhere.example' }))!
    const principal = (await tenants.principalOf(personId, { address: '127.0.0.1' }))!
    const both = ['heartbeats:read:own', 'heartbeats:write:own'] as const
    const { text } = await tenants.keys.create(principal, { name: 'backup', scopes: both })
    expect((await report(text)).status).toBe(202)
    const status = async (key: string, path: string) => (await system.api(path, { key })).status
    expect(await status(text, '/users/current/projects')).toBe(200)
    expect(await status(text, '/users/current/teams/current/members')).toBe(403)
    const reads = await tenants.keys.create(principal, { name: 'reads', scopes: ['heartbeats:read:own'] })
    expect(await status(reads.text, '/users/current/projects')).toBe(200)
    expect((await report(reads.text, 1)).status).toBe(403)
    await tenants.keys.revoke(principal, reads.key.id)
    expect(await status(reads.text, '/users/current/projects')).toBe(401)
  })
})

describe('a key is made by nobody', () => {
  const count = async () => {
    const { db } = system.surety.as(system.surety.system('test', ['api_keys']))
    return (await db.selectFrom('api_keys').select('id').execute()).length
  }

  test('who sends the form from another site, or without their session’s token', async () => {
    const before = await count()
    const form = tokenIn(await textOf('/connect', noor))
    const other = tokenIn(await textOf('/connect', await signIn('person-grace')))
    expect((await post('/connect/keys', noor, { form }, 'cross-site')).status).toBe(403)
    for (const fields of [{}, { form: '' }, { form: other }])
      expect((await post('/connect/keys', noor, fields)).status).toBe(403)
    expect((await post('/connect/keys', '', { form: '' })).status).toBe(403)
    expect(await count()).toBe(before)
  })

  test('whose role does not let them', async () => {
    const { tenants, accounts } = system.backend
    const [grace, ada] = await Promise.all(
      ['grace', 'ada'].map(
        async (name) => (await accounts.find({ email: `${name}@codetime.example` }))!.personId,
      ),
    )
    const by = (await tenants.principalOf(grace!, { address: '127.0.0.1' }))!
    const permissions = ['heartbeats:read:own', 'people:read:own'] as const
    const role = await tenants.roles.create(by, { name: 'Looks', permissions })
    await tenants.members.assign(by, ada!, [role.assignedAs])
    const cookie = await signIn('person-ada')
    const before = await count()
    const page = await textOf('/connect', cookie)
    expect(page).toContain('as far as their role lets them')
    const form = tokenIn(await textOf('/account/keys', cookie))
    expect((await post('/connect/keys', cookie, { form })).status).toBe(403)
    expect(await count()).toBe(before)
  })
})
