import axe from 'axe-core'
import { Hono } from 'hono'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserLaunch } from '../../scripts/browser.ts'
import { silentLogger } from '../../src/database/index.ts'
import { protection, serveNode, type RunningServer, type SuretyEnv } from '../../src/http/index.ts'
import { createImpersonations, withBanner } from '../../src/http/staff/impersonation.ts'
import { staffRoutes, type StaffVisitor } from '../../src/http/staff/staff-routes.ts'
import { grantDigest } from '../../src/access/index.ts'
import { createPseudonym } from '../../src/kernel/index.ts'
import { staffPages } from '../../src/staff/index.ts'
import { renderMarkup, STYLESHEET } from '../../src/ui/index.ts'
import { openTestStaff, staffConfig, type TestStaff } from '../../src/staff/testing.ts'

const LONG = 'Wirtschaftsprüfungsgesellschaftsvertretungsbefugnis'
const PROMISES = [
  { sentence: 'Builds are kept for 90 days', status: 'broken' },
  { sentence: `Access is logged, by ${LONG}${LONG} as by everybody`, status: 'kept' },
  { sentence: 'Backups are destroyed within 27 days, security logs excepted', status: 'unproven' },
] as const
const STRANGERS = [
  { kind: 'session', role: 'surety_owner', program: 'psql' },
  { kind: 'role', role: 'backup_of_the_data_protection_officer_of_last_year', program: null },
] as const
/** A page of an app’s own, which knows nothing of our styles. */
const APP_PAGE = `<!doctype html><html lang="en"><head><title>Codetime</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head><body><main><h1>Your week</h1><p>12 hours</p></main></body></html>`

const launch = await browserLaunch()
if (!launch && process.env['CI'])
  throw new Error('CI needs a browser: install Debian’s chromium, or set SURETY_CHROMIUM')

