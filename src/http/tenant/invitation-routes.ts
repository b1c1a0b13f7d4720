import { Hono } from 'hono'
import {
  INVITATION_PATH,
  invitationsCard,
  invitationView,
  type CustomRole,
  type TenantFrame,
  type Tenants,
} from '../../tenants/index.ts'
import { hasCode } from '../../kernel/index.ts'
import { renderMarkup, type Child } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import type { PublicProblem } from '../problem.ts'
import { HttpError } from '../errors.ts'
import { tenantProblemOf } from './tenant-problems.ts'
import {
  frameOf,
  ownForm,
  textOf,
  textsOf,
  type TenantRoutesDeps,
  type TenantVisit,
  type Visited,
} from './tenant-visit.ts'

/** Behind the link of an invitation: who is signed in may join. Nothing where no mail is configured. */
export function invitationRoutes(deps: TenantRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { invitations } = deps.tenants
  if (!invitations) return app
  app.get(INVITATION_PATH, async (c) => {
    const visit = await deps.visit(c.req.raw)
    const { pathname, search } = new URL(c.req.url)
    if (!visit) return c.redirect(`${deps.signInPath}?next=${encodeURIComponent(pathname + search)}`, 303)
    const found = { c, visit, deps }
    if (c.req.query('done') !== undefined) return page(found, 'accepted')
    const isOpen = await invitations.isOpen(c.req.query('token') ?? '')
    return page(found, isOpen ? 'open' : 'ended')
  })
  app.post(INVITATION_PATH, async (c) => {
    const visit = await deps.visit(c.req.raw)
    if (!visit) return c.redirect(deps.signInPath, 303)
    const found = { c, visit, deps }
    const form = await ownForm(found)
    try {
      await invitations.accept(visit.principal.id, textOf(form, 'token'))
    } catch (error) {
      const problem = tenantProblemOf(error)
      if (!problem) throw error
      return page(found, hasCode(error, 'ERR_TENANTS_INVITATION') ? 'ended' : 'refused', problem)
    }
    return c.redirect(`${INVITATION_PATH}?done`, 303)
  })
  return app
}

function page(
  found: Visited,
  state: 'open' | 'ended' | 'refused' | 'accepted',
  problem?: PublicProblem,
): Response | Promise<Response> {
  const { c } = found
  c.header('Cache-Control', 'no-store')
  const token = c.req.query('token') ?? ''
  const status = problem?.status ?? (state === 'ended' ? 409 : 200)
  const frame = frameOf(found, problem && { problem })
  return c.html(renderMarkup(invitationView({ ...frame, state, token })), status)
}

type Asked = Pick<Visited, 'deps' | 'visit'>

/** What administrators change on the members' page, by the last part of its path. */
export const invitationChanges = {
  invite({ deps, visit }: Asked, form: FormData): Promise<void> {
    return invitationsOf(deps).invite(visit.principal, textOf(form, 'email'), textsOf(form, 'role'))
  },
  'invitation-revoke': ({ deps, visit }: Asked, form: FormData): Promise<void> =>
    invitationsOf(deps).revoke(visit.principal, textOf(form, 'id')),
}

function invitationsOf({ tenants }: TenantRoutesDeps): NonNullable<Tenants['invitations']> {
  if (tenants.invitations) return tenants.invitations
  throw new HttpError('ERR_HTTP_FORM', 'nobody is invited where no mail is configured')
}

/** The part of the members' page that is about invitations. */
export async function invitationsPart(
  { invitations }: Tenants,
  { principal }: TenantVisit,
  options: {
    readonly frame: TenantFrame
    readonly roles: readonly string[]
    readonly customRoles: readonly CustomRole[]
  },
): Promise<Child> {
  const roles = new Map([
    ...options.roles.map((role) => [role, role] as const),
    ...options.customRoles.map(({ assignedAs, name }) => [assignedAs, name] as const),
  ])
  const open = invitations && (await invitations.list(principal))
  return invitationsCard({ ...options.frame, roles, invitations: open })
}
