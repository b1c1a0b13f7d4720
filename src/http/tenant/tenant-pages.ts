import { lastingRange, NO_PERMISSIONS, permissionsGiven, type PermissionSet } from '../../access/index.ts'
import { parsePermission, type PermissionText } from '../../declare/index.ts'
import type { Duration } from '../../kernel/index.ts'
import {
  ADMINISTRATOR,
  givenRoles,
  keysView,
  membersView,
  networksView,
  reviewsView,
  rolesView,
  shownInReview,
  shownKeyHolders,
  shownMembers,
  TENANT_PATHS,
  type RoleDraft,
} from '../../tenants/index.ts'
import { HttpError } from '../errors.ts'
import { invitationChanges, invitationsPart } from './invitation-routes.ts'
import { frameWith, textOf, textsOf, type TenantPage, type Visited } from './tenant-visit.ts'

const members: TenantPage = {
  path: TENANT_PATHS.members,
  async show(found, extra = {}) {
    const { deps, visit, c } = found
    const { form } = extra
    const listed = {
      members: await deps.tenants.members.list(visit.principal),
      page: pageNumber(found),
      chosen: (form ? textOf(form, 'person') : c.req.query('person')) || null,
    }
    const customRoles = await deps.tenants.roles.list(visit.principal)
    const roles = givenRoles(deps.config.roles)
    const frame = await frameWith(found, shownMembers(listed), extra)
    const asked = form && c.req.path.endsWith('/roles') && { asked: textsOf(form, 'role') }
    const below = await invitationsPart(deps.tenants, visit, { frame, roles, customRoles })
    return membersView({ ...frame, ...listed, roles, customRoles, ...asked, below })
  },
  changes: {
    roles: ({ deps, visit }, form) =>
      deps.tenants.members.assign(visit.principal, textOf(form, 'person'), textsOf(form, 'role')),
    remove: ({ deps, visit }, form) => deps.tenants.members.remove(visit.principal, textOf(form, 'person')),
    ...invitationChanges,
  },
}

const roles: TenantPage = {
  path: TENANT_PATHS.roles,
  async show(found, extra = {}) {
    const { deps, visit, c } = found
    const { form, problem } = extra
    const customRoles = await deps.tenants.roles.list(visit.principal)
    const chosen = (form ? textOf(form, 'id') : c.req.query('role')) || null
    // What somebody else changed meanwhile is shown as it is now: nobody overwrites what they have not seen.
    const isKept = !c.req.path.endsWith('/remove') && problem?.code !== 'ERR_TENANTS_CHANGED'
    const asked = form && isKept && readable(draftOf(form))
    const frame = await frameWith(found, [], extra)
    const { resources } = deps.config
    return rolesView({
      ...{ ...frame, resources, customRoles, chosen, held: heldBy(found) },
      ...(asked && { asked }),
    })
  },
  changes: {
    async create({ deps, visit }, form) {
      await deps.tenants.roles.create(visit.principal, draftOf(form))
    },
    async edit({ deps, visit }, form) {
      const revision = Number(textOf(form, 'revision'))
      await deps.tenants.roles.edit(visit.principal, textOf(form, 'id'), revision, draftOf(form))
    },
    remove: ({ deps, visit }, form) => deps.tenants.roles.remove(visit.principal, textOf(form, 'id')),
  },
}

const keys: TenantPage = {
  path: TENANT_PATHS.keys,
  async show(found, extra = {}) {
    const { deps, visit, c } = found
    const { form, made } = extra
    const listed = { keys: await deps.tenants.keys.list(visit.principal), page: pageNumber(found) }
    const asked = form &&
      c.req.path.endsWith('/create') && {
        asked: {
          name: textOf(form, 'name'),
          scopes: ticked(form, 'scope').filter(isPermission),
          term: termOf(form),
        },
      }
    return keysView({
      ...(await frameWith(found, shownKeyHolders(listed), extra)),
      ...listed,
      resources: deps.config.resources,
      held: heldBy(found),
      personId: visit.principal.id,
      now: deps.clock.now(),
      ...asked,
      ...(made && { made }),
    })
  },
  changes: {
    async create({ deps, visit }, form) {
      const made = await deps.tenants.keys.create(visit.principal, {
        name: textOf(form, 'name'),
        scopes: ticked(form, 'scope'),
        expiresIn: termOf(form),
      })
      return { made }
    },
    rotate: async ({ deps, visit }, form) => ({
      made: await deps.tenants.keys.rotate(visit.principal, textOf(form, 'id')),
    }),
    revoke: ({ deps, visit }, form) => deps.tenants.keys.revoke(visit.principal, textOf(form, 'id')),
  },
}

