import { createHash, createPrivateKey, sign } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StaffRoom } from 'surety'
import type { DemoPasskey } from './demo-passkey.ts'
import { openDemoStaff } from './demo-staff.ts'
import type { RunningDemoPerson } from './main.ts'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
let staff: StaffRoom
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
  staff = system.backend.staff
}, 240_000)
afterAll(() => system.close())

const bySub = (sub: string): RunningDemoPerson => system.people.find((person) => person.sub === sub)!
const page = (path: string, { cookie }: { cookie: string }, accept = 'text/html') =>
  fetch(new URL(path, system.url), { headers: { cookie, accept }, redirect: 'manual' })

async function personIdOf(person: RunningDemoPerson): Promise<string> {
  return (await system.backend.accounts.find({ email: person.email }))!.personId
}

async function passkeyOf({ sub }: RunningDemoPerson): Promise<DemoPasskey> {
  return JSON.parse(await readFile(join(system.dataDir, 'staff-keys', `${sub}.json`), 'utf8')) as DemoPasskey
}

/** Signs as the member's security key does (WebAuthn §6.3.3). */
async function signAs(member: RunningDemoPerson, challenge: Uint8Array) {
  const { registration, privateKey } = await passkeyOf(member)
  const { id, origins } = staff.passkeys
  const clientData = Buffer.from(
    JSON.stringify({
      type: 'webauthn.get',
      challenge: Buffer.from(challenge).toString('base64url'),
      origin: origins[0],
    }),
  )
  const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest()
  const data = Buffer.concat([sha256(id), Buffer.of(0x05, 0, 0, 0, 0)])
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' })
  return {
    credential: registration.credential,
    authenticatorData: data.toString('base64url'),
    clientData: clientData.toString('base64url'),
    signature: sign('sha256', Buffer.concat([data, sha256(clientData)]), key).toString('base64url'),
  }
}

/** A grant that Ines asks for, about Ada. */
async function askAbout(
  resources: Record<string, null> = { heartbeats: null },
  kind: 'support' | 'impersonation' = 'support',
): Promise<string> {
  const ada = await personIdOf(bySub('person-ada'))
  const [tenant = null] = await system.backend.tenants.tenantsOf(ada)
  const { id } = await staff.grants.request(await personIdOf(bySub('person-ines')), {
    purpose: 'a day is empty',
    ticket: 'CASE-7',
    scope: { tenant, subject: ada },
    resources,
    kind,
  })
  return id
}

async function approve(id: string, by = bySub('person-ravi')): Promise<void> {
  await staff.grants.approve(await personIdOf(by), id, await signAs(by, await staff.grants.challenge(id)))
}

async function codeOf(response: Response): Promise<[number, unknown]> {
  const body: unknown = await response.json()
  return [response.status, (body as { code?: unknown }).code]
}

describe('the demo’s staff', () => {
  test('are three with a passkey of theirs, whose private parts are for their owner’s eyes only', async () => {
    expect(await staff.standing()).toMatchObject({ active: 3, enough: true, open: 0 })
    for (const sub of ['person-ines', 'person-ravi', 'person-tove']) {
      const { mode } = await stat(join(system.dataDir, 'staff-keys', `${sub}.json`))
      expect(mode & 0o777).toBe(0o600)
    }
    expect(bySub('person-ines')).toMatchObject({ role: 'staff:support', apiKey: null, enrolmentCode: null })
    expect(bySub('person-ravi').enrolmentCode).toMatch(/^[\w-]{32}$/)
  })

  test('are founded once: another start changes nobody, and hands out new codes', async () => {
    const before = await staff.members.all()
    const again = await openDemoStaff(system.backend, system.dataDir)
    expect(await staff.members.all()).toEqual(before)
    expect(again.map(({ role }) => role)).toEqual(['staff:support', 'staff:lead', 'staff:lead'])
    expect(again[1]!.enrolmentCode).not.toBe(bySub('person-ravi').enrolmentCode)
  })

  test('have no team and no time here: they are led to their grants', async () => {
    for (const path of ['/', '/team']) {
      const answer = await page(path, bySub('person-ines'))
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/staff'])
    }
    const ines = await personIdOf(bySub('person-ines'))
    expect(await system.backend.tenants.tenantsOf(ines)).toEqual([])
    expect(await (await page('/staff', bySub('person-ines'))).text()).toContain('You have no grant')
  })

  test('alone see the staff’s pages', async () => {
    for (const path of ['/staff', '/staff/grants/00000000-0000-7000-8000-000000000000']) {
      const answer = await page(path, bySub('person-grace'), 'application/json')
      expect(await codeOf(answer)).toEqual([403, 'ERR_CODETIME_NOT_STAFF'])
    }
    const stranger = await page('/staff', { cookie: '' })
    expect([stranger.status, stranger.headers.get('location')]).toEqual([
      303,
      '/account/sign-in/with/demo?next=%2Fstaff',
    ])
  })
})

