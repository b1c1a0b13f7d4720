import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { SuretyError } from '../../kernel/index.ts'
import { FORM_FIELD, refusedView } from '../../tenants/index.ts'
import { renderMarkup, type Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { HttpError } from '../errors.ts'
import type { PublicProblem } from '../problem.ts'
import { TENANT_PAGES } from './tenant-pages.ts'
import { TENANT_PROBLEMS } from './tenant-problems.ts'
import {
  frameOf,
  textOf,
  type Extra,
  type TenantPage,
  type TenantRoutesDeps,
  type TenantVisit,
  type Visited,
} from './tenant-visit.ts'

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
    const problem = problemOf(error)
    if (problem?.status !== 403) throw error
    return send(found.c, refusedView(frameOf(found, { problem }), page.path), problem.status)
  }
}

async function runChange(
  found: Visited,
  page: TenantPage,
  change: TenantPage['changes'][string],
): Promise<Response> {
  const { c, visit, deps } = found
  const form = await c.req.formData().catch((cause: unknown) => {
    throw new HttpError('ERR_HTTP_FORM', 'what was sent is no form', { cause })
  })
  requireOwnForm(deps, c.req.raw, visit, form)
  try {
    const extra = await change(found, form)
    return extra ? send(c, await page.show(found, extra)) : c.redirect(page.path, 303)
  } catch (error) {
    const problem = problemOf(error)
    if (!problem) throw error
    // Who may not look gets the plain page of the problem.
    return page.show(found, { problem, form }).then(
      (markup) => send(c, markup, problem.status),
      () => Promise.reject(error),
    )
  }
}

function problemOf(error: unknown): Extra['problem'] {
  const problem = error instanceof SuretyError ? TENANT_PROBLEMS[error.code] : undefined
  return problem && { ...problem, code: (error as SuretyError).code }
}

/**
 * No other site sends a form in a person's name: browsers say where a request comes from (Fetch
 * Metadata, else Origin), and the form brings the session's token.
 *
 * @throws HttpError `ERR_HTTP_FOREIGN_FORM`
 */
function requireOwnForm(
  { site }: TenantRoutesDeps,
  request: Request,
  visit: TenantVisit,
  form: FormData,
): void {
  const from = request.headers.get('sec-fetch-site')
  const isOwn =
    from === null ? request.headers.get('origin') === new URL(site.url).origin : from === 'same-origin'
  const [own, given] = [Buffer.from(visit.form), Buffer.from(textOf(form, FORM_FIELD))]
  if (isOwn && own.length > 0 && own.length === given.length && timingSafeEqual(own, given)) return
  throw new HttpError('ERR_HTTP_FOREIGN_FORM', 'a form came from elsewhere, or from another session')
}