const networks: TenantPage = {
  path: TENANT_PATHS.networks,
  async show(found, extra = {}) {
    const { deps, visit } = found
    const { form, problem } = extra
    return networksView({
      ...(await frameWith(found, [], extra)),
      ranges: await deps.tenants.allowList.get(visit.principal),
      address: visit.address,
      ...(form && { typed: textOf(form, 'ranges').slice(0, MOST_TYPED) }),
      locksOut: problem?.code === 'ERR_TENANTS_LOCK_OUT',
    })
  },
  changes: {
    async ''({ deps, visit }, form) {
      const typed = textOf(form, 'ranges').split(/\s+/).filter(Boolean)
      const own = textOf(form, 'own') === 'add' && visit.address !== null ? [lastingRange(visit.address)] : []
      await deps.tenants.allowList.set(visit.principal, [...typed, ...own], visit.address)
    },
  },
}

/** As many characters as the field takes. */
const MOST_TYPED = 6_000

const reviews: TenantPage = {
  path: TENANT_PATHS.reviews,
  async show(found, extra) {
    const { deps, visit, c } = found
    const { principal } = visit
    const mayStart = principal.roles.includes(ADMINISTRATOR)
    const id = c.req.query('review')
    const shown = {
      current: await deps.tenants.reviews.current(principal, id),
      candidates: mayStart
        ? (await deps.tenants.members.list(principal)).map(({ personId }) => personId)
        : [],
      page: pageNumber(found),
    }
    const customRoles = mayStart ? await deps.tenants.roles.list(principal) : []
    const names = new Map(customRoles.map((role) => [role.assignedAs, role.name]))
    return reviewsView({
      ...(await frameWith(found, shownInReview(shown), extra)),
      ...shown,
      history: mayStart ? await deps.tenants.reviews.history(principal) : [],
      personId: principal.id,
      mayStart,
      now: deps.clock.now(),
      roleName: (role) => names.get(role) ?? role,
    })
  },
  changes: {
    async start({ deps, visit }) {
      await deps.tenants.reviews.start(visit.principal)
    },
    appoint: ({ deps, visit }, form) => deps.tenants.reviews.appoint(visit.principal, textOf(form, 'person')),
    async decide({ deps, visit }, form) {
      const decision = textOf(form, 'decision')
      if (decision !== 'keep' && decision !== 'revoke')
        throw new HttpError('ERR_HTTP_FORM', 'a decision is neither to keep nor to revoke')
      await deps.tenants.reviews.decide(visit.principal, textOf(form, 'item'), decision)
    },
  },
}

export const TENANT_PAGES: readonly TenantPage[] = [members, roles, keys, networks, reviews]

function pageNumber({ c }: Visited): number {
  return Number(c.req.query('page') ?? 1)
}

function heldBy({ visit }: Visited): PermissionSet {
  return permissionsGiven(visit.principal) ?? NO_PERMISSIONS
}

const TERMS: readonly Duration[] = ['30d', '90d', '365d']

function termOf(form: FormData): Duration {
  return TERMS.find((term) => term === textOf(form, 'term')) ?? '90d'
}

function draftOf(form: FormData): RoleDraft {
  return { name: textOf(form, 'name'), permissions: ticked(form, 'allow') }
}

/** The matrix as permissions: what is ticked, each with the fields that are ticked for it. */
function ticked(form: FormData, name: string): PermissionText[] {
  return textsOf(form, name).map((text) => {
    const fields = textsOf(form, text)
    return (fields.length === 0 ? text : `${text}(${fields.join(',')})`) as PermissionText
  })
}

/** The part of a draft that can be shown again. */
function readable({ name, permissions }: RoleDraft): RoleDraft {
  return { name, permissions: permissions.filter(isPermission) }
}

function isPermission(text: string): boolean {
  try {
    parsePermission(text)
    return true
  } catch {
    return false
  }
}
