import { Hono, type Context } from 'hono'
import { defineErrors, isId, type Logger, type StaffRoom } from 'surety'
import { problemHandler, type PublicProblems } from 'surety/hono'
import type { Service } from './api-request.ts'
import type { PageEnv } from './page-request.ts'
import { signInPath } from './sign-in.ts'
import { staffHeartbeatsPage, staffHomePage } from './view/staff.ts'

const StaffPageError = defineErrors('StaffPageError', {
  ERR_CODETIME_NOT_STAFF: 'ask somebody who is a member of staff',
  ERR_CODETIME_NO_GRANT: 'ask for a grant in the console, and open the page from your list of grants',
})

const NOT_IN_FORCE = { status: 403, title: 'This grant does not open anything now' } as const

/** What a member of staff is told of a refusal; the code stands in the answer to programs. */
const REFUSALS: PublicProblems = {
  ERR_CODETIME_NOT_STAFF: { status: 403, title: 'This page is for our staff' },
  ERR_CODETIME_NO_GRANT: { status: 404, title: 'There is no such grant' },
  ERR_STAFF_GRANT: { status: 404, title: 'There is no such grant' },
  ERR_STAFF_STATE: { ...NOT_IN_FORCE, detail: 'It waits for approval, was refused, or was ended.' },
  ERR_STAFF_APPROVAL: { ...NOT_IN_FORCE, detail: 'Its approval does not hold.' },
  ERR_STAFF_CONSENT: {
    ...NOT_IN_FORCE,
    detail: 'The customer asked to be asked first, and has not answered.',
  },
  ERR_ACCESS_GRANT_TIME: { ...NOT_IN_FORCE, detail: 'Its time is over.' },
  ERR_ACCESS_GRANT_WIDER: NOT_IN_FORCE,
  ERR_ACCESS_STAFF: NOT_IN_FORCE,
  ERR_ACCESS_SELF_APPROVAL: NOT_IN_FORCE,
  ERR_ACCESS_APPOINTEE: NOT_IN_FORCE,
  ERR_ACCESS_APPROVER: NOT_IN_FORCE,
  ERR_ACCESS_PASSKEY: NOT_IN_FORCE,
  ERR_STORE_FORBIDDEN: { status: 403, title: 'The grant does not open heartbeats' },
  ERR_STORE_UNRECORDED: {
    status: 503,
    title: 'Nothing can be shown at the moment',
    detail: 'What cannot be recorded is not shown.',
  },
}

/** Heartbeats that one look shows: the newest. Each that is shown is recorded. */
const MOST_SHOWN = 50

/**
 * What our own staff use: their grants, and a person's heartbeats under one of them. Nothing here decides
 * what a grant opens: the statement runs as the operator that the grant names, and the store looks at it.
 */
export function staffRoutes({ backend, signIn, clock }: Service, logger: Logger): Hono<PageEnv> {
  const { staff } = backend
  const routes = new Hono<PageEnv>()
  routes.use('*', async (c, next) => {
    await next()
    c.header('Cache-Control', 'no-store')
  })
  const page = (path: string, show: (c: Context<PageEnv>, personId: string) => Promise<Response>) =>
    routes.get(path, async (c) => {
      const personId = await signIn.personIdOf(c.req.raw)
      return personId === null ? c.redirect(signInPath(c.req.path), 303) : show(c, personId)
    })

  page('/', async (c, personId) => {
    const visitor = await memberOf(backend, personId)
    const grants = (await staff.grants.list()).filter(({ grant }) => grant.requester === personId)
    return c.html(staffHomePage({ nonce: c.get('nonce'), visitor, grants, now: clock.now() }))
  })
  page('/grants/:id', async (c, personId) => {
    const visitor = await memberOf(backend, personId)
    const record = await readGrant(staff, c.req.param('id') ?? '')
    const { db } = backend.as(await staff.principal(personId, record.id))
    const rows = await db
      .selectFrom('heartbeats')
      .select(['id', 'personId', 'time', 'project', 'entity', 'language'])
      .orderBy('time', 'desc')
      .limit(MOST_SHOWN)
      .execute()
    return c.html(staffHeartbeatsPage({ nonce: c.get('nonce'), visitor, record, rows }))
  })
  routes.onError(problemHandler({ name: 'Codetime', hasSecurityTxt: true, logger, problems: REFUSALS }))
  return routes
}

/** Who of our staff it is. @throws StaffPageError `ERR_CODETIME_NOT_STAFF` */
async function memberOf({ staff, accounts }: Service['backend'], personId: string) {
  const account = (await staff.roleOf(personId)) && (await accounts.find({ personId }))
  if (account) return { displayName: account.name }
  throw new StaffPageError('ERR_CODETIME_NOT_STAFF', 'the visitor is no member of staff')
}

function readGrant({ grants }: StaffRoom, id: string) {
  if (isId(id)) return grants.read(id)
  throw new StaffPageError('ERR_CODETIME_NO_GRANT', 'what was named is no grant')
}
