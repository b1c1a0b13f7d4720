import { Hono, type Context } from 'hono'
import type { ProviderSignIn, VerifiedIdentity } from '../identity/index.ts'
import { SuretyError } from '../kernel/index.ts'
import type { SuretyEnv } from './context.ts'
import type { PublicProblem, PublicProblems } from './problem.ts'

/** What the routes of identity providers stand on; `surety.ts` connects it. */
export interface ProviderRoutesDeps {
  /** Made at the first request: by then the site knows its own address. */
  readonly signIn: () => ProviderSignIn
  /**
   * Opens a session for whoever the provider named, in place of the request's own; gives `Set-Cookie`
   * headers. Rejects where the person has no account and gets none.
   */
  readonly open: (
    identity: VerifiedIdentity,
    request: Request,
    requestId: string,
  ) => Promise<readonly string[]>
  /** Told of every answer of a provider that signed nobody in. Must not throw. */
  readonly refused: (provider: string, requestId: string) => void
}

/** Below it, each provider has a place of its own. */
export const PROVIDER_PATH = '/account/sign-in/with'

/** Path where a provider's answers are taken: what is registered there as redirect URI. */
export function providerCallbackPath(providerId: string): string {
  return `${PROVIDER_PATH}/${providerId}/callback`
}

/**
 * Sign-in through identity providers. Beginning is a plain link, since a form's target would have to
 * lie on this site (CSP `form-action`): it changes nothing but the cookie that the answer is bound to.
 */
export function providerRoutes({ signIn: make, open, refused }: ProviderRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  let made: ProviderSignIn | null = null
  const signIn = (): ProviderSignIn => (made ??= make())
  app.get(`${PROVIDER_PATH}/:provider`, async (c) => {
    const { location, cookie } = await signIn().begin(
      c.req.param('provider'),
      c.req.query('returnTo') ?? null,
    )
    return redirect(c, location, [cookie])
  })
  app.get(`${PROVIDER_PATH}/:provider/callback`, async (c) => {
    const provider = c.req.param('provider')
    // Whatever comes out, the browser's part of this sign-in has ended.
    c.header('Set-Cookie', signIn().endCookie, { append: true })
    try {
      const { identity, returnTo } = await signIn().finish(provider, c.req.raw)
      return redirect(c, returnTo, await open(identity, c.req.raw, c.get('requestId')))
    } catch (error) {
      if (error instanceof SuretyError) refused(provider, c.get('requestId'))
      throw error
    }
  })
  return app
}

function redirect(c: Context<SuretyEnv>, location: string, cookies: readonly string[]): Response {
  for (const cookie of cookies) c.header('Set-Cookie', cookie, { append: true })
  c.header('Cache-Control', 'no-store')
  return c.redirect(location, 303)
}

const REFUSED: PublicProblem = {
  status: 403,
  title: 'You are not signed in',
  detail: 'What the identity provider answered could not be verified. Begin again from the sign-in page.',
}
const AGAIN: PublicProblem = {
  status: 400,
  title: 'This sign-in has ended',
  detail:
    'It was finished before, took longer than ten minutes, or began in another browser. Begin it again.',
}
const UNUSABLE: PublicProblem = {
  status: 503,
  title: 'This way to sign in does not work at the moment',
  detail:
    'The identity provider does not answer as it should. Try again in a moment, or sign in another way.',
}

/** What a visitor learns of a sign-in that came to nothing. */
export const PROVIDER_PROBLEMS: PublicProblems = {
  ERR_IDENTITY_PROVIDER_UNKNOWN: { status: 404, title: 'There is no such way to sign in' },
  ERR_IDENTITY_PROVIDER_AWAY: UNUSABLE,
  ERR_IDENTITY_PROVIDER_METADATA: UNUSABLE,
  ERR_IDENTITY_PROVIDER_SECRET: UNUSABLE,
  ERR_IDENTITY_PROVIDER_REFUSED: {
    status: 403,
    title: 'You are not signed in',
    detail: 'The identity provider signed nobody in.',
  },
  ERR_IDENTITY_PROVIDER_ANSWER: REFUSED,
  ERR_IDENTITY_PROVIDER_TOKEN: REFUSED,
  ERR_IDENTITY_SIGN_IN_LOST: AGAIN,
  ERR_IDENTITY_SIGN_IN_USED: AGAIN,
  ERR_IDENTITY_PROVIDER_EMAIL: {
    status: 403,
    title: 'You are not signed in',
    detail:
      'The identity provider vouches for no e-mail address of yours. Confirm one there, and allow it to be passed on.',
  },
  ERR_IDENTITY_PROVIDER_LINK: {
    status: 403,
    title: 'You are not signed in',
    detail:
      'An account has your e-mail address and never showed that the address is its own. Whoever made it confirms the address first.',
  },
  ERR_IDENTITY_DISABLED: { status: 403, title: 'This account is switched off' },
}
