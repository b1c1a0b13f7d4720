import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { GOOD_PASSWORD, OTHER_PASSWORD } from '../../src/identity/testing.ts'
import { startDemo, type Demo } from './demo.ts'

const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

const WIDTHS = [390, 1440]
const MIRA = 'mira@elsewhere.example'

describe.skipIf(!launch)('who may do what in the running demo, in a real browser', () => {
  let demo: Demo
  let browser: Browser
  let url: string
  beforeAll(async () => {
    demo = await startDemo()
    url = demo.system.url
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, '--disable-gpu'],
    })
  }, 600_000)
  afterAll(async () => {
    await browser?.close()
    await demo?.close()
  })

  /** Somebody's own browser. */
  async function visit(width = 1440): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext({ viewport: { width, height: 900 } })
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    return { context, page }
  }

  async function fill(page: Page, fields: Record<string, string>, go: string): Promise<void> {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value)
    await page.getByRole('button', { name: go, exact: true }).click()
  }

  /** Follows the link of the demo's newest letter whose subject holds the words. */
  async function openLetter(page: Page, words: string): Promise<void> {
    const letter = page.locator('.card').filter({ has: page.getByRole('heading', { name: words }) })
    await expect
      .poll(
        async () => {
          await page.goto(`${url}/dev/mail`)
          return letter.count()
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(0)
    await letter.first().getByRole('link').first().click()
  }

  /** The same, signed in through the demo's identity provider. */
  async function signIn(name: string, width = 1440): Promise<{ context: BrowserContext; page: Page }> {
    const { context, page } = await visit(width)
    await page.goto(url)
    await page.getByRole('link', { name: /^Sign in/ }).click()
    await page.getByRole('button', { name: `Continue as ${name}` }).click()
    await page.waitForURL((at) => at.origin === url)
    return { context, page }
  }

  /** What the page keeps: its size, its policy, and what axe-core has to say. */
  async function flaws(page: Page, name: string): Promise<unknown[]> {
    const found: unknown[] = []
    const size = page.viewportSize()!
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 })
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      if (overflow > 0) found.push(`${name} is ${overflow} px too wide at ${width}`)
      const shots = process.env['SURETY_SCREENSHOTS']
      if (shots) await page.screenshot({ path: `${shots}/demo-${name}-${width}.png`, fullPage: true })
    }
    const client = await page.context().newCDPSession(page)
    await client.send('Page.setBypassCSP', { enabled: true })
    await page.reload()
    await page.addScriptTag({ content: axe.source })
    const violations = await page.evaluate(async () => {
      const { axe: tool } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      return (await tool.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
    })
    await client.send('Page.setBypassCSP', { enabled: false })
    await page.setViewportSize(size)
    return [...found, ...violations]
  }

  const statusOf = async (page: Page, path: string) => (await page.goto(`${url}${path}`))!.status()

  test('a newcomer signs in through the provider and administers a team of their own, nobody else’s', async () => {
    const { context, page } = await signIn('Noor')
    expect(await page.getByRole('banner').innerText()).toContain('Noor')
    await page.goto(`${url}/team`)
    expect(await page.locator('main').innerText()).toContain('You see yourself alone')
    expect(await statusOf(page, '/account/members')).toBe(200)
    expect(await page.locator('main').innerText()).toContain('Members: 1')
    await page.goto(`${url}/connect`)
    const [person, team] = await page.locator('main dd code').allInnerTexts()
    expect(team).toBe(person)
    expect(await flaws(page, 'connect')).toEqual([])
    await context.close()
  }, 600_000)

  test('a newcomer makes a key on the page, with which a plug-in reports at once', async () => {
    const { context, page } = await signIn('Noor')
    await page.getByRole('link', { name: 'Connect', exact: true }).click()
    await page.getByRole('button', { name: 'Make a key' }).click()
    const settings = await page.locator('.command').innerText()
    const [, key = ''] = /api_key = (waka_\S+)/.exec(settings)!
    const [, api = ''] = /api_url = (\S+)/.exec(settings)!
    const answer = await fetch(`${api}/users/current/heartbeats.bulk`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(key)}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ entity: '/home/noor/app.ts', type: 'file', time: Date.now() / 1000 }]),
    })
    expect(answer.status).toBe(202)
    await page.goto(url)
    expect(await page.locator('main').innerText()).toContain('One heartbeat is not time yet')
    await page.goto(`${url}/connect`)
    expect(await page.locator('main').innerText()).not.toContain(key)
    expect(await flaws(page, 'connect-key')).toEqual([])
    await context.close()
  }, 600_000)

  test('a newcomer confirms an address, sets a new password and joins a team by the demo’s letters', async () => {
    const [grace, mira] = [await signIn('Grace'), await visit()]
    await grace.page.goto(`${url}/account/members`)
    await fill(grace.page, { 'E-mail address': MIRA }, 'Send the invitation')
    await openLetter(mira.page, 'invited')
    await mira.page.getByRole('link', { name: 'Create one' }).click()
    await fill(
      mira.page,
      { Name: 'Mira', 'E-mail address': MIRA, Password: GOOD_PASSWORD },
      'Create the account',
    )
    await fill(mira.page, { 'E-mail address': MIRA, Password: GOOD_PASSWORD }, 'Sign in')
    await mira.page.getByRole('button', { name: 'Join' }).click()
    await mira.page.getByRole('link', { name: 'Continue to Codetime' }).click()
    expect(await mira.page.getByRole('banner').innerText()).toContain('Mira')
    await grace.page.goto(`${url}/team`)
    expect(await grace.page.locator('main').innerText()).toContain('Mira')

    await mira.context.clearCookies()
    await mira.page.goto(`${url}/account/sign-in?next=%2F`)
    await mira.page.getByRole('link', { name: 'Forgotten your password?' }).click()
    await fill(mira.page, { 'E-mail address': MIRA }, 'Send the letter')
    await openLetter(mira.page, 'new password')
    await fill(mira.page, { 'New password': OTHER_PASSWORD }, 'Set the password')
    await fill(mira.page, { 'E-mail address': MIRA, Password: OTHER_PASSWORD }, 'Sign in')
    await mira.page.goto(`${url}/account/security`)
    expect(await mira.page.locator('main').innerText()).toContain(`${MIRA}: confirmed.`)
    await mira.page.goto(`${url}/dev/mail`)
    expect(await flaws(mira.page, 'letters')).toEqual([])
    await grace.context.close()
    await mira.context.close()
  }, 600_000)

  test('a member cannot do what an administrator can', async () => {
    const [ada, grace] = [await signIn('Ada'), await signIn('Grace')]
    for (const path of ['/account/members', '/account/roles', '/account/networks']) {
      expect([path, await statusOf(ada.page, path)]).toEqual([path, 403])
      expect([path, await statusOf(grace.page, path)]).toEqual([path, 200])
    }
    await ada.page.goto(`${url}/team`)
    expect(await ada.page.locator('main').innerText()).not.toContain('Grace')
    await grace.page.goto(`${url}/team`)
    expect(await grace.page.locator('main').innerText()).toContain('Ada')
    expect(await flaws(grace.page, 'team')).toEqual([])
    await ada.context.close()
    await grace.context.close()
  }, 600_000)

  test('a role that an administrator makes in the page binds on the member’s next request, and the key’s', async () => {
    const [ada, grace] = [await signIn('Ada'), await signIn('Grace')]
    await ada.page.goto(`${url}/connect`)
    const [adaId = ''] = await ada.page.locator('main dd code').allInnerTexts()
    const seesGrace = async (): Promise<boolean[]> => {
      await ada.page.goto(`${url}/team`)
      const shown = (await ada.page.locator('main').innerText()).includes('Grace')
      const answer = await fetch(`${url}/api/v1/users/current/teams/current/members`, {
        headers: { authorization: `Basic ${btoa(demo.system.apiKey)}` },
      })
      return [shown, (await answer.text()).includes('Grace')]
    }
    expect(await seesGrace()).toEqual([false, false])

    const { page } = grace
    await page.goto(`${url}/account/roles`)
    const ofTeam = (resource: string) =>
      page.getByLabel(`read ${resource}, everybody’s here`, { exact: true })
    await page.getByRole('textbox', { name: 'Name' }).fill('Team reader')
    for (const resource of ['heartbeats', 'people']) await ofTeam(resource).check()
    await page.getByRole('button', { name: 'Make the role' }).click()
    const role = page.getByRole('row', { name: /Team reader/ })
    await role.waitFor()
    expect(await seesGrace()).toEqual([false, false])

    await page.goto(`${url}/account/members`)
    const row = page.locator('tr', { has: page.locator(`a[href*="person=${adaId}"]`) })
    await row.getByRole('link', { name: /^Change/ }).click()
    await page.locator('#member').getByLabel('Team reader', { exact: true }).check()
    await page.getByRole('button', { name: 'Save roles' }).click()
    await row.getByRole('cell', { name: /Team reader/ }).waitFor()
    expect(await seesGrace()).toEqual([true, true])

    await page.goto(`${url}/account/roles`)
    await role.getByRole('link', { name: /^Change/ }).click()
    for (const resource of ['heartbeats', 'people']) await ofTeam(resource).uncheck()
    await page.getByRole('button', { name: 'Save' }).click()
    // Whoever sees everybody's sees their own as well: that stays.
    await role.getByRole('cell', { name: 'heartbeats:read:own · people:read:own' }).waitFor()
    expect(await seesGrace()).toEqual([false, false])
    await ada.context.close()
    await grace.context.close()
  }, 600_000)

  test('staff see a person’s heartbeats by an approved grant alone, and the person sees that they did', async () => {
    const [ada, ines, ravi] = [await signIn('Ada'), await signIn('Ines'), await signIn('Ravi')]
    await ada.page.goto(`${url}/connect`)
    const [adaId = '', team = ''] = await ada.page.locator('main dd code').allInnerTexts()
    await ada.page.goto(`${url}/account/access`)
    expect(await ada.page.locator('main').innerText()).toContain('Nobody has looked')

    // A asks; until somebody has approved, nothing is shown.
    expect(new URL(ines.page.url()).pathname).toBe('/staff')
    expect(await flaws(ines.page, 'staff-empty')).toEqual([])
    await ines.page.getByRole('link', { name: 'Ask for access' }).first().click()
    await ines.page.getByLabel('Purpose').fill('Ada wrote that Tuesday is empty')
    await ines.page.getByLabel('Ticket').fill('CASE-41')
    await ines.page.getByLabel('Person', { exact: true }).fill(adaId)
    await ines.page.getByLabel('Tenant').fill(team)
    await ines.page.getByLabel('heartbeats').check()
    await ines.page.getByRole('button', { name: 'Ask', exact: true }).click()
    await ines.page.waitForURL(/\/console\/grants\/[0-9a-f-]{36}$/)
    const grant = new URL(ines.page.url()).pathname.split('/').at(-1)!
    const look = `/staff/grants/${grant}`
    expect(await statusOf(ines.page, look)).toBe(403)
    expect(await ines.page.locator('main').innerText()).toContain('waits for approval')
    await ines.page.goto(`${url}/staff`)
    expect(await ines.page.locator('main').innerText()).toContain('waits for approval')

    // B registers a passkey with the code that the start printed, and approves with it.
    const { enrolmentCode } = demo.system.people.find(({ email }) => email.startsWith('ravi@'))!
    const client = await ravi.context.newCDPSession(ravi.page)
    await client.send('WebAuthn.enable')
    await client.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    })
    await ravi.page.goto(`${url}/console/enrol#${enrolmentCode}`)
    await expect.poll(() => ravi.page.getByLabel('Enrolment code').inputValue()).toBe(enrolmentCode)
    expect(ravi.page.url()).toBe(`${url}/console/enrol`)
    await ravi.page.getByRole('button', { name: 'Register a passkey' }).click()
    await ravi.page.waitForURL(`${url}/console`)
    await ravi.page
      .getByRole('link', { name: /Ada wrote that Tuesday is empty/ })
      .first()
      .click()
    await ravi.page.getByRole('button', { name: 'Approve with a passkey' }).click()
    await ravi.page.getByText('Approved, signed with a passkey').waitFor()

    // A looks, and nobody else does by that grant.
    await ines.page.goto(`${url}/staff`)
    await ines.page.getByRole('link', { name: 'Ada wrote that Tuesday is empty' }).click()
    await ines.page.getByText('This look is recorded').waitFor()
    const ids = await ines.page.locator('main td code').allInnerTexts()
    expect(ids.length).toBeGreaterThan(10)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(await flaws(ines.page, 'staff-heartbeats')).toEqual([])
    await ines.page.goto(`${url}/staff`)
    expect(await flaws(ines.page, 'staff-grants')).toEqual([])
    expect(await statusOf(ravi.page, look)).toBe(404)
    expect(await statusOf(ada.page, look)).toBe(403)

    // The person sees who looked: by role, with the purpose.
    await ada.page.goto(`${url}/account/access`)
    const shown = await ada.page.locator('main').innerText()
    for (const told of ['support', 'Ada wrote that Tuesday is empty', 'Read heartbeats'])
      expect(shown).toContain(told)
    expect(shown).not.toMatch(/Ines|Ravi/)
    for (const { context } of [ada, ines, ravi]) await context.close()
  }, 600_000)
})
