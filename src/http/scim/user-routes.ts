import { Hono, type Context } from 'hono'
import {
  addressIn,
  parseFilter,
  parsePatch,
  parseUser,
  ScimError,
  toScimUser,
  type ScimUser,
  type UserChanges,
} from '../../identity/index.ts'
import { isId } from '../../kernel/index.ts'
import { bodyOf, pageOf, scim, scimList, type ScimEnv } from './answers.ts'
import type { ScimDeps } from './scim-routes.ts'

const USERS = '/scim/v2/Users'
const USER = `${USERS}/:id`

type Call = Context<ScimEnv>

export function userRoutes(deps: ScimDeps): Hono<ScimEnv> {
  const app = new Hono<ScimEnv>()
  const { url } = deps
  app.get(USERS, (c) => listUsers(c, url()))
  app.post(USERS, async (c) => {
    const wanted = parseUser(await bodyOf(c))
    const directory = c.get('directory')
    const personId = await directory.add(wanted)
    if (wanted.active === false) await directory.setActive(personId, false)
    note(c, deps, personId, 'provisioned')
    const response = scim(c, toScimUser(await userOf(c, personId), url()), 201)
    response.headers.set('Location', `${url()}${USERS}/${personId}`)
    return response
  })
  app.get(USER, async (c) => scim(c, toScimUser(await userOf(c, c.req.param('id')), url())))
  app.put(USER, async (c) => {
    const user = await userOf(c, c.req.param('id'))
    const { email, name, active } = parseUser(await bodyOf(c))
    // Nothing said of it leaves it: a directory that forgets `active` switches nobody on.
    return change(c, deps, user, { email, name, ...(active !== null && { active }) })
  })
  app.patch(USER, async (c) => {
    const user = await userOf(c, c.req.param('id'))
    return change(c, deps, user, parsePatch(await bodyOf(c)))
  })
  app.delete(USER, async (c) => {
    const { personId } = (await userOf(c, c.req.param('id'))).account
    await c.get('directory').setActive(personId, false)
    await c.get('directory').remove(personId)
    note(c, deps, personId, 'removed')
    return c.body(null, 204)
  })
  return app
}

async function listUsers(c: Call, url: string): Promise<Response> {
  const { start, count } = pageOf(c)
  const filter = c.req.query('filter')
  const { users, total } =
    filter === undefined
      ? await c.get('directory').list({ offset: start - 1, count })
      : await usersNamed(c, filter, { start, count })
  return scimList(c, { total, start, resources: users.map((user) => toScimUser(user, url)) })
}

async function usersNamed(c: Call, filter: string, { start, count }: { start: number; count: number }) {
  const email = addressIn(parseFilter('userName', filter))
  const user = email === null ? null : await c.get('directory').find({ email })
  return { users: user && start === 1 && count > 0 ? [user] : [], total: user ? 1 : 0 }
}

async function change(
  c: Call,
  deps: ScimDeps,
  { account, active: before }: ScimUser,
  { email, name, active }: UserChanges,
): Promise<Response> {
  const { personId } = account
  if (email !== undefined && email !== account.email)
    throw new ScimError('ERR_SCIM_IMMUTABLE', 'userName is another one')
  const directory = c.get('directory')
  // First what takes something away: a failure after it leaves nobody with what they had.
  if (active === false) {
    await directory.setActive(personId, false)
    note(c, deps, personId, 'switched-off')
  }
  if (name !== undefined && name !== account.name) await directory.rename(personId, name)
  if (active === true && !before) {
    await directory.setActive(personId, true)
    note(c, deps, personId, 'switched-on')
  }
  return scim(c, toScimUser(await userOf(c, personId), deps.url()))
}

function note(c: Call, { audit }: ScimDeps, subject: string, what: string): void {
  audit({ kind: 'account.changed', subject, what: `scim-${what}`, request: c.get('requestId') ?? null })
}

async function userOf(c: Call, personId: string): Promise<ScimUser> {
  const user = isId(personId) ? await c.get('directory').find({ personId }) : null
  if (user) return user
  throw new ScimError('ERR_SCIM_UNKNOWN', 'no account has this id')
}
