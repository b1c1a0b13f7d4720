import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/database/index.ts'
import { startTestDatabase, type TestDatabase } from '../../src/database/testing.ts'
import { serveNode, type RunningServer, type SuretyEnv } from '../../src/http/index.ts'
import { GOOD_PASSWORD } from '../../src/identity/testing.ts'
import { createPseudonym, manualClock } from '../../src/kernel/index.ts'
import { findKeys } from '../../src/tenants/index.ts'
import {
  accountResources,
  defineSurety,
  field,
  openSurety,
  resource,
  tenantResources,
  type AnySurety,
} from '../../src/surety.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ADA = { email: 'ada@example.com', password: GOOD_PASSWORD, name: 'Ada' }
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const notes = resource({
  name: 'notes',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  fields: { personId: field.id(), teamId: field.id(), text: field.text('what was written', { max: 200 }) },
})

const clock = manualClock(Date.parse('2026-11-22T12:00:00Z'))
let folder: string
let database: TestDatabase
let surety: AnySurety
let server: RunningServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-keys-'))
  database = await startTestDatabase({ bare: true })
  const page = join(folder, 'security.md')
  await writeFile(page, 'Nothing is promised here.\n')
  const config = defineSurety({
    name: 'Notes',
    origin: 'notes.example',
    page,
    resources: { ...accountResources, ...tenantResources, notes },
    roles: { administrator: ['notes:*:tenant'], member: ['notes:*:own'] },
    signIn: {},
  })
  surety = (await openSurety(config, {
    dataDir: join(folder, 'data'),
    server: database.server,
    name: `keys-${createPseudonym().slice(0, 8)}`,
    clock,
    logger: silentLogger,
    endsEpochs: false,
    url: () => server.url,
  })) as unknown as AnySurety
  const app = new Hono<SuretyEnv>()
  app.use('*', surety.protect())
  app.get('/notes', async (c) => {
    const principal = await surety.identify(c.req.raw)
    if (principal.kind === 'anonymous') return c.json({ code: 'WHO' }, 401)
    return c.json(await surety.as(principal).db.selectFrom('notes').select('text').execute())
  })
  app.route('/', surety.routes())
  server = await serveNode({ fetch: app.fetch, port: 0 })
  await found()
}, 240_000)
afterAll(async () => {
  await server?.close()
  await surety?.close()
  await database?.close()
  await rm(folder, { recursive: true, force: true })
})

const post = (path: string, fields: Record<string, string>, cookie = '') =>
  fetch(new URL(path, server.url), {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: server.url, accept: 'text/html', cookie },
    body: new URLSearchParams(fields),
  })
const look = async (path: string, cookie: string) =>
  (await fetch(new URL(path, server.url), { headers: { cookie, accept: 'text/html' } })).text()
const statusWith = async (key: string) =>
  (await fetch(new URL('/notes', server.url), { headers: { authorization: `Bearer ${key}` } })).status

async function signIn(): Promise<string> {
  const answer = await post('/account/sign-in', ADA)
  return answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('notes-session='))!
    .split(';')[0]!
}

/** Ada signs up, and administers an organisation with one note of hers. */
async function found(): Promise<void> {
  await post('/account/sign-up', ADA)
  const { personId } = (await surety.accounts!.find({ email: ADA.email }))!
  await surety.tenants!.members.found(createPseudonym(), personId)
  const principal = (await surety.tenants!.principalOf(personId))!
  const row = { personId, text: 'a note of hers' }
  await surety
    .as(principal)
    .db.insertInto('notes')
    .values(row as never)
    .execute()
}

/** What a form of the keys' page does; gives the key that it shows, if any. */
async function change(name: string, fields: Record<string, string>): Promise<string> {
  const cookie = await signIn()
  const [, form = ''] = /name="form" value="([^"]+)"/.exec(await look('/account/keys', cookie)) ?? []
  const answer = await post(`/account/keys/${name}`, { form, ...fields }, cookie)
  return /notes_[0-9A-Za-z]{71}/.exec(await answer.text())?.[0] ?? ''
}
const make = (term: string) => change('create', { name: 'ci', scope: 'notes:read:tenant', term })
const idOf = (key: string) => findKeys(key)[0]!.id

describe('an API key over HTTP', { timeout: 120_000 }, () => {
  test('opens what it may, and its page says in which hour it was last used', async () => {
    const key = await make('90d')
    const lastUse = async () => {
      const page = await look('/account/keys', await signIn())
      return /data-label="Last used"><[^>]*>([^<]*)/.exec(page)?.[1]
    }
    expect(await lastUse()).toBe('never')
    clock.advance(2.5 * HOUR_MS)
    const answer = await fetch(new URL('/notes', server.url), { headers: { authorization: `Bearer ${key}` } })
    expect([answer.status, await answer.json()]).toEqual([200, [{ text: 'a note of hers' }]])
    expect(await lastUse()).toMatch(/14:00 UTC$/)
    expect(await statusWith(`${key.slice(0, -1)}x`)).toBe(401)
  })

  test('is changed over: the old one and the new one both open for a day, then the new one alone', async () => {
    const old = await make('90d')
    const fresh = await change('rotate', { id: idOf(old) })
    expect(idOf(fresh)).not.toBe(idOf(old))
    clock.advance(DAY_MS - 1)
    expect([await statusWith(old), await statusWith(fresh)]).toEqual([200, 200])
    clock.advance(1)
    expect([await statusWith(old), await statusWith(fresh)]).toEqual([401, 200])
  })

  test('opens until its end, and not a moment longer', async () => {
    const key = await make('30d')
    clock.advance(30 * DAY_MS - 1)
    expect(await statusWith(key)).toBe(200)
    clock.advance(1)
    expect(await statusWith(key)).toBe(401)
    expect(await look('/account/keys', await signIn())).toContain('ended')
  })

  test('opens nothing from its revocation on', async () => {
    const key = await make('30d')
    expect(await statusWith(key)).toBe(200)
    await change('revoke', { id: idOf(key) })
    expect(await statusWith(key)).toBe(401)
  })

  test('is found by surety scan-secrets where somebody left it, by what is revoked then', async () => {
    const key = await make('30d')
    const tree = join(folder, 'tree')
    await mkdir(tree)
    await writeFile(join(tree, '.env'), `TOKEN=${key}\n`)
    const all = ['--conditions=surety-source', MAIN, 'scan-secrets', tree, '--json']
    const { status, stdout } = spawnSync(process.execPath, all, { encoding: 'utf8' })
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { found: [{ id: idOf(key), prefix: 'notes' }] }])
    expect(stdout).not.toContain(key)
  })
})
