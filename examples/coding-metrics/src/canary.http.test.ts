import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCanary } from './canary.ts'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem()
}, 240_000)
afterAll(() => system.close())

const canary = () => createCanary(system.dataDir)
const createPerson = async (tag: string, role: string, tenant?: string) =>
  (await canary().createPerson({ url: system.url, tag, role, ...(tenant !== undefined && { tenant }) }))!
const MARKER = 'cnry0123456789abcdef01234567'

test('becomes an ordinary person over HTTP, does what an editor does, and is gone', async () => {
  const person = await createPerson('Tag 1', 'member')
  expect(person).toMatchObject({ role: 'member', id: expect.any(String), tenant: expect.any(String) })

  const values = {
    entity: MARKER,
    project: MARKER,
    machine: MARKER,
    isWrite: true,
    time: new Date(system.clock.now()),
  }
  const created = await canary().request(system, person, { action: 'create', resource: 'heartbeats', values })
  expect(created!.status).toBe(201)
  const { id } = (await created!.json()) as { id: string }

  const list = await canary().request(system, person, { action: 'list', resource: 'heartbeats' })
  expect(await list!.text()).toContain(MARKER)
  const read = await canary().request(system, person, { action: 'read', resource: 'heartbeats', id })
  expect(await read!.json()).toMatchObject({ data: { entity: MARKER, machine_name: MARKER, is_write: true } })
  const correction = { action: 'update', resource: 'heartbeats', id, values: { project: 'mended' } } as const
  expect((await canary().request(system, person, correction))!.status).toBe(204)
  const taken = await canary().request(system, person, { action: 'export', resource: 'heartbeats' })
  expect(await taken!.json()).toMatchObject({ heartbeats: [{ id, entity: MARKER, project: 'mended' }] })
  const gone = await canary().request(system, person, { action: 'delete', resource: 'heartbeats', id })
  expect(gone!.status).toBe(204)

  await canary().remove(system, person)
  expect((await canary().request(system, person, { action: 'list', resource: 'heartbeats' }))!.status).toBe(
    401,
  )
  await canary().remove(system, person)
})

test('smuggles an undeclared member into body, header and query, and gets it back from nowhere', async () => {
  const person = await createPerson('smuggler', 'member')
  for (const place of ['body', 'header', 'query'] as const) {
    const undeclared = { name: `x${MARKER}`, value: MARKER, place }
    const answer = await canary().request(system, person, {
      action: 'create',
      resource: 'heartbeats',
      undeclared,
    })
    expect(answer!.status).toBe(201)
    expect(await answer!.text()).not.toContain(MARKER)
  }
  const list = await canary().request(system, person, { action: 'list', resource: 'heartbeats' })
  expect(await list!.text()).not.toContain(MARKER)
  await canary().remove(system, person)
})

test('sees a refusal of one heartbeat as its status', async () => {
  const person = await createPerson('refused', 'member')
  const values = { time: new Date(0) }
  const answer = await canary().request(system, person, { action: 'create', resource: 'heartbeats', values })
  expect(answer!.status).toBe(400)
  await canary().remove(system, person)
})

test('does not read a stranger’s row', async () => {
  const [one, other] = await Promise.all(['one', 'other'].map((tag) => createPerson(tag, 'administrator')))
  const created = await canary().request(system, one!, {
    action: 'create',
    resource: 'heartbeats',
    values: { entity: MARKER },
  })
  const { id } = (await created!.json()) as { id: string }
  expect(
    (await canary().request(system, other!, { action: 'read', resource: 'heartbeats', id }))!.status,
  ).toBe(404)
  const read = await canary().request(system, other!, { action: 'read', resource: 'people', id: one!.id })
  expect(read!.status).toBe(404)
  const own = await canary().request(system, one!, { action: 'read', resource: 'people', id: one!.id })
  expect(own!.status).toBe(200)
})

test('joins a team that is there, and nobody has a role that the product does not know', async () => {
  const founder = await createPerson('founder', 'administrator')
  const member = await createPerson('joins', 'member', founder.tenant)
  expect(member.tenant).toBe(founder.tenant)
  const list = await canary().request(system, founder, { action: 'list', resource: 'people' })
  expect(await list!.text()).toContain('joins')
  expect(await createPerson('nobody', 'owner')).toBeNull()
  for (const team of ['', crypto.randomUUID()])
    await expect(createPerson('stray', 'member', team)).rejects.toThrow('was answered with 4')
  await canary().remove(system, member)
  await canary().remove(system, founder)
})

