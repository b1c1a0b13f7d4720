import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import type { Principal } from '../../src/access/index.ts'
import { HOME, textsOf } from '../../src/tenants/testing/world.ts'
import { startTenantSite, type RunningTenantSite } from './tenant-site.ts'

const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
]
const SHOTS = process.env['SURETY_SCREENSHOTS']

const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

describe.skipIf(!launch)('the pages of an organisation, in a real browser', () => {
  let site: RunningTenantSite
  let browser: Browser
  beforeAll(async () => {
    site = await startTenantSite()
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** A browser in which that person is signed in. */
  async function as(
    person: Principal,
    options: Parameters<Browser['newContext']>[0],
  ): Promise<BrowserContext> {
    const context = await browser.newContext({
      colorScheme: (options?.viewport?.width ?? 0) < 500 ? 'dark' : 'light',
      ...options,
    })
    await context.addCookies([{ name: 'who', value: person.id, url: site.url }])
    return context
  }

  let shots = 0
  /** Holds the page against axe-core, which runs beside its policy in a world of its own. */
  async function inspect(page: Page, name: string): Promise<void> {
    const client = await page.context().newCDPSession(page)
    const { frameTree } = await client.send('Page.getFrameTree')
    const { executionContextId } = await client.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
      worldName: 'axe',
    })
    const run = async (expression: string): Promise<unknown> => {
      const answer = await client.send('Runtime.evaluate', {
        expression,
        contextId: executionContextId,
        awaitPromise: true,
        returnByValue: true,
      })
      expect(answer.exceptionDetails).toBeUndefined()
      return answer.result.value
    }
    const { width } = page.viewportSize()!
    if (SHOTS)
      await page.screenshot({
        path: `${SHOTS}/${String(++shots).padStart(2, '0')}-${name}-${width}.png`,
        fullPage: true,
      })
    const sideways = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await run(sideways), `${name} scrolls sideways`).toBe(0)
    await run(axe.source)
    const violations = await run(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
    )
    expect(violations, name).toEqual([])
    await client.detach()
  }

  const LONG_NAMES = [
    'Wolfeschlegelsteinhausenbergerdorff the Younger of Upper and Lower Hohenfels · wolfeschlegelsteinhausenbergerdorff@example.com',
    'محمد بن عبد الله · m@example.com',
    'ÅÄÖ 👩‍👩‍👧‍👦 · family@example.com',
  ]

  /** An organisation with more members than a page shows, and roles of its own. */
  async function organisation() {
    const { tenants } = site.world
    const founder = await site.world.found()
    site.call(founder, 'Ada Lovelace · ada@example.com')
    const people = await site.world.crowd(founder, 52)
    for (const [i, person] of people.entries())
      site.call(person, LONG_NAMES[i] ?? `Person ${i} · person-${i}@example.com`)
    for (const name of ['Those who look at everything and change nothing whatsoever', 'Team A', 'Team B'])
      await tenants.roles.create(founder, {
        name,
        permissions: ['heartbeats:read:tenant(language)', 'builds:read:own', 'comments:delete:tenant'],
      })
    const [role] = await tenants.roles.list(founder)
    await tenants.members.assign(founder, people[1]!.id, ['member', role!.assignedAs])
    return { founder, people }
  }

  /** A page in that person's browser; what it complains of is looked at when it is closed. */
  async function visit(person: Principal, viewport: (typeof SIZES)[number]) {
    const context = await as(person, { viewport })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      // A refused form is answered with its status, which the console repeats.
      if (message.type() === 'error' && !message.text().includes('status of 4'))
        complaints.push(message.text())
    })
    return {
      page,
      open: (path: string) => page.goto(`${site.url}/account/${path}`),
      async close() {
        await context.close()
        expect(complaints).toEqual([])
      },
    }
  }

  describe.each(SIZES)('at $width px', { timeout: 240_000 }, (viewport) => {
    test('are accessible where nothing is yet', async () => {
      const { page, open, close } = await visit(await site.world.found(), viewport)
      for (const name of ['members', 'roles', 'keys', 'networks', 'reviews']) {
        await open(name)
        await inspect(page, `${name}-empty`)
      }
      await close()
    })

    test('show many members with long names, and many kinds of data', async () => {
      const { founder } = await organisation()
      const { page, open, close } = await visit(founder, viewport)
      await open('members')
      await inspect(page, 'members')
      await page.getByRole('link', { name: 'Next' }).click()
      expect(await page.getByRole('row').count()).toBe(4)
      await open('roles')
      await page.getByRole('link', { name: 'Change Those who' }).click()
      await page.getByLabel('Name').fill('Administrator')
      await page.getByRole('button', { name: 'Save' }).click()
      expect(await page.getByRole('alert').innerText()).toContain('This name does not fit')
      expect(await page.getByLabel('Name').inputValue()).toBe('Administrator')
      await inspect(page, 'role-refused')
      await close()
    })

    test('show a key once, and offer a way out to who would lock themselves out', async () => {
      const { founder, people } = await organisation()
      const { page, open, close } = await visit(founder, viewport)
      await open(`members?person=${people[0]!.id}`)
      await inspect(page, 'member')
      await open('keys')
      await page.getByLabel('Name').fill('My editor')
      await page.getByLabel('read heartbeats, everybody’s here', { exact: true }).check()
      await page.getByRole('button', { name: 'Make the key' }).click()
      expect(await page.locator('.command').innerText()).toMatch(/^codetime_[0-9A-Za-z]{71}$/)
      await inspect(page, 'key-made')
      await open('networks')
      await page.getByLabel('One address').fill('203.0.113.0/24')
      await page.getByRole('button', { name: 'Save' }).click()
      expect(await page.getByRole('alert').innerText()).toContain('lock yourself out')
      await inspect(page, 'networks-refused')
      await page.getByRole('button', { name: `Save with ${HOME}/32 added` }).click()
      expect(await page.getByLabel('One address').inputValue()).toBe(`203.0.113.0/24\n${HOME}/32`)
      await close()
    })

    test('show a review with its evidence, and a member what is not for them', async () => {
      const { founder, people } = await organisation()
      const { page, open, close } = await visit(founder, viewport)
      await open('reviews')
      await page.getByRole('button', { name: 'Start' }).click()
      await page.getByRole('button', { name: 'Revoke' }).first().click()
      await inspect(page, 'review')
      await open('keys')
      await inspect(page, 'reminder')
      await open('reviews?page=2')
      expect(await page.locator('main').innerText()).toContain('revoked by Ada')
      await close()
      const member = await visit(people[2]!, viewport)
      await member.open('members')
      expect(await member.page.getByRole('alert').innerText()).toContain('takes an administrator')
      await inspect(member.page, 'member-refused')
      await member.page.getByRole('link', { name: 'Keys' }).click()
      expect(await member.page.getByRole('heading', { level: 1 }).innerText()).toBe('Keys')
      await member.close()
    })
  })

  test('work without script: a role is made, given, bound on the next request, reviewed and taken away', async () => {
    const { tenants } = site.world
    const founder = await site.world.found()
    const member = await site.world.join(founder, ['member'])
    site.call(member, 'Grace Hopper')
    const context = await as(founder, { viewport: SIZES[0]!, javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${site.url}/account/roles`)
    await page.getByLabel('Name').fill('Reader')
    await page.getByLabel('read heartbeats, everybody’s here', { exact: true }).check()
    await page.getByText('Only some fields of heartbeats, everybody’s here, to read').click()
    await page.locator('[name="heartbeats:read:tenant"][value="language"]').check()
    await page.getByRole('button', { name: 'Make the role' }).click()
    const [role] = await tenants.roles.list(founder)
    expect(role).toMatchObject({ name: 'Reader', permissions: ['heartbeats:read:tenant(language)'] })

    await page.goto(`${site.url}/account/members`)
    await page.getByRole('link', { name: 'Change Grace Hopper' }).click()
    await page.getByLabel('member', { exact: true }).uncheck()
    await page.getByLabel('Reader', { exact: true }).check()
    await page.getByRole('button', { name: 'Save roles' }).click()
    expect(textsOf(await site.world.again(member))).toEqual(role!.permissions)

    await page.goto(`${site.url}/account/reviews`)
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('button', { name: 'Revoke Grace Hopper' }).click()
    expect((await site.world.again(member)).roles).toEqual([])
    await page.getByLabel('Let somebody else decide').selectOption({ label: 'Grace Hopper' })
    await page.getByRole('button', { name: 'Appoint' }).click()
    expect(await page.locator('main').innerText()).toContain('Grace Hopper')

    await page.goto(`${site.url}/account/roles`)
    await page.getByRole('button', { name: 'Remove Reader' }).click()
    expect(await page.locator('main').innerText()).toContain('There are none yet')
    await context.close()
  }, 240_000)
})
