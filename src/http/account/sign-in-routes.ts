import { Hono } from 'hono'
import { hasCode } from '../../kernel/index.ts'
import { accountPages, showsSecondFactor } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps } from './visit.ts'

const SIGNED_UP = 'signed-up'
const NEWS: Readonly<Record<string, string>> = {
  [SIGNED_UP]: 'If the address was free, your account is there: sign in.',
  written: 'A letter is on its way to the address. If it was free, your account is there: sign in.',
  reset: 'The new password is set, and all sessions have ended: sign in.',
}

/** Signing in, up and out. */
export function signInRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { identity } = deps
  const passwords = identity.offersPasswords
  const waysIn = (next: string) => accountPages.providerLinks(deps.providers?.offered ?? [], next)

  app.get(ACCOUNT_PATHS.signIn, (c) => {
    const visit = new Visit(c, deps)
    const told = NEWS[c.req.query('done') ?? '']
    const news = told !== undefined && { news: told }
    const next = visit.next()
    return visit.page(
      accountPages.signIn({ ...visit.frame(null), next, passwords, ...news, further: waysIn(next) }),
    )
  })

  if (!passwords) return app
  app.post(ACCOUNT_PATHS.signIn, async (c) => {
    const visit = new Visit(c, deps)
    // No token: whoever signs in has no session yet. That the form is of this site is all it needs.
    const { email = '', password = '', next: asked } = await visit.form(null)
    const next = visit.next(asked)
    try {
      const before = await visit.visitor()
      const token = await identity.passwords.signIn({ email, password }, visit.client)
      if (before) await identity.sessions.end(before.token)
      return await enter(visit, token, next)
    } catch (error) {
      if (hasCode(error, 'ERR_IDENTITY_CREDENTIALS')) visit.note('sign-in.failed', null, 'password')
      return visit.refusal(error, (problem) =>
        accountPages.signIn({
          ...visit.frame(null),
          next,
          passwords,
          email: email.slice(0, 254),
          problem,
          further: waysIn(next),
        }),
      )
    }
  })
  app.route('/', signUpRoutes(deps))
  return app
}

/** Hands the new session over, and leads to what it still lacks. */
export async function enter(visit: Visit, token: string, next: string): Promise<Response> {
  visit.setToken(token)
  return visit.goTo(await afterSignIn(visit, token, next))
}

/** Where a new session goes first. */
export async function afterSignIn(visit: Visit, token: string, next: string): Promise<string> {
  const { identity } = visit.deps
  const session = await identity.sessions.find(token)
  if (!session) return ACCOUNT_PATHS.signIn
  const { personId, pending, methods, provider } = session
  if (pending) return `${ACCOUNT_PATHS.secondFactor}?next=${encodeURIComponent(next)}`
  const ways = methods.map((method) => (method === 'oidc' && provider ? `oidc:${provider}` : method))
  visit.note('sign-in.succeeded', personId, ways.join('+'))
  await visit.rememberDevice(personId)
  const lacksFactor = !showsSecondFactor(methods) && (await identity.requiresSecondFactor(personId))
  return lacksFactor ? ACCOUNT_PATHS.security : next
}

/** Which field a refusal is about. */
function fieldOf(error: unknown): 'email' | 'name' | 'password' {
  if (hasCode(error, 'ERR_IDENTITY_EMAIL')) return 'email'
  return hasCode(error, 'ERR_IDENTITY_NAME') ? 'name' : 'password'
}

function signUpRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(ACCOUNT_PATHS.signUp, (c) => {
    const visit = new Visit(c, deps)
    return visit.page(accountPages.signUp({ ...visit.frame(null), next: visit.next() }))
  })
  app.post(ACCOUNT_PATHS.signUp, async (c) => {
    const visit = new Visit(c, deps)
    const { email = '', name = '', password = '', next: asked } = await visit.form(null)
    const next = visit.next(asked)
    try {
      const personId = await deps.identity.passwords.signUp({ email, name, password }, visit.client)
      await deps.identity.addresses?.signedUp(email, personId)
      const done = deps.identity.addresses ? 'written' : SIGNED_UP
      return visit.goTo(`${ACCOUNT_PATHS.signIn}?done=${done}&next=${encodeURIComponent(next)}`)
    } catch (error) {
      const typed = { email: email.slice(0, 254), personName: name.slice(0, 120) }
      return visit.refusal(error, (text) =>
        accountPages.signUp({
          ...visit.frame(null),
          next,
          ...typed,
          problem: { field: fieldOf(error), text },
        }),
      )
    }
  })
  return app
}
