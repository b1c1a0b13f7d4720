import { Hono, type Context } from 'hono'
import {
  parseFilter,
  parseGroup,
  parseGroupPatch,
  ScimError,
  toScimGroup,
  type Group,
  type Groups,
} from '../../identity/index.ts'
import { bodyOf, pageOf, scim, scimList, type ScimEnv } from './answers.ts'
import type { ScimDeps } from './scim-routes.ts'

const GROUPS = '/scim/v2/Groups'
const GROUP = `${GROUPS}/:id`

type Call = Context<ScimEnv>

export function groupRoutes({ url }: Pick<ScimDeps, 'url'>): Hono<ScimEnv> {
  const app = new Hono<ScimEnv>()
  app.get(GROUPS, async (c) => {
    const { start, count } = pageOf(c)
    const all = await found(c)
    const page = all.slice(start - 1, start - 1 + count)
    const resources = page.map((group) => toScimGroup(group, url(), showsMembers(c)))
    return scimList(c, { total: all.length, start, resources })
  })
  app.post(GROUPS, async (c) => {
    const groups = groupsOf(c)
    const { name, members } = parseGroup(await bodyOf(c))
    const group = await groups.add(name, members)
    const response = scim(c, toScimGroup(group, url(), true), 201)
    response.headers.set('Location', `${url()}${GROUPS}/${group.id}`)
    return response
  })
  app.get(GROUP, async (c) => scim(c, toScimGroup(await groupOf(c), url(), showsMembers(c))))
  app.put(GROUP, async (c) => {
    const { id } = await groupOf(c)
    const { name, members } = parseGroup(await bodyOf(c))
    const changed = await groupsOf(c).change(id, { name, members: [{ does: 'set', people: members }] })
    return scim(c, toScimGroup(changed, url(), true))
  })
  app.patch(GROUP, async (c) => {
    const { id } = await groupOf(c)
    const changed = await groupsOf(c).change(id, parseGroupPatch(await bodyOf(c)))
    return scim(c, toScimGroup(changed, url(), true))
  })
  app.delete(GROUP, async (c) => {
    const { id } = await groupOf(c)
    await groupsOf(c).remove(id)
    return c.body(null, 204)
  })
  return app
}

/** All groups, or the one that a filter names; none where groups mean nothing. */
async function found(c: Call): Promise<readonly Group[]> {
  const all = (await c.get('directory').groups?.list()) ?? []
  const filter = c.req.query('filter')
  if (filter === undefined) return all
  const name = parseFilter('displayName', filter)
  return all.filter((group) => group.name === name)
}

function groupsOf(c: Call): Groups {
  const { groups } = c.get('directory')
  if (groups) return groups
  throw new ScimError('ERR_SCIM_GROUPS', 'this directory has no groups')
}

async function groupOf(c: Call): Promise<Group> {
  const group = await groupsOf(c).find(c.req.param('id') ?? '')
  if (group) return group
  throw new ScimError('ERR_SCIM_UNKNOWN', 'no group has this id')
}

/** Entra ID asks for groups without their members, which may be many. */
function showsMembers(c: Call): boolean {
  const left = (c.req.query('excludedAttributes') ?? '').split(',').map((name) => name.trim().toLowerCase())
  return !left.includes('members')
}
