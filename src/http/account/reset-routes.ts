import { Hono } from 'hono'
import { accountPages, IdentityError } from '../../identity/index.ts'
import { hasCode } from '../../kernel/index.ts'
import type { SuretyEnv } from '../context.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps } from './visit.ts'

const AGAIN = { href: ACCOUNT_PATHS.reset, label: 'Ask for another letter' }

/** A new password for a forgotten one. The pages are there without mail, too, and say that it is not offered. */
export function resetRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { passwordReset, offersPasswords } = deps.identity
  if (!offersPasswords) return app
  const isOffered = passwordReset !== null
  passwordReset?.tell((subject, request) =>
    deps.audit({ kind: 'account.changed', subject, what: 'password-reset-asked', request }),
  )
  const resets = () => {
    if (passwordReset) return passwordReset
    throw new IdentityError('ERR_IDENTITY_MAIL', 'nothing takes letters over')
  }
  app.get(ACCOUNT_PATHS.reset, (c) => {
    const visit = new Visit(c, deps)
    const isAsked = c.req.query('done') === 'asked'
    return visit.page(accountPages.askReset({ ...visit.frame(null), isOffered, isAsked }))
  })
  app.post(ACCOUNT_PATHS.reset, async (c) => {
    const visit = new Visit(c, deps)
    const { email = '' } = await visit.form(null)
    try {
      await resets().ask(email, visit.client, c.get('requestId'))
    } catch (error) {
      const view = { ...visit.frame(null), isOffered, email: email.slice(0, 254) }
      return visit.refusal(error, (problem) => accountPages.askReset({ ...view, problem }))
    }
    return visit.goTo(`${ACCOUNT_PATHS.reset}?done=asked`)
  })
  app.get(ACCOUNT_PATHS.resetPassword, async (c) => {
    const visit = new Visit(c, deps)
    const token = c.req.query('token') ?? ''
    const isLive = await resets().isLive(token)
    const frame = visit.frame(null)
    return visit.page(
      isLive ? accountPages.resetPassword({ ...frame, token }) : accountPages.spentLink(frame, AGAIN),
      isLive ? 200 : 409,
    )
  })
  app.post(ACCOUNT_PATHS.resetPassword, (c) => finish(new Visit(c, deps), resets))
  return app
}

async function finish(
  visit: Visit,
  resets: () => NonNullable<AccountRoutesDeps['identity']['passwordReset']>,
): Promise<Response> {
  const { token = '', password = '' } = await visit.form(null)
  try {
    const personId = await resets().finish(token, password)
    visit.changed(personId, 'password-reset')
    // Who reads the person's mail and set the password is not shut out by guesses of others.
    await visit.rememberDevice(personId)
    return visit.goTo(`${ACCOUNT_PATHS.signIn}?done=reset`)
  } catch (error) {
    const frame = visit.frame(null)
    return visit.refusal(error, (problem) =>
      hasCode(error, 'ERR_IDENTITY_LINK')
        ? accountPages.spentLink(frame, AGAIN)
        : accountPages.resetPassword({ ...frame, token: token.slice(0, 100), problem }),
    )
  }
}
