import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signInThrough } from '@surety-examples/identity-provider'
import { signInPath } from './sign-in.ts'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
}, 240_000)
afterAll(() => system.close())

const member = () => system.people.find(({ role }) => role === 'member')!
const page = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, system.url), { headers, redirect: 'manual' })
const through = (sub: string, returnTo = '/') =>
  signInThrough({ start: `${system.url}${signInPath(returnTo)}`, sub })
const post = (path: string, headers: Record<string, string>) =>
  fetch(new URL(path, system.url), { method: 'POST', headers, redirect: 'manual' })

/** A sign-in up to the moment when the provider sends the browser back. */
async function untilCallback(sub = 'person-ada'): Promise<{ callback: string; cookie: string }> {
  const begun = await page(signInPath())
  const cookie = begun.headers.getSetCookie()[0]!.split(';')[0]!
  const jar = new Map<string, string>()
  let next = new URL(begun.headers.get('location')!)
  let form: URLSearchParams | null = null
  while (next.origin !== system.url) {
    const headers = { cookie: [...jar].map((pair) => pair.join('=')).join('; ') }
    const answer: Response = await fetch(next, {
      method: form ? 'POST' : 'GET',
      headers,
      redirect: 'manual',
      ...(form && { body: form }),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]!.split('=')
      jar.set(name, value)
    }
    const location = answer.headers.get('location')
    form = location === null ? new URLSearchParams({ person: sub }) : null
    if (location !== null) next = new URL(location, next)
  }
  return { callback: next.href, cookie }
}

