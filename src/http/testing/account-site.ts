import { Hono } from 'hono'
import type { AuditEvent } from '../../log/index.ts'
import type { IdentityOptions } from '../../identity/index.ts'
import type { GuardEvent } from '../../identity/index.ts'
import { guardOver, openTestIdentity, type TestIdentity } from '../../identity/testing.ts'
import { openTestMail, type TestMail } from '../../mail/testing.ts'
import { accountRoutes } from '../account/account-routes.ts'
import type { AccountProviders } from '../account/provider-routes.ts'
import { trustedProxies } from '../client-address.ts'
import type { SuretyEnv } from '../context.ts'
import { protection } from '../protection.ts'

export const SITE_URL = 'http://localhost:4001'
const silent = { info() {}, warn() {}, error() {} }

export interface AccountSite extends TestIdentity {
  readonly app: Hono<SuretyEnv>
  readonly events: AuditEvent[]
  /** What the guard against guessing has told. */
  readonly guarded: GuardEvent[]
  /** Letters, where the site sends them. */
  readonly mail: TestMail
  /** A browser with cookies of its own; behind a proxy on this machine where it has an address. */
  browser(address?: string): TestBrowser
}

export interface AccountSiteOptions extends Partial<IdentityOptions> {
  /** True: guessing is limited as in a running system, and a proxy on this machine is believed. */
  readonly guardsGuessing?: boolean
  /** True: letters are taken over. */
  readonly sendsMail?: boolean
  /** Identity providers, over the site's own accounts. */
  readonly providers?: (opened: TestIdentity) => AccountProviders | null
}

/** How a proxy on this machine hands a request on. */
export const PROXIED = { incoming: { socket: { remoteAddress: '127.0.0.1' } } }
const PROXIES = trustedProxies({ addresses: ['127.0.0.1/32'] })

/** The account pages over a real database, behind the middleware that every app has. */
export async function openAccountSite({
  guardsGuessing = false,
  sendsMail = false,
  providers = () => null,
  ...options
}: AccountSiteOptions = {}): Promise<AccountSite> {
  const mail = openTestMail()
  const opened = await openTestIdentity({ ...(sendsMail && { outbox: mail.outbox }), ...options })
  mail.start({ store: opened.world.store, clock: opened.world.clock })
  const guarded: GuardEvent[] = []
  const guard = guardsGuessing && (await guardOver(opened.world, { onEvent: (event) => guarded.push(event) }))
  const identity = guard ? opened.reopen({ guard }) : opened.identity
  const events: AuditEvent[] = []
  const { clock } = opened.world
  const app = new Hono<SuretyEnv>()
  app.use('*', protection({ clock, logger: silent, ...(guard && { proxies: PROXIES }) }))
  const audit = (event: AuditEvent) => void events.push(event)
  const place = { name: 'Codetime', url: () => SITE_URL, clock }
  const ways = providers(opened)
  const routes = { identity, audit, ...place, ...(ways && { providers: ways }) }
  app.route('/', accountRoutes({ ...routes, logger: silent, hasSecurityTxt: false }))
  return {
    ...opened,
    identity,
    app,
    events,
    guarded,
    mail,
    browser: (address) => new TestBrowser(app, address),
  }
}

/** As much of a browser as forms need: cookies, the origin of its pages, the fields that a page hides in a form. */
export class TestBrowser {
  readonly #app: Hono<SuretyEnv>
  readonly #address: string | undefined
  readonly cookies = new Map<string, string>()

  constructor(app: Hono<SuretyEnv>, address?: string) {
    this.#app = app
    this.#address = address
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(path, { headers })
  }

  /** Sends a form of one of the site's own pages. */
  post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const own = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
    return this.send(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { ...own, ...headers },
    })
  }

  json(path: string, body: object): Promise<Response> {
    const headers = {
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
      accept: 'application/json',
    }
    return this.send(path, { method: 'POST', body: JSON.stringify(body), headers })
  }

  /** The form token in the last page of that path. */
  async formToken(path: string): Promise<string> {
    const text = await (await this.get(path)).text()
    return /name="form" value="([^"]+)"/.exec(text)?.[1] ?? ''
  }

  async send(
    path: string,
    init: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const proxied = this.#address === undefined ? {} : { 'x-forwarded-for': this.#address }
    const headers = { accept: 'text/html', ...(cookie && { cookie }), ...proxied, ...init.headers }
    const response = await this.#app.request(`${SITE_URL}${path}`, { ...init, headers }, PROXIED)
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  #keep(line: string): void {
    const [pair = ''] = line.split(';')
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    if (line.includes('Max-Age=0')) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
