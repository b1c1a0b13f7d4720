import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSoftAuthenticator } from '../../src/access/testing/soft-authenticator.ts'
import { silentLogger } from '../../src/database/index.ts'
import { startTestDatabase, type TestDatabase } from '../../src/database/testing.ts'
import type { SuretyEnv } from '../../src/http/index.ts'
import { CLIENT } from '../../src/identity/testing.ts'
import { createPseudonym } from '../../src/kernel/index.ts'
import {
  accountResources,
  defineSurety,
  field,
  openSurety,
  resource,
  staffResources,
  type AnySurety,
} from '../../src/surety.ts'

const URL_OF_SITE = 'http://localhost:4999'
const TOKEN = 'the-token-of-the-directory'
const notes = resource({
  name: 'notes',
  subject: 'personId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  fields: { personId: field.id(), text: field.text('what was written', { max: 200 }) },
})
type Notes = Kysely<{ notes: { text: string; personId: string } }>

let folder: string
let database: TestDatabase
let surety: AnySurety
let app: Hono<SuretyEnv>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-staffing-'))
  database = await startTestDatabase({ bare: true })
  const page = join(folder, 'security.md')
  await writeFile(page, '[Staff see nothing without need](promise:staff.access-controlled).\n')
  const config = defineSurety({
    name: 'Notes',
    origin: 'notes.example',
    page,
    resources: { ...accountResources, ...staffResources, notes },
    roles: { member: [] },
    signIn: { scim: { tokenSha256: createHash('sha256').update(TOKEN).digest('hex') } },
    staff: {
      roles: {
        support: { reads: ['notes'], kinds: ['support', 'impersonation'] },
        lead: { approves: ['support'], reviews: true, appoints: ['support', 'lead'] },
      },
    },
  })
  surety = (await openSurety(config, {
    dataDir: join(folder, 'data'),
    server: database.server,
    name: `staffing-${createPseudonym().slice(0, 8)}`,
    logger: silentLogger,
    endsEpochs: false,
    url: URL_OF_SITE,
  })) as unknown as AnySurety
  app = new Hono<SuretyEnv>()
  app.use('*', surety.protect())
  app.route('/', surety.routes())
  app.get('/notes', async (c) => {
    const principal = await surety.identify(c.req.raw)
    const db = surety.as(principal).db as unknown as Notes
    const rows = await db.selectFrom('notes').select('text').execute()
    return c.html(`<!doctype html><html><body>${rows.map(({ text }) => text).join()}</body></html>`)
  })
  app.onError((error, c) => c.text((error as { code?: string }).code ?? 'unknown', 500))
}, 120_000)
afterAll(async () => {
  await surety?.close()
  await database?.close()
  await rm(folder, { recursive: true, force: true })
})

async function person(email: string) {
  const id = await surety.accounts!.add({ email, emailVerified: true, name: 'Somebody' })
  const token = await surety.identity!.enter(id, ['oidc'], CLIENT)
  const cookie = surety.identity!.cookie.set(token).split(';')[0]!
  const { sessionId } = (await surety.identity!.signedIn(new Request(URL_OF_SITE, { headers: { cookie } })))!
  return { id, cookie, form: surety.identity!.forms.of(sessionId) }
}

test('a whole system lets staff see the product as somebody else, until the directory switches them off', async () => {
  const staff = surety.staff!
  const [lead, other, supporter, ada] = [
    await person('lead@example.com'),
    await person('other@example.com'),
    await person('support@example.com'),
    await person('ada@example.com'),
  ]
  const site = { id: 'localhost', origins: [URL_OF_SITE] }
  const authenticator = createSoftAuthenticator(site)
  const [founder, second] = await staff.members.found([
    { personId: lead.id, role: 'lead' },
    { personId: other.id, role: 'lead' },
  ])
  await staff.members.enrol(founder!, authenticator.create(staff.members.enrolmentChallenge(founder!.code)))
  await staff.members.appoint(second!.personId, { personId: supporter.id, role: 'support' })
  const system = surety.as(surety.system('test', ['notes'])).db as unknown as Notes
  await system.insertInto('notes').values({ personId: ada.id, text: 'remember the milk' }).execute()
  const asked = {
    ...{ purpose: 'Ada cannot find her note', ticket: 'CASE-1', kind: 'impersonation' as const },
    ...{ scope: { tenant: null, subject: ada.id }, resources: { notes: null } },
  }
  const { id } = await staff.grants.request(supporter.id, asked)
  await staff.grants.approve(lead.id, id, authenticator.get(await staff.grants.challenge(id)))

  const begun = await app.request(`${URL_OF_SITE}/console/grants/${id}/impersonate`, {
    method: 'POST',
    headers: { cookie: supporter.cookie, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ form: supporter.form }),
  })
  expect(begun.status).toBe(303)
  const headers = { cookie: `${supporter.cookie}; ${begun.headers.get('set-cookie')!.split(';')[0]}` }
  const look = async () => (await app.request(`${URL_OF_SITE}/notes`, { headers })).text()
  const shown = await look()
  expect(shown).toContain('remember the milk')
  expect(shown).toContain('You see this product as somebody else does')
  const request = new Request(URL_OF_SITE, { headers })
  expect(await surety.identify(request)).toMatchObject({ kind: 'operator', id: supporter.id, grant: id })
  expect(await surety.impersonation(request)).toMatchObject({ personId: ada.id })
  expect(await staff.accesses.ofPerson(ada.id)).toMatchObject([{ kind: 'impersonation', rows: 1 }])

  const operator = await staff.principal(supporter.id, id)
  const query = (surety.as(operator).db as unknown as Notes).selectFrom('notes').select('text')
  expect(await query.execute()).toHaveLength(1)
  const scim = (active: boolean) =>
    app.request(`${URL_OF_SITE}/scim/v2/Users/${supporter.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify({ Operations: [{ op: 'Replace', path: 'active', value: active }] }),
    })
  expect((await scim(false)).status).toBe(200)
  await expect(query.execute()).rejects.toMatchObject({ code: 'ERR_STAFF_STATE' })
  expect(await look()).not.toContain('remember the milk')
  expect(await staff.roleOf(supporter.id)).toBe(null)
  expect((await scim(true)).status).toBe(200)
  await expect(query.execute()).rejects.toMatchObject({ code: 'ERR_STAFF_STATE' })
  expect((await staff.grants.read(id)).state).toBe('ended')
}, 120_000)
