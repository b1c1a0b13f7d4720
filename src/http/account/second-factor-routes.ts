import { Hono } from 'hono'
import { accountPages, IdentityError, type SignInMethod } from '../../identity/index.ts'
import type { Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { afterSignIn } from './sign-in-routes.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps, type Visitor } from './visit.ts'

/** The second step of a sign-in, and confirming before what is sensitive. */
export function secondFactorRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  for (const purpose of PURPOSES) {
    const path = purpose === 'confirm' ? ACCOUNT_PATHS.confirm : ACCOUNT_PATHS.secondFactor
    app.get(path, async (c) => {
      const visit = new Visit(c, deps)
      const visitor = await requireVisitor(visit, purpose)
      const page = await challenge(visit, visitor, purpose, visit.next())
      return visit.page(page())
    })
    app.post(path, async (c) => {
      const visit = new Visit(c, deps)
      const visitor = await requireVisitor(visit, purpose)
      const { code, password, next: asked } = await visit.form(visitor)
      const next = visit.next(asked)
      try {
        const method = await prove(visit, visitor, { code, password })
        return visit.goTo(await proved(visit, visitor, method, next))
      } catch (error) {
        visit.note('sign-in.failed', visitor.session.personId, purpose)
        const page = await challenge(visit, visitor, purpose, next)
        return visit.refusal(error, (problem) => page(problem))
      }
    })
  }
  return app
}

/** Ending a sign-in, or confirming before what is sensitive. */
export type Purpose = 'second-factor' | 'confirm'

export const PURPOSES: readonly Purpose[] = ['second-factor', 'confirm']

/** @throws IdentityError where there is nothing to complete, or nobody to confirm */
export async function requireVisitor(visit: Visit, purpose: Purpose): Promise<Visitor> {
  if (purpose === 'confirm') return visit.signedIn()
  const visitor = await visit.visitor()
  if (visitor?.session.pending) return visitor
  throw new IdentityError('ERR_IDENTITY_SIGNED_OUT', 'no sign-in waits for a second factor')
}

/** How the person proves themselves. Whoever has a second factor is asked for it: a password is not enough then. */
async function prove(
  visit: Visit,
  { session: { personId } }: Visitor,
  { code, password }: { readonly code: string | undefined; readonly password: string | undefined },
): Promise<SignInMethod> {
  const { identity } = visit.deps
  if (await identity.secondFactors.has(personId))
    return identity.secondFactors.check(personId, code ?? '', visit.client)
  if (await identity.passwords.confirm(personId, password ?? '', visit.client)) return 'password'
  throw new IdentityError('ERR_IDENTITY_CREDENTIALS', 'the password is not right')
}

/** The session under a new token, with the proof, given just now unless said otherwise; gives where to go. */
export async function proved(
  visit: Visit,
  visitor: Visitor,
  method: SignInMethod,
  next: string,
  authenticatedAt = visit.deps.clock.now(),
): Promise<string> {
  const { sessions } = visit.deps.identity
  const methods = [...new Set([...visitor.session.methods, method])]
  const token = await sessions.rotate(visitor.token, { methods, pending: false, authenticatedAt })
  if (token === null) throw new IdentityError('ERR_IDENTITY_SIGNED_OUT', 'the session ended meanwhile')
  visit.setToken(token)
  return afterSignIn(visit, token, next)
}

/** The provider that vouched for the session; all of them where none did. */
function waysToConfirm({ deps }: Visit, { session: { provider } }: Visitor) {
  return (deps.providers?.offered ?? []).filter(({ id }) => provider === null || id === provider)
}

/** The page that asks, with or without what went wrong. */
async function challenge(
  visit: Visit,
  visitor: Visitor,
  purpose: Purpose,
  next: string,
): Promise<(problem?: string) => Markup> {
  const { identity } = visit.deps
  const { personId } = visitor.session
  const enrolled = await identity.secondFactors.enrolled(personId)
  const password = await identity.passwords.has(personId)
  const passkeys = enrolled.passkeys.length > 0
  const has = { codes: enrolled.authenticator || passkeys, passkeys, password }
  const view = {
    ...visit.frame(visitor),
    formToken: identity.forms.of(visitor.session.id),
    purpose,
    next,
    has,
    // Whoever signs in through a provider alone shows there once more who they are.
    further: accountPages.confirmLinks(waysToConfirm(visit, visitor), next),
  }
  return (problem) => accountPages.secondFactor({ ...view, ...(problem !== undefined && { problem }) })
}
