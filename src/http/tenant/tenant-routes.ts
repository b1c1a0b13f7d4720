import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { permissionsGiven, type Principal } from '../../access/index.ts'
import { ACTIONS, type PermissionText, type SuretyConfig } from '../../declare/index.ts'
import { SuretyError, type Clock, type Duration } from '../../kernel/index.ts'
import {
  ADMINISTRATOR,
  FORM_FIELD,
  keysView,
  MEMBER,
  membersView,
  networksView,
  reviewsView,
  rolesView,
  TENANT_PATHS,
  type NewKey,
  type TenantFrame,
  type Tenants,
} from '../../tenants/index.ts'
import { renderMarkup, type Markup, type NavLink } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { HttpError } from '../errors.ts'
import type { PublicProblem } from '../problem.ts'
import { invitationChanges, invitationRoutes, invitationsPart } from './invitation-routes.ts'
import { TENANT_PROBLEMS } from './tenant-problems.ts'

/** Who is looking at their organisation. */
export interface TenantVisit {
  /** As `tenants.principalOf` made it for this request. */
  readonly principal: Principal
  /** The session's token, which each form must bring back. */
  readonly form: string
  /** The client's address, as the server sees it. */
  readonly address: string | null
}

/** What the pages of an organisation stand on. */
export interface TenantRoutesDeps {
  readonly site: { readonly name: string; readonly url: string }
  readonly config: Pick<SuretyConfig, 'resources' | 'roles'>
  readonly tenants: Tenants
  readonly clock: Clock
  /** Null where nobody is signed in. */
  visit(request: Request): Promise<TenantVisit | null>
  /** Path of the sign-in page; the path that was sought follows as `next`. */
  readonly signInPath: string
  /** Navigation of the account's pages. Default: those that stand here. */
  readonly links?: readonly NavLink[]
  /** What people are called. Default: the beginning of their pseudonym. */
  nameOf?(personId: string): string
}

interface Visited {
  readonly c: Context<SuretyEnv>
  readonly visit: TenantVisit
  readonly deps: TenantRoutesDeps
}

type Show = (visited: Visited, extra?: Extra) => Promise<Markup>
interface Extra {
  readonly problem?: PublicProblem
  readonly made?: NewKey
}
/** Makes a change; what it returns is shown at once, on the page of its form. */
type Change = (visited: Visited, form: FormData) => Promise<Extra | void>

/** The pages on which an organisation keeps its members, roles, keys, networks and reviews. */
export function tenantRoutes(deps: TenantRoutesDeps): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  for (const { path, show, changes } of PAGES) {
    app.get(path, (c) => visited(deps, c, async (found) => send(c, await show(found))))
    for (const [name, change] of Object.entries(changes)) {
      app.post(name === '' ? path : `${path}/${name}`, (c) =>
        visited(deps, c, (found) => runChange(found, path, show, change)),
      )
    }
  }
  app.route(
    '/',
    invitationRoutes({
      ...deps,
      frame: (c, visit, problem) => frameOf({ c, visit, deps }, problem && { problem }),
      requireOwnForm: (request, visit, form) => requireOwnForm(deps, request, visit, form),
    }),
  )
  return app
}

async function visited(
  deps: TenantRoutesDeps,
  c: Context<SuretyEnv>,
  work: (visited: Visited) => Promise<Response>,
): Promise<Response> {
  const visit = await deps.visit(c.req.raw)
  if (visit) return work({ c, visit, deps })
  const sought = c.req.method === 'GET' ? `?next=${encodeURIComponent(c.req.path)}` : ''
  return c.redirect(`${deps.signInPath}${sought}`, 303)
}

function send(c: Context<SuretyEnv>, markup: Markup, status: PublicProblem['status'] = 200): Response {
  c.header('Cache-Control', 'no-store')
  return c.html(renderMarkup(markup), status) as Response
}

async function runChange(found: Visited, path: string, show: Show, change: Change): Promise<Response> {
  const { c, visit, deps } = found
  const form = await c.req.formData()
  requireOwnForm(deps, c.req.raw, visit, form)
  try {
    const extra = await change(found, form)
    return extra ? send(c, await show(found, extra)) : c.redirect(path, 303)
  } catch (error) {
    const problem = error instanceof SuretyError ? TENANT_PROBLEMS[error.code] : undefined
    if (!problem) throw error
    // Who may not look gets the plain page of the problem.
    return show(found, { problem }).then(
      (markup) => send(c, markup, problem.status),
      () => Promise.reject(error),
    )
  }
}

/**
 * No other site sends a form in a person's name: browsers say where a request comes from (Fetch
 * Metadata, else Origin), and the form brings the session's token.
 *
 * @throws HttpError `ERR_HTTP_FOREIGN_FORM`
 */
function requireOwnForm(
  { site }: TenantRoutesDeps,
  request: Request,
  visit: TenantVisit,
  form: FormData,
): void {
  const from = request.headers.get('sec-fetch-site')
  const isOwn =
    from === null ? request.headers.get('origin') === new URL(site.url).origin : from === 'same-origin'
  const [own, given] = [Buffer.from(visit.form), Buffer.from(textOf(form, FORM_FIELD))]
  if (isOwn && own.length > 0 && own.length === given.length && timingSafeEqual(own, given)) return
  throw new HttpError('ERR_HTTP_FOREIGN_FORM', 'a form came from elsewhere, or from another session')
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}

function textsOf(form: FormData, name: string): string[] {
  return form.getAll(name).filter((value) => typeof value === 'string')
}

