import { Hono } from 'hono'
import { hasCode } from '../../kernel/index.ts'
import type { HttpLogger, SuretyEnv } from '../context.ts'
import { moduleRoutes } from '../island-modules.ts'
import { problemHandler } from '../problem.ts'
import { ACCOUNT_PROBLEMS } from './account-problems.ts'
import { addressRoutes } from './address-routes.ts'
import { PROVIDER_PROBLEMS } from './provider-problems.ts'
import { providerRoutes } from './provider-routes.ts'
import { resetRoutes } from './reset-routes.ts'
import { sessionRoute } from './session-json.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { secondFactorRoutes } from './second-factor-routes.ts'
import { securityRoutes } from './security-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { ACCOUNT_PATHS, type AccountContext, type AccountRoutesDeps } from './visit.ts'

export type { AccountRoutesDeps } from './visit.ts'

export interface AccountSiteDeps extends AccountRoutesDeps {
  readonly logger: HttpLogger
  readonly hasSecurityTxt: boolean
}

/**
 * Sign-in and one's own account, under `/account/`. Every change is a POST that a page of this site has
 * sent, and carries the form token of its session. Works without script, but for passkeys.
 */
export function accountRoutes(deps: AccountSiteDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const asProblem = problemHandler({ ...deps, problems: { ...ACCOUNT_PROBLEMS, ...PROVIDER_PROBLEMS } })
  app.onError((error, c) => leadToSignIn(error, c) ?? asProblem(error, c))
  app.get('/account', (c) => c.redirect(ACCOUNT_PATHS.security, 302))
  app.route('/', signInRoutes(deps))
  app.route('/', providerRoutes(deps))
  app.route('/', sessionRoute(deps.identity.signedIn))
  app.route('/', secondFactorRoutes(deps))
  app.route('/', passkeyRoutes(deps))
  app.route('/', securityRoutes(deps))
  app.route('/', addressRoutes(deps))
  app.route('/', resetRoutes(deps))
  app.route('/', sessionRoutes(deps))
  app.route('/', moduleRoutes())
  return app
}

/** A browser that lacks a proof is led to where it is given, and comes back. */
function leadToSignIn(error: Error, c: AccountContext): Response | null {
  if (!(c.req.header('Accept') ?? '').includes('text/html')) return null
  const { pathname } = new URL(c.req.url)
  // What was sent by POST is not sent again: the person comes back to the page that it belongs to.
  const back = c.req.method === 'GET' ? pathname : ACCOUNT_PATHS.security
  const lead = (to: string): Response => c.redirect(`${to}?next=${encodeURIComponent(back)}`, 303)
  if (hasCode(error, 'ERR_IDENTITY_SIGNED_OUT')) return lead(ACCOUNT_PATHS.signIn)
  if (hasCode(error, 'ERR_IDENTITY_SECOND_FACTOR')) return lead(ACCOUNT_PATHS.secondFactor)
  if (hasCode(error, 'ERR_IDENTITY_STEP_UP')) return lead(ACCOUNT_PATHS.confirm)
  return null
}
