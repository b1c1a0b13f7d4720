import { Hono } from 'hono'
import type { Context } from 'hono'
import { refusedView } from '../../tenants/index.ts'
import { renderMarkup, type Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import type { PublicProblem } from '../problem.ts'
import { invitationRoutes } from './invitation-routes.ts'
import { TENANT_PAGES } from './tenant-pages.ts'
import { tenantProblemOf } from './tenant-problems.ts'
import { frameOf, ownForm, type TenantPage, type TenantRoutesDeps, type Visited } from './tenant-visit.ts'

/** The pages on which an organisation keeps its members, roles, keys, networks and reviews. */
export function tenantRoutes(deps: TenantRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  for (const page of TENANT_PAGES) {
    app.get(page.path, (c) => visited(deps, c, (found) => look(found, page)))
    for (const [name, change] of Object.entries(page.changes)) {
      app.post(name === '' ? page.path : `${page.path}/${name}`, (c) =>
        visited(deps, c, (found) => runChange(found, page, change)),
      )
    }
  }
  app.route('/', invitationRoutes(deps))
  return app
}

async function visited(
  deps: TenantRoutesDeps,
  c: Context<SuretyEnv>,
  work: (visited: Visited) => Promise<Response>,
): Promise<Response> {
  const visit = await deps.visit(c.req.raw)
  if (visit) return work({ c, visit, deps })
  const sought = c.req.method === 'GET' ? `?next=${encodeURIComponent(c.req.path)}` : ''
  return c.redirect(`${deps.signInPath}${sought}`, 303)
}

function send(c: Context<SuretyEnv>, markup: Markup, status: PublicProblem['status'] = 200): Response {
  c.header('Cache-Control', 'no-store')
  return c.html(renderMarkup(markup), status) as Response
}

/** Who may not look is told so among the pages where they may. */
async function look(found: Visited, page: TenantPage): Promise<Response> {
  try {
    return send(found.c, await page.show(found))
  } catch (error) {
    const problem = tenantProblemOf(error)
    if (problem?.status !== 403) throw error
    return send(found.c, refusedView(frameOf(found, { problem }), page.path), problem.status)
  }
}

async function runChange(
  found: Visited,
  page: TenantPage,
  change: TenantPage['changes'][string],
): Promise<Response> {
  const { c } = found
  const form = await ownForm(found)
  try {
    const extra = await change(found, form)
    return extra ? send(c, await page.show(found, extra)) : c.redirect(page.path, 303)
  } catch (error) {
    const problem = tenantProblemOf(error)
    if (!problem) throw error
    // Who may not look gets the plain page of the problem.
    return page.show(found, { problem, form }).then(
      (markup) => send(c, markup, problem.status),
      () => Promise.reject(error),
    )
  }
}
