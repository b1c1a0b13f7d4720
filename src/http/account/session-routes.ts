import { Hono } from 'hono'
import { accountPages } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps } from './visit.ts'

/** Where a person is signed in, and ending that. */
export function sessionRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { identity } = deps

  app.get(ACCOUNT_PATHS.sessions, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    const { personId, id } = visitor.session
    const news = c.req.query('done') === 'ended' && { news: 'The session has ended.' }
    const sessions = await identity.sessions.list(personId)
    const formToken = identity.forms.of(id)
    return visit.page(
      accountPages.sessions({ ...visit.frame(visitor), formToken, sessions, currentId: id, ...news }),
    )
  })
  app.post(`${ACCOUNT_PATHS.sessions}/end`, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    const { id = '' } = await visit.form(visitor)
    const { personId } = visitor.session
    // One that got a new token meanwhile stands in the list again: nothing is said to have ended then.
    if (!(await identity.sessions.endById(personId, id))) return visit.goTo(ACCOUNT_PATHS.sessions)
    visit.note('sign-in.ended', personId, 'another-session')
    return visit.goTo(`${ACCOUNT_PATHS.sessions}?done=ended`)
  })
  app.post(`${ACCOUNT_PATHS.sessions}/end-all`, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    await visit.form(visitor)
    const { personId } = visitor.session
    await identity.sessions.endAll(personId)
    await visit.forgetOtherDevices(personId)
    visit.note('sign-in.ended', personId, 'everywhere')
    visit.clearToken()
    return visit.goTo(ACCOUNT_PATHS.signIn)
  })
  app.post(ACCOUNT_PATHS.signOut, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.visitor()
    await visit.form(visitor)
    if (visitor) {
      await identity.sessions.end(visitor.token)
      visit.note('sign-in.ended', visitor.session.personId, 'sign-out')
    }
    visit.clearToken()
    return visit.goTo(ACCOUNT_PATHS.signIn)
  })
  return app
}
