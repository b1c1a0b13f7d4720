import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { authenticate, RequestRefused, unlessRefused, type Service } from './api-request.ts'
import type { Backend } from './backend.ts'
import { ACCOUNT_TOKEN_HEADER, type DemoSecrets } from './demo-secrets.ts'
import {
  createPerson,
  findByApiKey,
  findByEmail,
  grantApiKey,
  hasAccount,
  removePerson,
  type Person,
  type Role,
} from './people.ts'
import { decodeObject, readBody } from './wakatime/body.ts'

/** The two people of the demo, as its identity provider knows them: reserved addresses that reach nobody. */
const DEMO_PEOPLE = [
  { sub: 'person-ada', email: 'ada@codetime.example', displayName: 'Ada', role: 'member' },
  { sub: 'person-grace', email: 'grace@codetime.example', displayName: 'Grace', role: 'administrator' },
] as const satisfies readonly { sub: string; email: string; displayName: string; role: Role }[]

/** A demo person as `npm start` hands them out. */
export interface DemoPerson {
  readonly person: Person
  readonly apiKey: string
  /** True when the person was made by this start. */
  readonly isNew: boolean
  /** Who they are at the demo's identity provider. */
  readonly sub: string
}

/** Makes sure that the demo's team, its people, their accounts and their keys are there. */
export async function openDemoPeople(backend: Backend, secrets: DemoSecrets): Promise<DemoPerson[]> {
  const opened: DemoPerson[] = []
  let teamId: string | undefined
  for (const { sub, email, displayName, role } of DEMO_PEOPLE) {
    const apiKey = secrets.apiKeys[role]
    const found = await findByEmail(backend, email)
    if (found && !(await findByApiKey(backend, apiKey))) await grantApiKey(backend, found, apiKey)
    if (found && !(await hasAccount(backend, found.id))) {
      await backend.accounts.add({ personId: found.id, email, emailVerified: true, name: displayName })
    }
    const team = teamId === undefined ? { teamName: 'Demo team' } : { teamId }
    const person =
      found ?? (await createPerson(backend, { email, displayName, role, apiKey, ...team })).person
    teamId = person.teamId
    opened.push({ person, apiKey, isNew: !found, sub })
  }
  return opened
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
    const { person, apiKey } = await createPerson(service.backend, {
      email: textMember(asked, 'email', 254),
      displayName: textMember(asked, 'displayName', 100),
      role: roleMember(asked),
    })
    return c.json({ id: person.id, team: person.teamId, role: person.role, apiKey }, 201)
  })
  routes.delete('/people/current', async (c) => {
    await removePerson(service.backend, await authenticate(c, service.backend))
    return c.body(null, 204)
  })
  return routes
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
