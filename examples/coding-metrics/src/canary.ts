import { readProviderSecrets, signInThrough } from '@surety-examples/identity-provider'
import { clockFromEnvironment, type Canary, type CanaryIntent, type CanaryPerson } from 'surety'
import { ACCOUNT_TOKEN_HEADER, readDemoSecrets } from './demo-secrets.ts'
import { demoProvider, identityProviderFolder } from './identity-provider.ts'
import { addDays } from './metrics/calendar.ts'
import type { Role } from './people.ts'
import { DEMO_PROVIDER, signInPath } from './sign-in.ts'

/** How a field of the data map is sent by an editor: under this name in the body, or in this header. */
const BODY_NAMES: Readonly<Record<string, string>> = {
  time: 'time',
  entity: 'entity',
  type: 'type',
  category: 'category',
  language: 'language',
  project: 'project',
  branch: 'branch',
  userAgent: 'user_agent',
  dependencies: 'dependencies',
  isWrite: 'is_write',
  lines: 'lines',
  lineNumber: 'lineno',
  cursorPosition: 'cursorpos',
}
const HEADER_NAMES: Readonly<Record<string, string>> = { machine: 'x-machine-name', timeZone: 'timezone' }

/** No request of a canary takes longer, in milliseconds. */
const TIMEOUT_MS = 30_000

/** What stays in the prober's memory. */
interface Credentials {
  readonly apiKey: string
  readonly email: string
  readonly name: string
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * How a probe becomes an ordinary user of this product: it makes an account over HTTP and then does
 * what an editor does. `dataDir` holds the token that lets it make accounts.
 */
export function createCanary(dataDir: string): Canary {
  const accountHeader = async () => ({
    [ACCOUNT_TOKEN_HEADER]: (await readDemoSecrets(dataDir)).accountToken,
  })
  return {
    async createPerson({ url, tag, role, tenant }) {
      if (!isRole(role)) return null
      const name = tag.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 60)
      const team = tenant === undefined ? {} : { team: tenant }
      const body = { email: `${name}@codetime.example`, displayName: name, role, ...team }
      const headers = await accountHeader()
      const response = await call(url, { method: 'POST', path: '/api/demo/people', body, headers })
      if (response.status !== 201) {
        throw new TypeError(`making a canary account was answered with ${response.status}`)
      }
      const made = (await response.json()) as { id: string; team: string; role: string; apiKey: string }
      const credentials: Credentials = { apiKey: made.apiKey, email: body.email, name }
      return { id: made.id, tenant: made.team, role: made.role, credentials }
    },
    request: ({ url }, person, intent) => send(url, intent, person),
    visit: ({ url }, intent) => send(url, intent),
    keyHeaders,
    async remove({ url }, person) {
      const headers = await accountHeader()
      const response = await call(
        url,
        { method: 'DELETE', path: '/api/demo/people/current', headers },
        person,
      )
      if (response.status !== 204 && response.status !== 401) {
        throw new TypeError(`removing a canary account was answered with ${response.status}`)
      }
    },
    async signIn({ url }, person, providerId) {
      if (providerId !== DEMO_PROVIDER) return null
      const sub = `canary-${person.id}`
      const { email, name } = person.credentials as Credentials
      const people = await changePeople(dataDir)
      await people('POST', { sub, name, email, emailVerified: true })
      try {
        return (await signInThrough({ start: new URL(signInPath(), url).href, sub })).cookie
      } finally {
        await people('DELETE', { sub })
      }
    },
  }
}

function isRole(role: string): role is Role {
  return role === 'member' || role === 'administrator'
}