describe.skipIf(!launch)('the pages of staff access, in a real browser', () => {
  const visitors = new Map<string, StaffVisitor>()
  /** The authenticators in software answer from the first origin, the browser from its own. */
  const passkeys = { id: 'localhost', origins: ['http://localhost'] }
  let world: TestStaff
  const visitor = async (request: Request) =>
    visitors.get(/who=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? '') ?? null
  let server: RunningServer
  let browser: Browser
  let url: string

  beforeAll(async () => {
    world = await openTestStaff(staffConfig, passkeys)
    const { clock } = world.store
    const impersonations = createImpersonations({
      ...{ staff: world.staff, system: 'codetime', url: () => url, visitor, secret: 's'.repeat(43), clock },
    })
    const app = new Hono<SuretyEnv>()
    app.use(withBanner(protection({ clock, logger: silentLogger, observe: () => undefined }), impersonations))
    app.get('/', (c) => c.html(APP_PAGE))
    app.get('/empty-console', async (c) => {
      const { standing } = world.staff
      const none = { grants: [], promises: [], strangers: [], now: clock.now() }
      const nothing = { ...(await standing()), glass: [], unverified: 0 }
      const frame = {
        name: 'Codetime',
        nonce: c.get('nonce'),
        formToken: 'a',
        links: [],
        island: { module: '' },
      }
      return c.html(renderMarkup(staffPages.consoleView({ ...frame, ...none, standing: nothing })))
    })
    app.get(STYLESHEET.path, (c) => c.body(STYLESHEET.text, 200, { 'Content-Type': 'text/css' }))
    app.route(
      '/',
      staffRoutes({
        ...{ staff: world.staff, name: 'Codetime', url: () => url, clock, logger: silentLogger },
        visitor,
        promises: async () => PROMISES,
        strangers: async () => STRANGERS,
        impersonations,
        hasSecurityTxt: false,
      }),
    )
    server = await serveNode({ fetch: (request) => app.fetch(request), port: 0 })
    url = `http://localhost:${server.port}`
    passkeys.origins.push(url)
    browser = await chromium.launch({
      executablePath: launch!.executablePath,
      args: [...launch!.args, '--disable-gpu'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await world?.close()
  })

  /** A browser in which that person is signed in. */
  async function as(
    personId: string,
    width = 1440,
    more: Partial<StaffVisitor> = {},
  ): Promise<BrowserContext> {
    visitors.set(personId, {
      personId,
      tenant: null,
      administers: false,
      formToken: `token-${personId}`,
      ...more,
    })
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: width < 500 ? 'dark' : 'light',
    })
    await context.addCookies([{ name: 'who', value: personId, url }])
    return context
  }

  async function open(context: BrowserContext, path: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    await page.goto(`${url}${path}`)
    return { page, complaints }
  }

  async function shoot(page: Page, name: string): Promise<void> {
    const shots = process.env['SURETY_SCREENSHOTS']
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
  }

  async function addAuthenticator(page: Page): Promise<void> {
    const client = await page.context().newCDPSession(page)
    await client.send('WebAuthn.enable')
    await client.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    })
  }

  /** What axe-core objects to; it is run past the page's own policy, which would refuse it. */
  async function objections(page: Page): Promise<string[]> {
    const client = await page.context().newCDPSession(page)
    await client.send('Page.setBypassCSP', { enabled: true })
    await page.reload()
    await page.addScriptTag({ content: axe.source })
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      const { violations } = await axe.run()
      return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
    })
  }

  async function brokenGlass(): Promise<string> {
    const { staff, engineer, asking } = world
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(await world.person()))
    const { id } = await staff.grants.breakGlass(
      engineer.id,
      grant,
      engineer.authenticator.get(grantDigest(grant)),
    )
    return id
  }

  test.each([390, 1440])(
    'at %i px the banner stands over pages with and without our styles',
    async (width) => {
      const { staff, supporter, asking } = world
      const grant = await world.approved(supporter, asking(await world.person(), { kind: 'impersonation' }))
      const context = await as(supporter.id, width)
      const { page, complaints } = await open(context, `/console/grants/${grant}`)
      await page.getByRole('button', { name: 'See the product as they do' }).click()
      await page.waitForURL(`${url}/`)
      for (const path of ['/', '/console', '/account/access']) {
        await page.goto(`${url}${path}`)
        const banner = page.getByRole('complementary', { name: 'You see this product as somebody else' })
        expect(await banner.evaluate((shown) => getComputedStyle(shown).position)).toBe('sticky')
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect([path, overflow, complaints]).toEqual([path, 0, []])
        await shoot(page, `banner-${width}-${path.replaceAll('/', '_')}`)
        expect([path, await objections(page)]).toEqual([path, []])
      }
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.waitForURL(`${url}/console`)
      expect(await page.getByText('You see this product').count()).toBe(0)
      await staff.grants.end(supporter.id, grant)
      await context.close()
    },
  )

  test.each([390, 1440])('at %i px an empty console says what would stand there', async (width) => {
    const context = await as(world.first.id, width)
    const { page, complaints } = await open(context, '/empty-console')
    expect(await page.getByText('Nothing needs attention.').count()).toBe(1)
    await shoot(page, `console-empty-${width}`)
    expect([complaints, await objections(page)]).toEqual([[], []])
    await context.close()
  })

  test('a new member registers a passkey, and approves with it what another asked for', async () => {
    const { staff, first, supporter, asking } = world
    const member = { personId: createPseudonym(), role: 'lead' }
    const { code } = await staff.members.appoint(first.id, member)
    const context = await as(member.personId)
    const { page, complaints } = await open(context, '/console/enrol')
    await addAuthenticator(page)
    await page.getByLabel('Enrolment code').fill(code)
    await page.getByRole('button', { name: 'Register a passkey' }).click()
    await page.waitForURL(`${url}/console`)
    const person = await world.person()
    const { id } = await staff.grants.request(supporter.id, asking(person))
    await page.goto(`${url}/console/grants/${id}`)
    await page.getByRole('button', { name: 'Approve with a passkey' }).click()
    await page.getByText('Approved, signed with a passkey').waitFor()
    const db = await world.operator(supporter, id)
    expect(await db.selectFrom('heartbeats').select('entity').execute()).toHaveLength(1)
    expect(complaints).toEqual([])

    const lost = await world.enrol(
      await staff.members.appoint(first.id, { personId: createPseudonym(), role: 'support' }),
    )
    await page.goto(`${url}/console/staff`)
    const row = page.getByRole('row').filter({ hasText: lost.id })
    await row.getByRole('button', { name: 'Replace it' }).click()
    const told = row.getByText('Give them this link')
    await told.waitFor()
    await shoot(page, 'replacement-link')
    const link = /\S+$/.exec((await told.textContent())!)![0]
    const theirs = await as(lost.id)
    const owner = await theirs.newPage()
    await owner.goto(link)
    await addAuthenticator(owner)
    expect(owner.url()).toBe(`${url}/console/enrol`)
    await owner.getByRole('button', { name: 'Register a passkey' }).click()
    await owner.waitForURL(`${url}/console`)
    const [now, ...more] = await staff.members.passkeys(lost.id)
    expect([now!.credential !== lost.authenticator.get(new Uint8Array(32)).credential, more]).toEqual([
      true,
      [],
    ])
    await theirs.close()
    await context.close()
  })

  test('without script a member asks, and the person switches on that they are asked first', async () => {
    const person = await world.person()
    const context = await browser.newContext({ javaScriptEnabled: false })
    visitors.set('member', { personId: world.supporter.id, tenant: null, administers: false, formToken: 'a' })
    await context.addCookies([{ name: 'who', value: 'member', url }])
    const page = await context.newPage()
    await page.goto(`${url}/console/grants/new`)
    await page.getByLabel('Purpose').fill('a day is empty')
    await page.getByLabel('Ticket').fill('CASE-9')
    await page.getByLabel('Person', { exact: true }).fill(person.id)
    await page.getByLabel('Tenant').fill(person.tenant!)
    await page.getByLabel('heartbeats').check()
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('waiting').waitFor()
    visitors.set('person', { personId: person.id, tenant: person.tenant, administers: true, formToken: 'b' })
    await context.addCookies([{ name: 'who', value: 'person', url }])
    await page.goto(`${url}/account/access`)
    await page.getByRole('button', { name: 'Ask us first' }).click()
    await page.getByText('Staff wait for your consent').waitFor()
    await page.getByRole('button', { name: 'Allow it' }).click()
    expect(await page.getByText('Staff ask to see your data').count()).toBe(0)
    await context.close()
  })

  test.each([390, 1440])(
    'at %i px every page fits, breaks no policy, and axe-core has no objection',
    async (width) => {
      const { staff, supporter, first, asking } = world
      const person = await world.person()
      const grant = await world.approved(supporter, asking(person))
      const db = await world.operator(supporter, grant)
      await db.selectFrom('heartbeats').select('id').execute()
      const waiting = await staff.grants.request(
        supporter.id,
        asking(person, { purpose: `${LONG} ${LONG}${LONG}` }),
      )
      const glass = await brokenGlass()
      const unjustified = await brokenGlass()
      const { grants } = staff
      const verdict = first.authenticator.get(await grants.reviewChallenge(unjustified, 'unjustified'))
      await grants.review(first.id, unjustified, 'unjustified', 'it could have waited until morning', verdict)
      const staffContext = await as(first.id, width)
      const customer = await as(person.id, width, { tenant: person.tenant, administers: true })
      const pages: [BrowserContext, string][] = [
        [staffContext, '/console'],
        [staffContext, '/console/grants/new'],
        [staffContext, `/console/grants/${grant}`],
        [staffContext, `/console/grants/${waiting.id}`],
        [staffContext, `/console/grants/${glass}`],
        [staffContext, `/console/grants/${unjustified}`],
        [staffContext, '/console/enrol'],
        [staffContext, '/console/staff'],
        [customer, '/account/access'],
      ]
      for (const [i, [context, path]] of pages.entries()) {
        const { page, complaints } = await open(context, path)
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect([path, overflow, complaints, await page.locator('h1').count()]).toEqual([path, 0, [], 1])
        await shoot(page, `staff-${width}-${i}`)
        expect([path, await objections(page)]).toEqual([path, []])
        await page.close()
      }
      await staffContext.close()
      await customer.close()
    },
    // Nine pages, each looked at twice: on a busy machine that takes minutes.
    300_000,
  )
})
