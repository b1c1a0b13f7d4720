import { Hono } from 'hono'
import { IdentityError } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { proved, PURPOSES, requireVisitor } from './second-factor-routes.ts'
import { afterSignIn } from './sign-in-routes.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps } from './visit.ts'

const PATH = '/account/passkeys'

type Answer<Of extends 'add' | 'check'> = Parameters<
  Visit['deps']['identity']['secondFactors']['passkeys'][Of]
>

/** What the script behind the passkey buttons sends and gets: JSON, of pages of this site only. */
export function passkeyRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { identity } = deps
  const { passkeys } = identity.secondFactors
  app.post(`${PATH}/sign-in/options`, async (c) => {
    await new Visit(c, deps).json(null)
    return c.json(await passkeys.beginSigning(null))
  })
  app.post(`${PATH}/sign-in`, async (c) => {
    const visit = new Visit(c, deps)
    const { response, next } = await visit.json(null)
    const before = await visit.visitor()
    const personId = await passkeys.check(response as Answer<'check'>[0])
    const token = await identity.enter(personId, ['passkey'], visit.client)
    if (before) await identity.sessions.end(before.token)
    visit.setToken(token)
    return c.json({ location: await afterSignIn(visit, token, visit.next(next)) })
  })
  app.route('/', provingRoutes(deps))
  app.route('/', addingRoutes(deps))
  return app
}

/** A passkey of the person who is signed in, or on their way. */
function provingRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { passkeys } = deps.identity.secondFactors
  for (const purpose of PURPOSES) {
    app.post(`${PATH}/${purpose}/options`, async (c) => {
      const visit = new Visit(c, deps)
      const visitor = await requireVisitor(visit, purpose)
      await visit.json(visitor)
      return c.json(await passkeys.beginSigning(visitor.session.personId))
    })
    app.post(`${PATH}/${purpose}`, async (c) => {
      const visit = new Visit(c, deps)
      const visitor = await requireVisitor(visit, purpose)
      const { response, next } = await visit.json(visitor)
      const personId = await passkeys.check(response as Answer<'check'>[0])
      if (personId !== visitor.session.personId)
        throw new IdentityError('ERR_IDENTITY_PASSKEY', 'the passkey belongs to somebody else')
      return c.json({ location: await proved(visit, visitor, 'passkey', visit.next(next)) })
    })
  }
  return app
}

function addingRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { identity, clock } = deps
  const { passkeys } = identity.secondFactors
  app.post(`${PATH}/add/options`, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.enrolling()
    await visit.json(visitor)
    const { personId } = visitor.session
    const account = await identity.account(personId)
    return c.json(await passkeys.beginAdding({ id: personId, email: account?.email ?? personId }))
  })
  app.post(`${PATH}/add`, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.enrolling()
    const { response } = await visit.json(visitor)
    const { personId, methods } = visitor.session
    await passkeys.add(personId, 'Passkey', response as Answer<'add'>[2])
    visit.changed(personId, 'passkey-added')
    await identity.sessions.endUnproved(personId, visitor.session.id)
    const changes = { methods: [...new Set([...methods, 'passkey' as const])], authenticatedAt: clock.now() }
    const token = await identity.sessions.rotate(visitor.token, changes)
    if (token !== null) visit.setToken(token)
    return c.json({ location: `${ACCOUNT_PATHS.security}?done=passkey-added` })
  })
  return app
}
