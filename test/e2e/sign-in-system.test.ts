import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '../../src/database/index.ts'
import { serveNode, type RunningServer, type SuretyEnv } from '../../src/http/index.ts'
import { totpCode, totpStep } from '../../src/identity/index.ts'
import { GOOD_PASSWORD } from '../../src/identity/testing.ts'
import { createId, systemClock } from '../../src/kernel/index.ts'
import {
  accountResources,
  defineSurety,
  openSurety,
  tenantResources,
  type AnySurety,
} from '../../src/surety.ts'

const PAGE = `# Security

[Passwords are stored with Argon2id](promise:encryption.passwords), and
[new ones that are weak or stolen are refused](promise:auth.passwords).
[Guessing is stopped](promise:auth.brute-force).
[A second factor is asked for where there is one](promise:auth.mfa).
[Personal data is encrypted](promise:encryption.rest).
`

let dataDir: string
let surety: AnySurety
let server: RunningServer
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'surety-sign-in-'))
  await chmod(dataDir, 0o755)
  const page = join(dataDir, 'security.md')
  await writeFile(page, PAGE)
  const config = defineSurety({
    name: 'Sign-in',
    origin: 'sign-in.example',
    page,
    resources: { ...accountResources, ...tenantResources },
    roles: { administrator: ['tenant_members:read:tenant'], member: [] },
    signIn: { secondFactor: { roles: ['administrator'] } },
  })
  surety = (await openSurety(config, {
    dataDir,
    logger: silentLogger,
    url: () => server.url,
  })) as unknown as AnySurety
  const app = new Hono<SuretyEnv>()
  app.use('*', surety.protect())
  app.route('/', surety.routes())
  server = await serveNode({ fetch: app.fetch, port: 0 })
}, 120_000)
afterAll(async () => {
  await server?.close()
  await surety?.close()
  await rm(dataDir, { recursive: true, force: true })
  if (surety?.databaseDir) await rm(surety.databaseDir, { recursive: true, force: true })
})

const post = (path: string, fields: Record<string, string>, cookie = '') =>
  fetch(new URL(path, server.url), {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: server.url, accept: 'text/html', cookie },
    body: new URLSearchParams(fields),
  })
const sessionOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('sign-in-session='))!
    .split(';')[0]!

/** Sets an authenticator app up; gives the session's cookie afterwards. */
async function enrol(cookie: string): Promise<string> {
  const page = await fetch(new URL('/account/security', server.url), { headers: { cookie } })
  const [, form = ''] = /name="form" value="([^"]+)"/.exec(await page.text()) ?? []
  const begun = await (await post('/account/security/authenticator', { form }, cookie)).text()
  const secret = /class="key">([A-Z2-7 ]+)</.exec(begun)![1]!.replaceAll(' ', '')
  const code = totpCode(secret, totpStep(systemClock.now()))
  return sessionOf(await post('/account/security/authenticator-confirm', { form, code }, cookie))
}

test('a whole system signs people in, knows them afterwards, and keeps its promises about it', async () => {
  const person = { email: 'ada@example.com', password: GOOD_PASSWORD }
  expect((await post('/account/sign-up', { ...person, name: 'Ada' })).status).toBe(303)
  const signedIn = await post('/account/sign-in', person)
  const [cookie = ''] = signedIn.headers.getSetCookie()
  expect(cookie).toMatch(/^sign-in-session=/)
  const asked = new Request(server.url, { headers: { cookie: cookie.split(';')[0]! } })
  expect(await surety.identify(asked)).toMatchObject({ kind: 'user', tenant: null, roles: [] })
  expect(await surety.identify(new Request(server.url))).toMatchObject({ kind: 'anonymous' })

  const runs = await surety.probe({ site: server.url })
  const outcomes = Object.fromEntries(runs.map(({ id, outcome, summary }) => [id, `${outcome}: ${summary}`]))
  for (const id of [
    'encryption.passwords',
    'auth.passwords',
    'auth.brute-force',
    'auth.mfa',
    'encryption.rest',
  ])
    expect(outcomes[id], id).toMatch(/^kept/)
  const shown = (await (await fetch(new URL('/security.json', server.url))).json()) as {
    promises: { status: string }[]
  }
  expect(shown.promises.map(({ status }) => status)).toEqual(['kept', 'kept', 'kept', 'kept', 'kept'])
})

test('a whole system joins sign-in with organisations, and an organisation with its networks', async () => {
  const { identity, tenants } = surety
  const tenant = createId(systemClock)
  const person = { email: 'grace@example.com', password: GOOD_PASSWORD }
  await post('/account/sign-up', { ...person, name: 'Grace' })
  const first = sessionOf(await post('/account/sign-in', person))
  const { personId } = (await identity!.signedIn(new Request(server.url, { headers: { cookie: first } })))!
  await tenants!.members.found(tenant, personId)
  const administrator = (await tenants!.principalOf(personId))!
  await tenants!.allowList.set(administrator, ['127.0.0.1/32'], '127.0.0.1')

  // Their role demands a second factor: until it is there, nothing else opens.
  const again = await post('/account/sign-in', person)
  expect([again.status, again.headers.get('location')]).toEqual([303, '/account/security'])
  let cookie = sessionOf(again)
  const look = async (path: string) =>
    fetch(new URL(path, server.url), { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })
  expect((await look('/account/members')).status).toBe(303)
  cookie = await enrol(cookie)
  const members = await look('/account/members')
  expect(members.status).toBe(200)
  const shown = await members.text()
  expect(shown).toContain('href="/account/security"')
  expect(shown).toContain('Grace · grace@example.com')
  const inside = (await tenants!.principalOf(personId, { address: '127.0.0.1' }))!
  await tenants!.allowList.set(inside, ['198.51.100.0/24'], '198.51.100.7')
  expect((await look('/account/members')).status).toBe(403)
  const stranger = await fetch(new URL('/account/members', server.url), { redirect: 'manual' })
  expect([stranger.status, stranger.headers.get('location')]).toEqual([
    303,
    '/account/sign-in?next=%2Faccount%2Fmembers',
  ])
})

test('an API key says who asks, until the account behind it is switched off or removed', async () => {
  const { accounts, tenants } = surety
  const [tenant, personId] = [createId(systemClock), await accounts!.add(HOPPER)]
  await tenants!.members.found(tenant, personId)
  const { text } = await tenants!.keys.create((await tenants!.principalOf(personId))!, {
    name: 'ci',
    scopes: [],
  })
  expect(await tenants!.keys.principalOf(text)).toMatchObject({ id: personId })
  const asked = (key: string) =>
    surety.identify(new Request(server.url, { headers: { authorization: `Bearer ${key}` } }))
  expect(await asked(text)).toMatchObject({ kind: 'user', id: personId, tenant })
  expect(await asked('something-else')).toMatchObject({ kind: 'anonymous' })
  await accounts!.setEnabled(personId, false)
  expect(await tenants!.keys.principalOf(text)).toBeNull()
  expect(await asked(text)).toMatchObject({ kind: 'anonymous' })
  await accounts!.setEnabled(personId, true)
  expect(await asked(text)).toMatchObject({ id: personId })
  await accounts!.remove(personId)
  expect(await asked(text)).toMatchObject({ kind: 'anonymous' })
})

const HOPPER = { email: 'hopper@example.com', emailVerified: true, name: 'Hopper' }

test('a whole system serves the scripts of its pages', async () => {
  const page = await (await fetch(new URL('/account/sign-in', server.url))).text()
  const [, script = ''] = /<script type="module"[^>]*src="([^"]+)"/.exec(page) ?? []
  const answer = await fetch(new URL(script, server.url))
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
})
