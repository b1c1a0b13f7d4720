import { Hono } from 'hono'
import type { Context } from 'hono'
import { hasCode } from '../../kernel/index.ts'
import { moduleRoutes } from '../island-modules.ts'
import type { HttpLogger, SuretyEnv } from '../context.ts'
import { problemHandler, type PublicProblems } from '../problem.ts'
import { accessRoutes } from './access-routes.ts'
import { consoleRoutes } from './console-routes.ts'
import { memberRoutes } from './member-routes.ts'
import { type StaffRoutesDeps } from './staff-visit.ts'

export type { StaffRoutesDeps, StaffVisitor } from './staff-visit.ts'

export interface StaffSiteDeps extends StaffRoutesDeps {
  readonly logger: HttpLogger
  readonly hasSecurityTxt: boolean
  /** Path of the sign-in page; the path that was sought follows as `next`. Default: who is signed out is told so. */
  readonly signInPath?: string
}

const REFUSED = { status: 403, title: 'That is not yours to do' } as const

/** What visitors may know of refusals about staff access. */
const STAFF_PROBLEMS: PublicProblems = {
  ERR_HTTP_SIGNED_OUT: {
    status: 401,
    title: 'Please sign in',
    detail: 'This page is shown to people who signed in.',
  },
  ERR_STAFF_ROLE: { ...REFUSED, detail: 'It is for members of staff whose role allows it.' },
  ERR_STAFF_CONSENT: REFUSED,
  ERR_ACCESS_STAFF: REFUSED,
  ERR_ACCESS_SELF_APPROVAL: { status: 403, title: 'Nobody decides on a grant of their own' },
  ERR_ACCESS_APPOINTEE: { status: 403, title: 'You and the requester were brought in by the same founder' },
  ERR_ACCESS_APPROVER: { status: 403, title: 'Your role does not decide on this' },
  ERR_ACCESS_GRANT_WIDER: { status: 403, title: 'Your role does not ask for that' },
  ERR_ACCESS_GRANT: { status: 422, title: 'The request cannot be meant as written' },
  ERR_ACCESS_PASSKEY: { status: 403, title: 'The passkey’s answer was refused' },
  ERR_STAFF_APPROVAL: { status: 403, title: 'The passkey is not one of yours' },
  ERR_STAFF_CODE: { status: 403, title: 'The code does not serve' },
  ERR_STAFF_CONSEQUENCE: { status: 422, title: 'Say what followed, in 10 to 500 characters' },
  ERR_STAFF_TOO_MANY: { status: 429, title: 'Too many of your requests wait already' },
  ERR_STAFF_STATE: { status: 409, title: 'It was decided before, or too long ago' },
  ERR_STAFF_GRANT: { status: 404, title: 'There is no such grant' },
}

/**
 * `/account/access` and `/console`. Every change is a POST that a page of this site has sent, and carries
 * the token of its session. Works without script, but for passkeys.
 */
export function staffRoutes(deps: StaffSiteDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const asProblem = problemHandler({ ...deps, problems: STAFF_PROBLEMS })
  app.onError((error, c) => leadToSignIn(error, c, deps) ?? asProblem(error, c))
  app.route('/', accessRoutes(deps))
  app.route('/', consoleRoutes(deps))
  app.route('/', memberRoutes(deps))
  app.route('/', moduleRoutes())
  return app
}

/** A browser whose person has to sign in first is led there, and comes back. */
function leadToSignIn(error: Error, c: Context<SuretyEnv>, { signInPath }: StaffSiteDeps): Response | null {
  const isBrowser = (c.req.header('Accept') ?? '').includes('text/html')
  if (!signInPath || !isBrowser || c.req.method !== 'GET') return null
  if (!hasCode(error, 'ERR_HTTP_SIGNED_OUT')) return null
  return c.redirect(`${signInPath}?next=${encodeURIComponent(c.req.path)}`, 303)
}
