import { Hono } from 'hono'
import {
  accountPages,
  IdentityError,
  ProviderSignInError,
  type FinishedSignIn,
  type ProviderAccounts,
  type ProviderSignIn,
} from '../../identity/index.ts'
import { hasCode, SuretyError } from '../../kernel/index.ts'
import { renderMarkup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { PROVIDER_PROBLEMS } from './provider-problems.ts'
import { proved } from './second-factor-routes.ts'
import { enter } from './sign-in-routes.ts'
import { Visit, type AccountContext, type AccountRoutesDeps } from './visit.ts'

/** Identity providers as the routes need them; `compose/` connects them. */
export interface AccountProviders extends ProviderAccounts {
  readonly offered: readonly {
    readonly id: string
    readonly name: string
    /** Whether it asks people anew, and says when it did. */
    readonly asksAnew: boolean
  }[]
  readonly signIn: () => ProviderSignIn
}

/** Path where a provider's answers are taken: what is registered there as redirect URI. */
export function providerCallbackPath(providerId: string): string {
  return `${accountPages.PROVIDER_PATH}/${providerId}/callback`
}

/**
 * Sign-in through identity providers. Beginning is a plain link, since a form's target would have to
 * lie on this site (CSP `form-action`): it changes nothing but the cookie that the answer is bound to.
 */
export function providerRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { providers } = deps
  if (!providers) return app
  const place = `${accountPages.PROVIDER_PATH}/:provider` as const
  app.get(place, async (c) => {
    const visit = new Visit(c, deps)
    try {
      const confirms = c.req.query('purpose') === accountPages.CONFIRMING ? await confirming(visit) : null
      const begun = providers.signIn().begin(c.req.param('provider'), visit.next(), confirms)
      const { location, cookie } = await begun
      c.header('Set-Cookie', cookie, { append: true })
      return c.redirect(location, 303)
    } catch (error) {
      return refusal(c, deps, error)
    }
  })
  app.get(`${place}/callback`, async (c) => {
    const visit = new Visit(c, deps)
    // Whatever comes out, the browser's part of this sign-in has ended.
    c.header('Set-Cookie', providers.signIn().endCookie, { append: true })
    try {
      return await finish(visit, providers, c.req.param('provider'))
    } catch (error) {
      if (error instanceof SuretyError)
        visit.note('sign-in.failed', null, methodOf(providers, c.req.param('provider')))
      return refusal(c, deps, error)
    }
  })
  return app
}

/** What the audit log is told; of an address that names no provider of ours, not what it says. */
function methodOf({ offered }: AccountProviders, providerId: string): string {
  return offered.some(({ id }) => id === providerId) ? `oidc:${providerId}` : 'oidc'
}

async function finish(visit: Visit, providers: AccountProviders, providerId: string): Promise<Response> {
  const { identity } = visit.deps
  const finished = await providers.signIn().finish(providerId, visit.c.req.raw)
  const { identity: verified, returnTo, confirms } = finished
  if (confirms !== null) return confirmed(visit, providers, { ...finished, confirms })
  const { personId } = await providers.accountOf(verified)
  // The session that the browser had ends: one that somebody planted there is worthless after.
  const before = await visit.visitor()
  const token = await identity.enter(personId, ['oidc'], visit.client, {
    provider: providerId,
    authenticatedAt: verified.authenticatedAt,
  })
  if (before) await identity.sessions.end(before.token)
  return enter(visit, token, returnTo)
}

/**
 * Who may confirm through a provider: whoever has a second factor is asked for that.
 * @throws IdentityError `ERR_IDENTITY_STEP_UP`
 */
async function confirming(visit: Visit): Promise<string> {
  const { personId } = (await visit.signedIn()).session
  if (!(await visit.deps.identity.secondFactors.has(personId))) return personId
  throw new IdentityError('ERR_IDENTITY_STEP_UP', 'this account has a second factor')
}

/** The session that confirms stays, under a new token; of anybody else's word it hears nothing. */
async function confirmed(
  visit: Visit,
  providers: AccountProviders,
  { identity: verified, returnTo, confirms }: FinishedSignIn & { readonly confirms: string },
): Promise<Response> {
  const personId = await confirming(visit)
  if (personId !== confirms || (await providers.linked(verified)) !== personId)
    throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_STEP_UP', 'the provider confirms somebody else')
  const at = verified.authenticatedAt ?? undefined
  return visit.goTo(await proved(visit, await visit.signedIn(), 'oidc', returnTo, at))
}

/** People get the sign-in page again, which says why; others problem details. */
function refusal(c: AccountContext, deps: AccountRoutesDeps, error: unknown): Response | Promise<Response> {
  const problem = error instanceof SuretyError ? PROVIDER_PROBLEMS[error.code] : undefined
  // Whoever was to confirm is signed in all the same.
  if (!problem || hasCode(error, 'ERR_IDENTITY_PROVIDER_STEP_UP')) throw error
  if (!(c.req.header('Accept') ?? '').includes('text/html')) throw error
  const visit = new Visit(c, deps)
  const page = accountPages.signIn({
    ...visit.frame(null),
    next: visit.home,
    passwords: deps.identity.offersPasswords,
    further: accountPages.providerLinks(deps.providers?.offered ?? [], visit.home),
    problem: problem.detail ?? problem.title,
  })
  return c.html(renderMarkup(page), problem.status)
}
