import { Hono } from 'hono'
import { accountPages, IdentityError, totpUri } from '../../identity/index.ts'
import type { SuretyEnv } from '../context.ts'
import { ACCOUNT_PATHS, Visit, type AccountRoutesDeps, type Visitor } from './visit.ts'

const NEWS: Readonly<Record<string, string>> = {
  'passkey-added': 'The passkey is set up.',
  'passkey-removed': 'The passkey is removed.',
  'authenticator-removed': 'The authenticator app is removed.',
  password: 'The password is changed, and all other sessions have ended.',
  letter: 'A letter is on its way, with a link that works for 24 hours.',
  'address-confirmed': 'Your address is confirmed.',
  'address-changed': 'Your address is changed. Sign in with the new one from now on.',
}
const PATH = ACCOUNT_PATHS.security

/** What a person changes about their own sign-in. Each change asks for a fresh proof and gives the session a new token. */
export function securityRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { authenticators, recoveryCodes } = deps.identity.secondFactors

  app.get(PATH, async (c) => {
    const visit = new Visit(c, deps)
    const visitor = await visit.signedIn()
    return visit.page(await overview(visit, visitor, { news: NEWS[c.req.query('done') ?? ''] }))
  })
  app.post(`${PATH}/authenticator`, async (c) => {
    const { visit, visitor } = await sensitive(new Visit(c, deps), 'enrolling')
    const { personId } = visitor.session
    const secret = await authenticators.begin(personId)
    const account = await deps.identity.account(personId)
    const uri = totpUri(secret, deps.name, account?.email ?? personId)
    return visit.page(accountPages.authenticator({ ...tokenFrame(visit, visitor), secret, uri }))
  })
  app.post(`${PATH}/authenticator-confirm`, async (c) => {
    const { visit, visitor, fields } = await sensitive(new Visit(c, deps), 'enrolling')
    const { personId } = visitor.session
    if (!(await authenticators.confirm(personId, fields['code'] ?? ''))) {
      const problem =
        'This is not the code of that key. Set it up again, and see that the phone’s clock is right.'
      return visit.page(await overview(visit, visitor, { problem }), 422)
    }
    visit.changed(personId, 'authenticator-added')
    await deps.identity.sessions.endUnproved(personId, visitor.session.id)
    const stronger = await strengthen(visit, visitor)
    return visit.page(
      accountPages.recoveryCodes({ ...visit.frame(stronger), codes: await recoveryCodes.renew(personId) }),
    )
  })
  app.post(`${PATH}/recovery-codes`, async (c) => {
    const { visit, visitor } = await sensitive(new Visit(c, deps))
    const { personId } = visitor.session
    // Codes that were made before there is anything to recover would open it later.
    if (!(await deps.identity.secondFactors.has(personId))) return visit.goTo(PATH)
    visit.changed(personId, 'recovery-codes')
    return visit.page(
      accountPages.recoveryCodes({ ...visit.frame(visitor), codes: await recoveryCodes.renew(personId) }),
    )
  })
  app.route('/', removalRoutes(deps))
  app.route('/', passwordRoute(deps))
  return app
}

function removalRoutes(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  for (const kind of ['authenticator', 'passkey'] as const) {
    app.post(`${PATH}/${kind}-remove`, async (c) => {
      const { visit, visitor, fields } = await sensitive(new Visit(c, deps))
      const { personId } = visitor.session
      try {
        const factor = kind === 'passkey' ? { kind, id: fields['id'] ?? '' } : { kind }
        await deps.identity.secondFactors.remove(personId, factor)
      } catch (error) {
        const page = await overviewOf(visit, visitor)
        return visit.refusal(error, (problem) => page({ problem }))
      }
      visit.changed(personId, `${kind}-removed`)
      await renew(visit, visitor)
      return visit.goTo(`${PATH}?done=${kind}-removed`)
    })
  }
  return app
}

function passwordRoute(deps: AccountRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { passwords, sessions } = deps.identity
  app.post(`${PATH}/password`, async (c) => {
    const { visit, visitor, fields } = await sensitive(new Visit(c, deps))
    const { personId, id } = visitor.session
    try {
      await passwords.change(personId, fields['password'] ?? '', id)
    } catch (error) {
      const page = await overviewOf(visit, visitor)
      return visit.refusal(error, (problem) => page({ problem }))
    }
    visit.changed(personId, 'password')
    // Those that were being given another token when the others ended.
    await sessions.endAll(personId, id)
    await visit.rememberDevice(personId)
    await renew(visit, visitor)
    return visit.goTo(`${PATH}?done=password`)
  })
  return app
}

/** A form that changes how the person signs in: from a page of this site, of this session, with a fresh proof. */
export async function sensitive(visit: Visit, proof: 'fresh' | 'enrolling' = 'fresh') {
  const visitor = await visit.signedIn()
  const fields = await visit.form(visitor)
  await visit[proof]()
  return { visit, visitor, fields }
}

/** The session under a new token: what could be read before the change is worthless after it. */
async function renew(visit: Visit, { token }: Visitor): Promise<void> {
  const fresh = await visit.deps.identity.sessions.rotate(token, {})
  if (fresh !== null) visit.setToken(fresh)
}

/** The same, and the code that was just given counts as a second factor of this session. */
async function strengthen(visit: Visit, { token, session }: Visitor): Promise<Visitor> {
  const methods = [...new Set([...session.methods, 'totp' as const])]
  const { identity, clock } = visit.deps
  const fresh = await identity.sessions.rotate(token, { methods, authenticatedAt: clock.now() })
  const stronger = fresh === null ? null : await identity.sessions.find(fresh)
  if (fresh === null || stronger === null)
    throw new IdentityError('ERR_IDENTITY_SIGNED_OUT', 'the session ended meanwhile')
  visit.setToken(fresh)
  return { session: stronger, token: fresh }
}

function tokenFrame(visit: Visit, visitor: Visitor) {
  return { ...visit.frame(visitor), formToken: visit.deps.identity.forms.of(visitor.session.id) }
}

interface Told {
  readonly news?: string | undefined
  readonly problem?: string
}

async function overview(visit: Visit, visitor: Visitor, told: Told) {
  const page = await overviewOf(visit, visitor)
  return page(told)
}

export async function overviewOf(visit: Visit, visitor: Visitor) {
  const { identity } = visit.deps
  const { personId } = visitor.session
  const factors = await identity.secondFactors.enrolled(personId)
  const account = (await identity.account(personId)) ?? { name: '', email: '', emailVerified: false }
  const none = !factors.authenticator && factors.passkeys.length === 0
  const mustEnrol = none && (await identity.requiresSecondFactor(personId))
  const hasPassword = await identity.passwords.has(personId)
  const offersMail = identity.addresses !== null
  const view = { ...tokenFrame(visit, visitor), account, factors, hasPassword, offersMail, mustEnrol }
  return ({ news, problem }: Told) =>
    accountPages.security({
      ...view,
      ...(news !== undefined && { news }),
      ...(problem !== undefined && { problem }),
    })
}
