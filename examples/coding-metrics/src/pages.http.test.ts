import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
}, 240_000)
afterAll(() => system.close())

const member = () => system.people.find(({ role }) => role === 'member')!
const administrator = () => system.people.find(({ role }) => role === 'administrator')!
const page = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, system.url), { headers, redirect: 'manual' })

describe('the pages', () => {
  test('show a stranger how to sign in, and nothing of anybody', async () => {
    const text = await (await page('/')).text()
    expect(text).toContain('Sign in with')
    expect(text).not.toContain('wakapi')
    expect((await page('/team')).headers.get('location')).toBe('/')
  })

  test('show the person’s time, the administrator the team’s, a member their own alone', async () => {
    const { cookie } = member()
    expect(await (await page('/?days=14', { cookie })).text()).toContain('in the last 14 days')
    expect(await (await page('/?days=9999', { cookie })).text()).toContain('in the last 7 days')
    const team = await (await page('/team', { cookie: administrator().cookie })).text()
    expect(team).toContain('Ada')
    expect(team).toContain('acme-payments')
    const own = await (await page('/team', { cookie })).text()
    expect(own).not.toContain('Grace')
    expect(own).toContain('You see yourself alone')
  })

  test('lead everybody to what they may open, and to nothing else', async () => {
    const bySub = (sub: string) => system.people.find((person) => person.sub === sub)!
    const linksOf = async (sub: string) => {
      const text = await (await page('/account/security', { cookie: bySub(sub).cookie })).text()
      const [bar] = /<nav aria-label="Main">.*?<\/nav>/s.exec(text)!
      return [...bar.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)
    }
    const own = ['/account/security', '/account/sessions', '/account/access']
    const tenant = ['members', 'roles', 'keys', 'networks', 'reviews'].map((name) => `/account/${name}`)
    expect(await linksOf('person-ada')).toEqual([...own, '/account/keys'])
    expect(await linksOf('person-grace')).toEqual([...own, ...tenant])
    expect(await linksOf('person-ines')).toEqual([...own, '/console'])
    for (const sub of ['person-ada', 'person-grace', 'person-ines']) {
      for (const path of await linksOf(sub)) {
        const { status } = await page(path!, { cookie: bySub(sub).cookie })
        expect([sub, path, status]).toEqual([sub, path, 200])
      }
    }
  }, 120_000)

  test('lead a browser that is signed out to sign-in, and tell a program so', async () => {
    for (const path of ['/account/access', '/console', '/account/keys', '/account/security']) {
      const { status, headers } = await page(path, { accept: 'text/html' })
      const next = `/account/sign-in?next=${encodeURIComponent(path)}`
      expect([status, headers.get('location')]).toEqual([303, next])
    }
    for (const path of ['/account/access', '/console'])
      expect((await page(path, { accept: 'application/json' })).status).toBe(401)
  })

  test('stand under a policy whose nonce changes with every answer', async () => {
    const nonces = await Promise.all(
      ['/', '/connect', '/team', '/no-such-page'].map(async (path) => {
        const response = await page(path, { cookie: member().cookie })
        const policy = response.headers.get('content-security-policy') ?? ''
        expect(policy).not.toContain('unsafe')
        return /'nonce-([^']+)'/.exec(policy)?.[1]
      }),
    )
    expect(new Set(nonces).size).toBe(4)
  })

  test('serve their stylesheet, and answer an unknown address with a page', async () => {
    const [, path] = /href="(\/assets\/codetime-[0-9a-f]+\.css)"/.exec(await (await page('/')).text())!
    const styles = await page(path!)
    expect(styles.headers.get('content-type')).toContain('text/css')
    expect(styles.headers.get('cache-control')).toContain('immutable')
    const missing = await page('/no-such-page')
    expect(missing.status).toBe(404)
    expect(await missing.text()).toContain('There is no such page')
  })

  test('include the security page with every promise of the catalogue that this product makes', async () => {
    const { promises } = (await (await page('/security.json')).json()) as { promises: { key: string }[] }
    expect(promises.map(({ key }) => key).toSorted()).toEqual(
      [
        'access.custom-roles',
        'access.ip-allow-list',
        'access.rbac',
        'access.review?every=184d',
        'access.tenant-isolation',
        'auth.brute-force',
        'auth.mfa',
        'auth.oauth',
        'auth.passwords',
        'data.declared-fields',
        'data.inventory',
        'data.no-source-code',
        'disclosure.bounty',
        'disclosure.contact',
        'encryption.keys-apart',
        'encryption.passwords',
        'encryption.rest?scope=personal',
        'erasure.backups?within=27d',
        'erasure.production?within=24h',
        'erasure.self-service',
        'guard.headers',
        'incident.process',
        'infra.provider',
        'monitor.audit-trail',
        'monitor.security',
        'privacy.lawful-basis',
        'retention.logs?atMost=1y',
        'sdlc.code-review',
        'sdlc.security-review',
        'staff.access-controlled',
        'staff.access-logged',
        'staff.privileged?reviewed=1y',
      ].toSorted(),
    )
    expect((await page('/security')).status).toBe(200)
    expect(await (await page('/security/data')).text()).toContain('path of the open file')
  })
})
