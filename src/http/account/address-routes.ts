import { Hono } from 'hono'
import { accountPages, IdentityError, type Identity } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { overviewOf, sensitive } from './security-routes.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps, type Visitor } from './visit.ts'

const PATH = ACCOUNT_PATHS.address
const SECURITY = ACCOUNT_PATHS.security

/** Confirming one's address by a letter, and taking another one. */
export function addressRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(PATH, async (c) => {
    const visit = new Visit(c, deps)
    const token = c.req.query('token') ?? ''
    const visitor = await visit.visitor()
    if (!visitor || visitor.session.pending) return signInFirst(visit, visitor)
    const formToken = deps.identity.forms.of(visitor.session.id)
    return visit.page(accountPages.confirmAddress({ ...visit.frame(visitor), formToken, token }))
  })
  app.post(PATH, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    const { token = '' } = await visit.form(visitor)
    try {
      return visit.goTo(`${SECURITY}?done=address-${await confirm(visit, visitor, token)}`)
    } catch (error) {
      const again = { href: SECURITY, label: 'Ask for another letter' }
      return visit.refusal(error, () => accountPages.spentLink(visit.frame(visitor), again))
    }
  })
  app.post(`${PATH}/send`, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    await visit.form(visitor)
    return sent(visit, visitor, (addresses, personId) => addresses.send(personId))
  })
  app.post(`${PATH}/change`, async (c) => {
    const { visit, visitor, fields } = await sensitive(new Visit(c, deps))
    return sent(visit, visitor, (addresses, personId) => addresses.change(personId, fields['email'] ?? ''))
  })
  return app
}

type Addresses = NonNullable<Identity['addresses']>

function addressesOf({ deps }: Visit): Addresses {
  const { addresses } = deps.identity
  if (addresses) return addresses
  throw new IdentityError('ERR_IDENTITY_MAIL', 'nothing takes letters over')
}

async function confirm(visit: Visit, { session }: Visitor, token: string): Promise<string> {
  const { personId } = session
  const done = await addressesOf(visit).confirm(personId, token)
  visit.changed(personId, `address-${done}`)
  // A device is known under the address that is typed at sign-in.
  if (done === 'changed') await visit.rememberDevice(personId)
  return done
}

/** The person's own page again: with a letter on its way, or why there is none. */
async function sent(
  visit: Visit,
  visitor: Visitor,
  send: (addresses: Addresses, personId: string) => Promise<void>,
): Promise<Response> {
  try {
    await send(addressesOf(visit), visitor.session.personId)
  } catch (error) {
    const page = await overviewOf(visit, visitor)
    return visit.refusal(error, (problem) => page({ problem }))
  }
  return visit.goTo(`${SECURITY}?done=letter`)
}

/** To the proof that is missing, and back to the link of the letter. */
function signInFirst(visit: Visit, visitor: Visitor | null): Response {
  const { pathname, search } = new URL(visit.c.req.url)
  const to = visitor ? ACCOUNT_PATHS.secondFactor : ACCOUNT_PATHS.signIn
  return visit.goTo(`${to}?next=${encodeURIComponent(pathname + search)}`)
}