function frameOf({ c, visit, deps }: Visited, { problem }: Extra = {}): TenantFrame {
  return {
    site: deps.site,
    nonce: c.get('nonce'),
    form: visit.form,
    nameOf: (personId) => deps.nameOf?.(personId) ?? `Person ${personId.slice(0, 8)}`,
    ...(deps.links && { links: deps.links }),
    ...(problem && { problem }),
  }
}

const PAGES: readonly {
  readonly path: string
  readonly show: Show
  readonly changes: Readonly<Record<string, Change>>
}[] = [
  {
    path: TENANT_PATHS.members,
    async show(found, extra) {
      const { deps, visit } = found
      const members = await deps.tenants.members.list(visit.principal)
      const customRoles = await deps.tenants.roles.list(visit.principal)
      const configured = new Set([ADMINISTRATOR, MEMBER, ...Object.keys(deps.config.roles)])
      const roles = [...configured].filter((role) => role !== 'anonymous')
      const frame = frameOf(found, extra)
      const below = await invitationsPart(deps.tenants, visit, { frame, roles, customRoles })
      return membersView({ ...frame, members, roles, customRoles, below })
    },
    changes: {
      roles: ({ deps, visit }, form) =>
        deps.tenants.members.assign(visit.principal, textOf(form, 'person'), textsOf(form, 'role')),
      remove: ({ deps, visit }, form) => deps.tenants.members.remove(visit.principal, textOf(form, 'person')),
      ...invitationChanges,
    },
  },
  {
    path: TENANT_PATHS.roles,
    async show(found, extra) {
      const { deps, visit } = found
      const customRoles = await deps.tenants.roles.list(visit.principal)
      const held = permissionsGiven(visit.principal)!
      return rolesView({ ...frameOf(found, extra), resources: deps.config.resources, customRoles, held })
    },
    changes: {
      async create({ deps, visit }, form) {
        await deps.tenants.roles.create(visit.principal, draftOf(deps, form))
      },
      async edit({ deps, visit }, form) {
        const revision = Number(textOf(form, 'revision'))
        await deps.tenants.roles.edit(visit.principal, textOf(form, 'id'), revision, draftOf(deps, form))
      },
      remove: ({ deps, visit }, form) => deps.tenants.roles.remove(visit.principal, textOf(form, 'id')),
    },
  },
  {
    path: TENANT_PATHS.keys,
    async show(found, extra = {}) {
      const { deps, visit } = found
      const { id: personId } = visit.principal
      const keys = await deps.tenants.keys.list(visit.principal)
      const scopes = permissionsGiven(visit.principal)!.texts
      const made = extra.made && { made: extra.made }
      return keysView({ ...frameOf(found, extra), keys, personId, scopes, ...made })
    },
    changes: {
      async create({ deps, visit }, form) {
        const made = await deps.tenants.keys.create(visit.principal, {
          name: textOf(form, 'name'),
          scopes: textsOf(form, 'scope') as PermissionText[],
          expiresIn: termOf(form),
        })
        return { made }
      },
      rotate: async ({ deps, visit }, form) => ({
        made: await deps.tenants.keys.rotate(visit.principal, textOf(form, 'id')),
      }),
      revoke: ({ deps, visit }, form) => deps.tenants.keys.revoke(visit.principal, textOf(form, 'id')),
    },
  },
  {
    path: TENANT_PATHS.networks,
    async show(found, extra) {
      const { deps, visit } = found
      const ranges = await deps.tenants.allowList.get(visit.principal)
      return networksView({ ...frameOf(found, extra), ranges, address: visit.address })
    },
    changes: {
      async ''({ deps, visit }, form) {
        const ranges = textOf(form, 'ranges').split(/\s+/).filter(Boolean)
        await deps.tenants.allowList.set(visit.principal, ranges, visit.address)
      },
    },
  },
  {
    path: TENANT_PATHS.reviews,
    async show(found, extra) {
      const { deps, visit } = found
      const current = await deps.tenants.reviews.current(visit.principal)
      const mayStart = visit.principal.roles.includes(ADMINISTRATOR)
      const names = new Map(
        mayStart
          ? (await deps.tenants.roles.list(visit.principal)).map((role) => [role.assignedAs, role.name])
          : [],
      )
      const roleName = (role: string): string => names.get(role) ?? role
      const personId = visit.principal.id
      return reviewsView({
        ...frameOf(found, extra),
        current,
        personId,
        mayStart,
        now: deps.clock.now(),
        roleName,
      })
    },
    changes: {
      async start({ deps, visit }) {
        await deps.tenants.reviews.start(visit.principal)
      },
      async decide({ deps, visit }, form) {
        const decision = textOf(form, 'decision')
        if (decision !== 'keep' && decision !== 'revoke')
          throw new HttpError('ERR_HTTP_FORM', 'a decision is neither to keep nor to revoke')
        await deps.tenants.reviews.decide(visit.principal, textOf(form, 'item'), decision)
      },
    },
  },
]

const TERMS: readonly Duration[] = ['30d', '90d', '365d']

function termOf(form: FormData): Duration {
  return TERMS.find((term) => term === textOf(form, 'term')) ?? '90d'
}

/** The matrix as permissions: a scope for each resource and action, and perhaps the fields. */
function draftOf(
  { config }: TenantRoutesDeps,
  form: FormData,
): { readonly name: string; readonly permissions: PermissionText[] } {
  const permissions = Object.keys(config.resources).flatMap((resource) =>
    ACTIONS.flatMap((action): PermissionText[] => {
      const scope = textOf(form, `${resource}:${action}`)
      if (scope === '') return []
      const columns = textOf(form, `${resource}:${action}:columns`).trim()
      return [`${resource}:${action}:${scope}${columns === '' ? '' : `(${columns})`}` as PermissionText]
    }),
  )
  return { name: textOf(form, 'name'), permissions }
}