describe('signing in through the demo’s provider', () => {
  test('ends on the dashboard, with a cookie that scripts and other sites cannot use', async () => {
    const { callback, cookie } = await untilCallback()
    const answer = await page(callback, { cookie })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/')
    const [ended, session] = answer.headers.getSetCookie()
    expect(ended).toMatch(/^codetime-sign-in=; .*Max-Age=0/)
    expect(session).toMatch(/^codetime-session=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
    const dashboard = await page('/', { cookie: session!.split(';')[0]! })
    expect(await dashboard.text()).toContain('wakapi')
    expect(dashboard.headers.get('cache-control')).toBe('no-store')
  })

  test('gives a newcomer an account and a team of their own, once', async () => {
    const { cookie, status } = await through('person-noor')
    expect(status).toBe(200)
    const visits = await Promise.all([0, 1, 2].map(() => page('/', { cookie })))
    for (const visit of visits) expect(await visit.text()).toContain('Noor')
    const team = await (await page('/team', { cookie })).text()
    expect(team).not.toContain('Ada')
    const { db } = system.surety.as(system.surety.system('test', ['people', 'teams']))
    const rows = db.selectFrom('people').select('teamId').where('email', '=', 'noor@elsewhere.example')
    expect(await rows.execute()).toHaveLength(1)
    await through('person-noor')
    expect(await rows.execute()).toHaveLength(1)
  })

  test('works however much time has passed: the provider lives by the same clock', async () => {
    for (const hours of [0, 2]) {
      system.clock.advance(hours * 3_600_000)
      system.provider.tellTime()
      const { cookie } = await through('person-grace')
      expect(await (await page('/', { cookie })).text()).toContain('Grace')
    }
  })

  test('leaves neither code, state, token nor address in the log', async () => {
    const { callback, cookie } = await untilCallback()
    const session = (await page(callback, { cookie })).headers.getSetCookie()[1]!.split(/[=;]/)[1]!
    const log = system.logged.join('\n')
    const { searchParams } = new URL(callback)
    expect(log).toContain('/account/sign-in/with/:provider/callback')
    const secrets = [searchParams.get('code')!, searchParams.get('state')!, session, cookie.split('=')[1]!]
    for (const secret of [...secrets, 'ada@codetime.example']) expect(log).not.toContain(secret)
  })

  test('leads to no other site', async () => {
    for (const returnTo of ['https://evil.example/', '//evil.example', '/\\evil.example']) {
      expect((await through('person-ada', returnTo)).url).toBe(`${system.url}/account/security`)
    }
    expect((await through('person-grace', '/team?days=14')).url).toBe(`${system.url}/team?days=14`)
  })

  test('sends the provider our own address, whatever host the request names', async () => {
    const location = await new Promise<string>((resolve, reject) => {
      const url = new URL(signInPath(), system.url)
      const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
      const sent = request(url, { headers }, (response) => {
        response.resume()
        resolve(response.headers.location ?? '')
      })
      sent.once('error', reject).end()
    })
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(
      `${system.url}/account/sign-in/with/demo/callback`,
    )
  })
})

describe('what is refused', () => {
  const refused = async (callback: string, cookie: string, status: number) => {
    const answer = await page(callback, { cookie, accept: 'application/json' })
    expect(answer.status).toBe(status)
    expect(answer.headers.getSetCookie().filter((line) => line.startsWith('codetime-session'))).toEqual([])
    return (await answer.json()) as { code: string }
  }

  test('the answer to a sign-in that another browser began', async () => {
    const { callback } = await untilCallback()
    expect(await refused(callback, '', 400)).toMatchObject({ code: 'ERR_IDENTITY_SIGN_IN_LOST' })
    const own = (await page(signInPath())).headers.getSetCookie()[0]!.split(';')[0]!
    expect(await refused(callback, own, 403)).toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_ANSWER' })
  })

  test('the same answer again', async () => {
    const { callback, cookie } = await untilCallback()
    expect((await page(callback, { cookie })).status).toBe(303)
    expect(await refused(callback, cookie, 400)).toMatchObject({ code: 'ERR_IDENTITY_SIGN_IN_USED' })
  })

  test('a person with somebody’s address that the provider did not verify', async () => {
    const { email } = member()
    await system.provider.add({ sub: 'mallory', name: 'Mallory', email, emailVerified: false })
    const { callback, cookie } = await untilCallback('mallory')
    expect(await refused(callback, cookie, 403)).toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_EMAIL' })
  })

  test('a provider that nobody configured', async () => {
    expect((await page('/account/sign-in/with/evil')).status).toBe(404)
  })

  test('with a page that says what to do, for people', async () => {
    const { callback } = await untilCallback()
    const answer = await page(callback, { accept: 'text/html' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('Begin it again')
  })
})

describe('a session', () => {
  test('that was planted before the sign-in is not the one after it, and is worth nothing', async () => {
    const planted = (await through('person-noor')).cookie
    const { callback, cookie } = await untilCallback()
    const answer = await page(callback, { cookie: `${planted}; ${cookie}` })
    const session = answer.headers.getSetCookie()[1]!.split(';')[0]!
    expect(session).not.toBe(planted)
    expect(await (await page('/', { cookie: session })).text()).toContain('Ada')
    expect(await (await page('/', { cookie: planted })).text()).toContain('Sign in with')
  })

  test('ends with signing out, whoever kept the cookie', async () => {
    const { cookie } = await through('person-ada')
    expect((await post('/sign-out', { cookie })).status).toBe(303)
    expect(await (await page('/', { cookie })).text()).toContain('Sign in with')
  })

  test('is not ended by another site’s form', async () => {
    const { cookie } = await through('person-ada')
    for (const foreign of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ]) {
      expect((await post('/sign-out', { cookie, ...foreign })).status).toBe(403)
    }
    expect(await (await page('/', { cookie })).text()).toContain('Ada')
  })

  test('is gone at once with an account that is switched off', async () => {
    const { cookie } = await through('person-tove')
    const { db } = system.surety.as(system.surety.system('test', ['accounts']))
    const { personId } = await db
      .selectFrom('accounts')
      .select('personId')
      .where('email', '=', 'tove@staff.codetime.example')
      .executeTakeFirstOrThrow()
    await system.surety.accounts!.setEnabled(personId, false)
    expect(await (await page('/', { cookie })).text()).toContain('Sign in with')
    expect((await through('person-tove')).status).toBe(403)
  })
})