test('puts ids of somebody else into the paths that take them, and gets nothing for it', async () => {
  const [one, other] = [
    await createPerson('left', 'administrator'),
    await createPerson('right', 'administrator'),
  ]
  const ids = { tenant: other.tenant, person: other.id }
  for (const resource of ['heartbeats', 'people', 'teams']) {
    const foreign = { place: 'path', ...ids } as const
    for (const action of resource === 'teams' ? (['list'] as const) : (['list', 'export'] as const))
      expect((await canary().request(system, one, { action, resource, foreign }))!.status).toBe(404)
  }
  for (const only of [{ tenant: other.tenant }, { person: other.id }]) {
    const foreign = { place: 'path', ...only } as const
    const intent = { action: 'export', resource: 'heartbeats', foreign } as const
    expect((await canary().request(system, one, intent))!.status).toBe(404)
  }
  for (const place of ['query', 'body'] as const) {
    const intent = { action: 'list', resource: 'people', foreign: { place, ...ids } } as const
    expect(await canary().request(system, one, intent)).toBeNull()
  }
  for (const person of [one, other]) await canary().remove(system, person)
})

test('who may do what is measured on the product’s own routes', async () => {
  const only = ['rbac', 'tenant-isolation', 'custom-roles', 'ip-allow-list', 'review']
  const runs = await system.surety.probe({ site: system.url, only: only.map((id) => `access.${id}`) })
  const told = runs.map(({ id, outcome, summary }) => [id, outcome, summary])
  expect(
    runs.map(({ outcome }) => outcome),
    JSON.stringify(told),
  ).toEqual(only.map(() => 'kept'))
  for (const { id, values, summary } of runs) {
    const trials = values['httpTrials'] ?? values['httpAttempts']
    expect(trials, `${id}: ${summary}`).toBeGreaterThan(5)
  }
  const { values } = runs.find(({ id }) => id === 'access.rbac')!
  expect(values['httpVisitorTrials']).toBeGreaterThan(50)
  for (const visitor of ['without a session', 'a session past its end', 'account was removed'])
    expect(values['httpVisitors']).toContain(visitor)
}, 900_000)

test('signs in through the demo’s provider as the very person, and nowhere else', async () => {
  const person = await createPerson('signs-in', 'member')
  const cookie = (await canary().signIn!(system, person, 'demo'))!
  const session = await fetch(`${system.url}/api/surety/v1/session`, { headers: { cookie } })
  expect(await session.json()).toMatchObject({ person: person.id, methods: ['oidc'] })
  expect(await canary().signIn!(system, person, 'other')).toBeNull()
  await canary().remove(system, person)
  expect((await fetch(`${system.url}/api/surety/v1/session`, { headers: { cookie } })).status).toBe(401)
})

test('has no way where the product has no route', async () => {
  const person = { id: '', tenant: '', role: 'member', credentials: null }
  for (const resource of ['sessions', 'api_keys', 'unknown']) {
    expect(await canary().request(system, person, { action: 'create', resource })).toBeNull()
  }
})

test('asks as a visitor without what it knows, and with what it is told to bring', async () => {
  const person = await createPerson('visitor', 'member')
  const key = (person.credentials as { apiKey: string }).apiKey
  const intent = { action: 'list', resource: 'heartbeats' } as const
  expect((await canary().visit!(system, intent))!.status).toBe(401)
  const headers = canary().keyHeaders!(key)
  expect((await canary().visit!(system, { ...intent, headers }))!.status).toBe(200)
  await canary().remove(system, person)
  expect((await canary().visit!(system, { ...intent, headers }))!.status).toBe(401)
})

test('making accounts is hidden from everybody without the token', async () => {
  for (const headers of [{}, { 'x-demo-token': 'x' }, { 'x-demo-token': 'x'.repeat(43) }]) {
    const body = JSON.stringify({ email: 'a@codetime.example', displayName: 'A', role: 'administrator' })
    const answer = await fetch(`${system.url}/api/demo/people`, { method: 'POST', headers, body })
    expect(answer.status).toBe(404)
  }
  const answer = await fetch(`${system.url}/api/demo/people/current`, {
    method: 'DELETE',
    headers: { authorization: `Basic ${btoa(system.apiKey)}` },
  })
  expect(answer.status).toBe(404)
  expect((await system.api('/users/current')).status).toBe(200)
})
