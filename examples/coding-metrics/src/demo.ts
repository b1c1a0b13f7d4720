import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { isId } from 'surety'
import { personIdOfKey } from './api-keys.ts'
import { authenticate, RequestRefused, unlessRefused, type Service } from './api-request.ts'
import type { Backend } from './backend.ts'
import { ACCOUNT_TOKEN_HEADER, type DemoSecrets } from './demo-secrets.ts'
import {
  createPerson,
  findByEmail,
  grantApiKey,
  hasAccount,
  removePerson,
  type NewPerson,
  type Person,
  type Role,
} from './people.ts'
import { decodeObject, readBody } from './wakatime/body.ts'

/** A made-up person, as the demo's identity provider knows them: reserved addresses that reach nobody. */
interface DemoIdentity {
  readonly sub: string
  readonly email: string
  readonly displayName: string
  readonly role: Role
}

const ADA: DemoIdentity = {
  sub: 'person-ada',
  email: 'ada@codetime.example',
  displayName: 'Ada',
  role: 'member',
}
const GRACE: DemoIdentity = {
  sub: 'person-grace',
  email: 'grace@codetime.example',
  displayName: 'Grace',
  role: 'administrator',
}

/** A demo person as `npm start` hands them out. */
export interface DemoPerson {
  readonly email: string
  /** The role that they were given at first. */
  readonly role: Role
  readonly apiKey: string
  /** The person where this start has made them; null where they were there. */
  readonly made: Person | null
  /** Who they are at the demo's identity provider. */
  readonly sub: string
}

type Place = Pick<NewPerson, 'team' | 'teamName'>

/** Makes sure that the demo's team, its people, their accounts and their keys are there. */
export async function openDemoPeople(backend: Backend, secrets: DemoSecrets): Promise<DemoPerson[]> {
  const grace = await openDemoPerson(backend, secrets, GRACE, async () => ({ teamName: 'Demo team' }))
  const ada = await openDemoPerson(backend, secrets, ADA, () => placeInTeamOf(backend, GRACE))
  return [ada, grace]
}

async function placeInTeamOf(backend: Backend, { email }: DemoIdentity): Promise<Place> {
  const found = await findByEmail(backend, email)
  const by = found && (await backend.tenants.principalOf(found.id, { tenant: found.teamId }))
  if (!found || !by) throw new TypeError('the demo’s team has no administrator')
  return { team: { id: found.teamId, by } }
}

async function openDemoPerson(
  backend: Backend,
  secrets: DemoSecrets,
  { sub, ...identity }: DemoIdentity,
  place: () => Promise<Place>,
): Promise<DemoPerson> {
  const { email, displayName, role } = identity
  const apiKey = secrets.apiKeys[role]
  const shown = { email, role, apiKey, sub }
  const found = await findByEmail(backend, email)
  if (!found) {
    const { person } = await createPerson(backend, { ...identity, apiKey, ...(await place()) })
    return { ...shown, made: person }
  }
  if ((await personIdOfKey(backend, apiKey)) === null) await grantApiKey(backend, found, apiKey)
  if (!(await hasAccount(backend, found.id))) {
    await backend.accounts.add({ personId: found.id, email, emailVerified: true, name: displayName })
  }
  // Whoever tried the demo may have taken them out of the team.
  if (!(await backend.tenants.tenantsOf(found.id)).includes(found.teamId)) {
    const { team } = await place()
    if (team) await backend.tenants.members.add(team.by, found.id, [role])
  }
  return { ...shown, made: null }
}

/**
 * Making and removing ordinary accounts, for the demo and its probes; real sign-up would stand here.
 * Without the token in the data folder the routes answer as if they did not exist.
 */
export function demoRoutes(service: Service, accountToken: string): Hono {
  const routes = new Hono()
  routes.use('*', async (c, next) => {
    if (!sameSecret(c.req.header(ACCOUNT_TOKEN_HEADER) ?? '', accountToken)) {
      throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
    }
    await next()
  })
  routes.post('/people', async (c) => {
    const asked = unlessRefused(decodeObject(unlessRefused(await readBody(c.req.raw)))).object
    const role = roleMember(asked)
    const { person, apiKey } = await createPerson(service.backend, {
      email: textMember(asked, 'email', 254),
      displayName: textMember(asked, 'displayName', 100),
      role,
      ...(await teamMember(service.backend, asked)),
    })
    return c.json({ id: person.id, team: person.teamId, role, apiKey }, 201)
  })
  routes.delete('/people/current', async (c) => {
    await removePerson(service.backend, await authenticate(c, service.backend))
    return c.body(null, 204)
  })
  return routes
}

/** The team to join, by its first administrator; nothing where none is named. @throws RequestRefused 400 */
async function teamMember(backend: Backend, { team: id }: Readonly<Record<string, unknown>>): Promise<Place> {
  if (id === undefined) return {}
  if (!isId(id)) throw new RequestRefused('ERR_HEARTBEAT_TYPE', 'team')
  const { db } = backend.as(backend.system('join-team', ['people']))
  const people = await db.selectFrom('people').select('personId').where('teamId', '=', id).execute()
  for (const { personId } of people) {
    const by = await backend.tenants.principalOf(personId, { tenant: id })
    if (by?.roles.includes('administrator')) return { team: { id, by } }
  }
  throw new RequestRefused('ERR_HEARTBEAT_CHOICE', 'team')
}

function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function textMember(body: Readonly<Record<string, unknown>>, name: string, max: number): string {
  const value = body[name]
  if (typeof value !== 'string' || value === '') throw new RequestRefused('ERR_HEARTBEAT_TYPE', name)
  if (value.length > max) throw new RequestRefused('ERR_HEARTBEAT_LENGTH', name)
  if (value.includes('\0') || !value.isWellFormed()) throw new RequestRefused('ERR_HEARTBEAT_TEXT', name)
  return value
}

function roleMember(body: Readonly<Record<string, unknown>>): Role {
  const { role } = body
  if (role === 'member' || role === 'administrator') return role
  throw new RequestRefused('ERR_HEARTBEAT_CHOICE', 'role')
}
