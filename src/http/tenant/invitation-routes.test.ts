import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../../kernel/index.ts'
import { openTestMail, type TestMail } from '../../mail/testing.ts'
import { openWorld, type World } from '../../tenants/testing/world.ts'
import { nobodyYet, siteOf as tenantSiteOf, URL_BASE } from '../testing/tenant-site.ts'

let world: World
let mail: TestMail
const addresses = new Map<string, string>()
beforeAll(async () => {
  mail = openTestMail()
  world = await openWorld(
    {},
    {
      outbox: mail.outbox,
      from: () => ({ name: 'Codetime', url: URL_BASE }),
      canonical: (typed) => typed,
      mayWriteTo: async () => true,
      prove: async (personId, email) => addresses.get(personId) === email,
    },
  )
  mail.start({ store: world.store.store, clock: world.clock })
}, 120_000)
afterAll(() => world.close())

const siteOf = (personId: string | null, w = world) =>
  tenantSiteOf(w, personId === null ? null : nobodyYet(personId))

let count = 0
async function invited() {
  const founder = await world.found()
  const [id, email] = [createPseudonym(), `guest-${++count}@example.com`]
  addresses.set(id, email)
  const sent = await siteOf(founder.id).post('/account/members/invite', { email, role: 'member' })
  expect([sent.status, sent.headers.get('location')]).toEqual([303, '/account/members'])
  const link = await mail.linkTo(email)
  return { founder, id, email, link, token: new URL(link, URL_BASE).searchParams.get('token')! }
}
const rolesOf = async (id: string) => (await world.tenants.principalOf(id))?.roles ?? null

describe('the members’ page', { timeout: 120_000 }, () => {
  test('invites by mail, lists who is invited, and takes it back', async () => {
    const { founder, id, email, token } = await invited()
    const page = await (await siteOf(founder.id).get('/account/members')).text()
    expect(page).toContain(email)
    const [, row] = /invitation-revoke"[^>]*>.*?name="id" value="([^"]+)"/s.exec(page)!
    await siteOf(founder.id).post('/account/members/invitation-revoke', { id: row! })
    expect(await (await siteOf(founder.id).get('/account/members')).text()).not.toContain(email)
    expect((await siteOf(id).post('/account/invitation', { token })).status).toBe(409)
    expect(await rolesOf(id)).toBeNull()
  })

  test('says what is wrong, and sends nothing', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const site = siteOf(founder.id)
    const email = 'nobody@example.com'
    expect((await site.post('/account/members/invite', { email, role: 'treasurer' })).status).toBe(403)
    expect((await site.post('/account/members/invite', { email, role: 'none' })).status).toBe(400)
    expect((await siteOf(member.id).post('/account/members/invite', { email })).status).toBe(403)
    const foreign = { 'sec-fetch-site': 'cross-site' }
    expect((await site.post('/account/members/invite', { email }, foreign)).status).toBe(403)
    expect((await site.post('/account/members/invite', { email, form: 'another' })).status).toBe(403)
    expect(await mail.to(email)).toEqual([])
  })

  test('says that nobody is invited where no mail is configured', async () => {
    const bare = await openWorld()
    try {
      const founder = await bare.found()
      const site = siteOf(founder.id, bare)
      const page = await (await site.get('/account/members')).text()
      expect(page).toContain('This site sends no mail')
      expect(page).not.toContain('members/invite')
      expect((await site.post('/account/members/invite', { email: 'a@example.com' })).status).toBe(400)
      expect((await site.get('/account/invitation?token=x')).status).toBe(404)
    } finally {
      await bare.close()
    }
  })
})

describe('the link of an invitation', { timeout: 120_000 }, () => {
  test('leads to sign-in and back, changes nothing by being opened, and joins by a form', async () => {
    const { id, link, token } = await invited()
    const stranger = await siteOf(null).get(link)
    expect(stranger.headers.get('location')).toBe(`/account/sign-in?next=${encodeURIComponent(link)}`)
    for (let i = 0; i < 3; i++) expect((await siteOf(id).get(link)).status).toBe(200)
    expect(await rolesOf(id)).toBeNull()
    const joined = await siteOf(id).post('/account/invitation', { token })
    expect(joined.headers.get('location')).toBe('/account/invitation?done')
    expect(await rolesOf(id)).toEqual(['member'])
    expect((await siteOf(id).get(link)).status).toBe(409)
    expect((await siteOf(id).post('/account/invitation', { token })).status).toBe(409)
  })

  test('joins nobody by the form of another site or session, nor who is signed out', async () => {
    const { id, token } = await invited()
    const site = siteOf(id)
    expect((await site.post('/account/invitation', { token, form: 'another' })).status).toBe(403)
    expect(
      (await site.post('/account/invitation', { token }, { 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403)
    expect((await siteOf(null).post('/account/invitation', { token })).status).toBe(303)
    expect(await rolesOf(id)).toBeNull()
  })

  test('joins nobody who has another address, and names the right one to nobody', async () => {
    const { email, token } = await invited()
    const other = createPseudonym()
    addresses.set(other, 'other@example.com')
    const answer = await siteOf(other).post('/account/invitation', { token })
    const page = await answer.text()
    expect(answer.status).toBe(403)
    expect(page).toContain('another address')
    expect(page).not.toContain(email)
    expect(await rolesOf(other)).toBeNull()
  })
})
