import { Hono } from 'hono'
import type { Context } from 'hono'
import {
  INVITATION_PATH,
  invitationsCard,
  invitationView,
  type CustomRole,
  type TenantFrame,
  type Tenants,
} from '../../tenants/index.ts'
import { hasCode, SuretyError } from '../../kernel/index.ts'
import { renderMarkup, type Child } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import type { PublicProblem } from '../problem.ts'
import type { TenantVisit } from './tenant-routes.ts'
import { HttpError } from '../errors.ts'
import { TENANT_PROBLEMS } from './tenant-problems.ts'

export interface InvitationRoutesDeps {
  readonly tenants: Tenants
  readonly signInPath: string
  visit(request: Request): Promise<TenantVisit | null>
  /** What each page needs. */
  frame(c: Context<SuretyEnv>, visit: TenantVisit, problem?: PublicProblem): TenantFrame
  /** Refuses a form of elsewhere. */
  requireOwnForm(request: Request, visit: TenantVisit, form: FormData): void
}

/** Behind the link of an invitation: who is signed in may join. Nothing where no mail is configured. */
export function invitationRoutes(deps: InvitationRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  const { invitations } = deps.tenants
  if (!invitations) return app
  app.get(INVITATION_PATH, async (c) => {
    const visit = await deps.visit(c.req.raw)
    const { pathname, search } = new URL(c.req.url)
    if (!visit) return c.redirect(`${deps.signInPath}?next=${encodeURIComponent(pathname + search)}`, 303)
    if (c.req.query('done') !== undefined) return page(deps, c, visit, 'accepted')
    const isOpen = await invitations.isOpen(c.req.query('token') ?? '')
    return page(deps, c, visit, isOpen ? 'open' : 'ended')
  })
  app.post(INVITATION_PATH, async (c) => {
    const visit = await deps.visit(c.req.raw)
    if (!visit) return c.redirect(deps.signInPath, 303)
    const form = await c.req.formData()
    deps.requireOwnForm(c.req.raw, visit, form)
    try {
      await invitations.accept(visit.principal.id, textOf(form, 'token'))
    } catch (error) {
      const problem = error instanceof SuretyError ? TENANT_PROBLEMS[error.code] : undefined
      if (!problem) throw error
      const state = hasCode(error, 'ERR_TENANTS_INVITATION') ? 'ended' : 'refused'
      return page(deps, c, visit, state, problem)
    }
    return c.redirect(`${INVITATION_PATH}?done`, 303)
  })
  return app
}

function page(
  deps: InvitationRoutesDeps,
  c: Context<SuretyEnv>,
  visit: TenantVisit,
  state: 'open' | 'ended' | 'refused' | 'accepted',
  problem?: PublicProblem,
): Response | Promise<Response> {
  const frame = deps.frame(c, visit, problem)
  c.header('Cache-Control', 'no-store')
  const token = c.req.query('token') ?? ''
  const status = problem?.status ?? (state === 'ended' ? 409 : 200)
  return c.html(renderMarkup(invitationView({ ...frame, state, token })), status)
}

interface Asked {
  readonly deps: { readonly tenants: Tenants }
  readonly visit: TenantVisit
}

/** What administrators change on the members' page, by the last part of its path. */
export const invitationChanges = {
  invite({ deps, visit }: Asked, form: FormData): Promise<void> {
    const roles = form.getAll('role').filter((role) => typeof role === 'string')
    return invitationsOf(deps).invite(visit.principal, textOf(form, 'email'), roles)
  },
  'invitation-revoke': ({ deps, visit }: Asked, form: FormData): Promise<void> =>
    invitationsOf(deps).revoke(visit.principal, textOf(form, 'id')),
}

function invitationsOf({ tenants }: Asked['deps']): NonNullable<Tenants['invitations']> {
  if (tenants.invitations) return tenants.invitations
  throw new HttpError('ERR_HTTP_FORM', 'nobody is invited where no mail is configured')
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
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