/** Adds or removes somebody at the demo's identity provider, as its owner can. */
async function changePeople(dataDir: string) {
  const { peopleToken } = await readProviderSecrets(identityProviderFolder(dataDir))
  const { issuer } = demoProvider(dataDir)
  return async (method: 'POST' | 'DELETE', person: object): Promise<void> => {
    const response = await fetch(`${issuer}/people`, {
      method,
      headers: { authorization: `Bearer ${peopleToken}` },
      body: JSON.stringify(person),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new TypeError(`the identity provider answered with ${response.status}`)
  }
}

async function send(url: string, intent: CanaryIntent, person?: CanaryPerson): Promise<Response | null> {
  const wanted = callFor(intent)
  if (!wanted) return null
  const response = await call(url, withHeaders(withUndeclared(wanted, intent), intent), person)
  return intent.action === 'create' ? unwrapItem(response) : response
}

/** As editors send it. */
function keyHeaders(key: string): { readonly authorization: string } {
  return { authorization: `Basic ${btoa(key)}` }
}

function call(url: string, { method, path, body, headers }: Call, person?: CanaryPerson): Promise<Response> {
  const key = (person?.credentials as Credentials | undefined)?.apiKey
  const authorization = key === undefined ? {} : keyHeaders(key)
  return fetch(new URL(path, url), {
    method,
    headers: {
      ...headers,
      ...authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
}

/** The request an intent means here; null where the product has no such route, or none that takes the ids. */
function callFor({ action, resource, id = '', values = {}, foreign }: CanaryIntent): Call | null {
  // Only paths name people and teams here; what a filter or a body says of them is nobody's.
  if (foreign && foreign.place !== 'path') return null
  const one = encodeURIComponent(id)
  const base = `/api/v1/users/${foreign?.person ?? 'current'}`
  if (action === 'export') return EXPORTED.includes(resource) ? exportOf(base, foreign) : null
  const takesTeam = resource === 'people'
  if (foreign && foreign.person === undefined && !takesTeam) return null
  if (resource === 'heartbeats') {
    if (action === 'list') return { method: 'GET', path: `${base}/heartbeats?${lastYear()}` }
    if (action === 'read') return { method: 'GET', path: `${base}/heartbeats/${one}` }
    if (action === 'delete') return { method: 'DELETE', path: `${base}/heartbeats/${one}` }
    if (action === 'create') return createHeartbeat(base, values)
    // Of a stored heartbeat its project can be corrected.
    return { method: 'PUT', path: `${base}/heartbeats/${one}`, body: { project: values['project'] ?? null } }
  }
  if (takesTeam) {
    const members = `${base}/teams/${foreign?.tenant ?? 'current'}/members`
    if (action === 'list') return { method: 'GET', path: members }
    return action === 'read' ? { method: 'GET', path: `${members}/${one}` } : null
  }
  return resource === 'teams' && action === 'list' ? { method: 'GET', path: `${base}/teams` } : null
}

/** What an export holds rows of. */
const EXPORTED = ['heartbeats', 'people']

/** Of the whole team, as far as the role goes; of one person where their id alone is named. */
function exportOf(base: string, foreign: CanaryIntent['foreign']): Call {
  const team = foreign?.tenant ?? 'current'
  const isOfOne = foreign !== undefined && foreign.tenant === undefined
  return { method: 'GET', path: isOfOne ? `${base}/export` : `${base}/teams/${team}/export` }
}

function lastYear(): string {
  const today = new Date(clockFromEnvironment().now()).toISOString().slice(0, 10)
  return `start=${addDays(today, -330)}&end=${addDays(today, 35)}&timezone=UTC`
}

function createHeartbeat(base: string, values: Readonly<Record<string, unknown>>): Call {
  const heartbeat: Record<string, unknown> = {
    entity: '/home/dev/app/main.ts',
    time: clockFromEnvironment().now() / 1000,
  }
  const headers: Record<string, string> = {}
  for (const [field, value] of Object.entries(values)) {
    const header = HEADER_NAMES[field]
    const name = BODY_NAMES[field]
    if (header !== undefined) headers[header] = String(value)
    else if (name !== undefined) heartbeat[name] = field === 'time' ? toSeconds(value) : value
  }
  return { method: 'POST', path: `${base}/heartbeats.bulk`, body: [heartbeat], headers }
}

function toSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000
  return typeof value === 'string' ? Date.parse(value) / 1000 : value
}

function withHeaders(wanted: Call, { headers }: CanaryIntent): Call {
  return headers ? { ...wanted, headers: { ...wanted.headers, ...headers } } : wanted
}

function withUndeclared(wanted: Call, { undeclared }: CanaryIntent): Call {
  if (!undeclared) return wanted
  const { name, value, place } = undeclared
  if (place === 'header') return { ...wanted, headers: { ...wanted.headers, [name]: value } }
  if (place === 'query') {
    const joint = wanted.path.includes('?') ? '&' : '?'
    return {
      ...wanted,
      path: `${wanted.path}${joint}${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    }
  }
  if (wanted.body === undefined) return wanted
  const smuggle = (item: object): object => ({ ...item, [name]: value })
  return { ...wanted, body: Array.isArray(wanted.body) ? wanted.body.map(smuggle) : smuggle(wanted.body) }
}

/** A bulk reply of one item as that item's own answer: `{ id, … }` with its status. */
async function unwrapItem(response: Response): Promise<Response> {
  if (response.status !== 202) return response
  const { responses } = (await response.json()) as { responses: [[{ data?: object }, number]] }
  const [body, status] = responses[0]
  return Response.json(body.data ?? body, { status })
}