describe('a person’s heartbeats', () => {
  const look = (id: string, who = bySub('person-ines')) =>
    page(`/staff/grants/${id}`, who, 'application/json')

  test('are not shown without a grant', async () => {
    expect(await codeOf(await look('00000000-0000-7000-8000-000000000000'))).toEqual([404, 'ERR_STAFF_GRANT'])
    expect(await codeOf(await look('anything'))).toEqual([404, 'ERR_CODETIME_NO_GRANT'])
    const ines = {
      kind: 'operator',
      id: await personIdOf(bySub('person-ines')),
      tenant: null,
      roles: [],
    } as const
    await expect(
      system.backend.as(ines).db.selectFrom('heartbeats').select('id').execute(),
    ).rejects.toHaveProperty('code', 'ERR_STAFF_GRANT')
  })

  test('are not shown while the grant waits, nor when it was refused or ended', async () => {
    const [waiting, refused, ended] = [await askAbout(), await askAbout(), await askAbout()]
    await staff.grants.refuse(await personIdOf(bySub('person-tove')), refused)
    await approve(ended)
    expect((await look(ended)).status).toBe(200)
    await staff.grants.end(await personIdOf(bySub('person-tove')), ended)
    for (const id of [waiting, refused, ended])
      expect(await codeOf(await look(id))).toEqual([403, 'ERR_STAFF_STATE'])
  })

  test('are shown under an approved grant with their ids, and Ada is told of each look', async () => {
    const id = await askAbout()
    await approve(id)
    const seen = await page(`/staff/grants/${id}`, bySub('person-ines'))
    expect(seen.headers.get('cache-control')).toBe('no-store')
    const text = await seen.text()
    expect(text).toContain('a day is empty')
    const ids = [...text.matchAll(/<code>([0-9a-f-]{36})<\/code>/g)].map(([, found]) => found!)
    expect(ids.length).toBe(50)
    const ada = await personIdOf(bySub('person-ada'))
    const { db } = system.backend.as(system.backend.system('test', ['heartbeats']))
    const rows = await db.selectFrom('heartbeats').select('personId').where('id', 'in', ids).execute()
    expect(rows.map(({ personId }) => personId)).toEqual(ids.map(() => ada))
    const shown = await (await page('/account/access', bySub('person-ada'))).text()
    for (const told of ['support', 'a day is empty', 'Read heartbeats', '50']) expect(shown).toContain(told)
    expect(shown).not.toContain('Ines')
  })

  test('are not shown to another member under that grant, nor by a grant that is about something else', async () => {
    const id = await askAbout()
    await approve(id)
    expect(await codeOf(await look(id, bySub('person-ravi')))).toEqual([404, 'ERR_STAFF_GRANT'])
    const other = await askAbout({ people: null })
    await approve(other)
    expect(await codeOf(await look(other))).toEqual([403, 'ERR_STORE_FORBIDDEN'])
  })

  test('are not shown when the time of the grant is over', async () => {
    const id = await askAbout()
    await approve(id)
    expect((await look(id)).status).toBe(200)
    system.clock.advance(3_600_000)
    expect(await codeOf(await look(id))).toEqual([403, 'ERR_ACCESS_GRANT_TIME'])
  })
})

describe('the product, seen by staff as somebody else', () => {
  const BANNER = 'You see this product as somebody else does'
  const ines = () => bySub('person-ines')
  const tokenIn = (text: string) => /name="form" value="([^"]+)"/.exec(text)![1]!
  const post = (path: string, cookie: string, form: string) =>
    fetch(new URL(path, system.url), {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'same-origin', accept: 'text/html' },
      body: new URLSearchParams({ form }),
      redirect: 'manual',
    })

  /** The cookies of Ines, who sees the product as Ada, and the token of her forms. */
  async function seeAsAda(resources: Record<string, null>): Promise<{ cookie: string; form: string }> {
    const id = await askAbout(resources, 'impersonation')
    await approve(id)
    const form = tokenIn(await (await page(`/console/grants/${id}`, ines())).text())
    const begun = await post(`/console/grants/${id}/impersonate`, ines().cookie, form)
    expect([begun.status, begun.headers.get('location')]).toEqual([303, '/'])
    return { cookie: `${ines().cookie}; ${begun.headers.getSetCookie()[0]!.split(';')[0]}`, form }
  }

  test('shows the person’s own pages under the banner, and the person each look', async () => {
    const seen = await seeAsAda({ heartbeats: null, people: null })
    const dashboard = await (await page('/', seen)).text()
    for (const shown of [BANNER, 'wakapi', 'acme-payments', '<span dir="auto">Ada</span>'])
      expect(dashboard).toContain(shown)
    const team = await (await page('/team', seen)).text()
    expect(team).toContain(BANNER)
    expect(team).not.toContain('Grace')
    const connect = await (await page('/connect', seen)).text()
    expect(connect).toContain(BANNER)
    expect(connect).not.toContain('Make a key')
    const told = await (await page('/account/access', bySub('person-ada'))).text()
    expect(told).toContain('Saw the product as you see it.')
  })

  test('shows what the grant opens and nothing else', async () => {
    const seen = await seeAsAda({ heartbeats: null })
    const dashboard = await (await page('/', seen)).text()
    expect(dashboard).toContain('wakapi')
    expect(dashboard).not.toContain('Ada')
    expect((await page('/team', seen)).status).toBe(403)
  })

  test('changes nothing: a write in the person’s name is refused', async () => {
    const { db } = system.surety.as(system.surety.system('test', ['api_keys']))
    const count = async () => (await db.selectFrom('api_keys').select('id').execute()).length
    const before = await count()
    const seen = await seeAsAda({ heartbeats: null, people: null })
    const answer = await post('/connect/keys', seen.cookie, seen.form)
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('what their grant says'),
    ])
    expect(await count()).toBe(before)
  })

  test('ends with the grant, and Ines is back among her grants', async () => {
    const seen = await seeAsAda({ heartbeats: null })
    const ended = await post('/console/impersonation/end', seen.cookie, seen.form)
    expect(ended.headers.getSetCookie()[0]).toMatch(/^codetime-as=; Max-Age=0/)
    system.clock.advance(3_600_000)
    const answer = await page('/', seen)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/staff'])
  })
})
