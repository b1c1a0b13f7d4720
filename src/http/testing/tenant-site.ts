import { Hono } from 'hono'
import type { Principal } from '../../access/index.ts'
import { silentLogger } from '../../database/index.ts'
import { HOME, resources, roles, type World } from '../../tenants/testing/world.ts'
import { problemHandler, protection, TENANT_PROBLEMS, tenantRoutes, type SuretyEnv } from '../index.ts'

export const URL_BASE = 'https://codetime.example'
export const FORM = 'token-of-the-session'

export const PAGES = [
  '/account/members',
  '/account/roles',
  '/account/keys',
  '/account/networks',
  '/account/reviews',
]

/** Somebody who belongs to no organisation yet, for {@link siteOf}. */
export const nobodyYet = (id: string): Principal => ({ kind: 'user', id, tenant: null, roles: [] })

/** The site as somebody signed in sees it, null for nobody: each request asks who they are now. */
export function siteOf(world: World, person: Principal | null) {
  const app = new Hono<SuretyEnv>()
  app.use(protection({ clock: world.clock, logger: silentLogger as never }))
  app.onError(
    problemHandler({
      name: 'Codetime',
      hasSecurityTxt: false,
      logger: silentLogger as never,
      problems: TENANT_PROBLEMS,
    }),
  )
  app.route(
    '/',
    tenantRoutes({
      site: { name: 'Codetime', url: URL_BASE },
      config: { resources, roles },
      tenants: world.tenants,
      clock: world.clock,
      signInPath: '/account/sign-in',
      async visit() {
        if (person === null) return null
        const { id, tenant } = person
        const known = await world.tenants.principalOf(id, {
          address: HOME,
          ...(tenant !== null && { tenant }),
        })
        const principal = known ?? (tenant === null ? person : null)
        return principal && { principal, form: FORM, address: HOME }
      },
    }),
  )
  const own = { 'sec-fetch-site': 'same-origin' }
  return {
    raw: async (path: string, body: string, type: string) =>
      app.request(`${URL_BASE}${path}`, { method: 'POST', body, headers: { ...own, 'content-type': type } }),
    get: async (path: string) => app.request(`${URL_BASE}${path}`, { headers: { accept: 'text/html' } }),
    post: async (
      path: string,
      values: Record<string, string | string[]>,
      headers: Record<string, string> = own,
    ) => {
      const body = new URLSearchParams()
      for (const [name, value] of Object.entries({ form: FORM, ...values }))
        for (const each of [value].flat()) body.append(name, each)
      return app.request(`${URL_BASE}${path}`, { method: 'POST', body, headers })
    },
  }
}
