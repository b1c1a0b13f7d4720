import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signInThrough } from '@surety-examples/identity-provider'
import { tenantResources, type Principal } from 'surety'
import { readDemoSecrets } from './demo-secrets.ts'
import { openDemoPeople } from './demo.ts'
import { createPerson, openPerson, removePerson } from './people.ts'
import { signInPath } from './sign-in.ts'
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
}, 240_000)
afterAll(() => system.close())

const MEMBERS = '/users/current/teams/current/members'
const OUTSIDE = '198.51.100.7'

const personOf = (role: string) => system.people.find((person) => person.role === role)!
const page = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, system.url), { headers, redirect: 'manual' })

async function idOf(role: string): Promise<{ id: string; team: string }> {
  const { data } = (await (await system.api('/users/current', { key: personOf(role).apiKey! })).json()) as {
    data: { id: string }
  }
  const [team] = await system.backend.tenants.tenantsOf(data.id)
  return { id: data.id, team: team! }
}

async function principalOf(role: string): Promise<Principal> {
  const { id, team } = await idOf(role)
  return (await system.backend.tenants.principalOf(id, { tenant: team, address: '127.0.0.1' }))!
}

async function namesSeenBy(role: string): Promise<string[]> {
  const response = await system.api(MEMBERS, { key: personOf(role).apiKey! })
  expect(response.status).toBe(200)
  const { data } = (await response.json()) as { data: { full_name: string }[] }
  return data.map(({ full_name }) => full_name).toSorted()
}

/** A body whose length nobody announced: the server reads it before it looks who sends it. */
const inPieces = (headers: Record<string, string> = {}) =>
  fetch(`${system.url}/api/v1/users/current/heartbeats.bulk`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(system.apiKey)}`, ...headers },
    body: new Blob(['[]']).stream(),
    duplex: 'half',
  } as RequestInit)

const opened = (personId: string) =>
  openPerson(system.backend, personId, () =>
    system.backend.tenants.principalOf(personId, { address: '127.0.0.1' }),
  )

let people = 0
const newcomer = async () => {
  const email = `newcomer-${++people}@codetime.example`
  const personId = await system.backend.accounts.add({ email, emailVerified: true, name: 'Newcomer' })
  return { personId, email }
}

describe('a team', () => {
  test('gives a role that it made to a member, whose next request has it: on the page and by the key', async () => {
    const { tenants } = system.backend
    const grace = await principalOf('administrator')
    const ada = await idOf('member')
    const look = async () => (await page('/team', { cookie: personOf('member').cookie })).text()
    expect(await namesSeenBy('member')).toEqual(['Ada'])
    expect(await look()).not.toContain('Grace')

    const permissions = ['heartbeats:read:tenant', 'people:read:tenant'] as const
    const role = await tenants.roles.create(grace, { name: 'Reader', permissions })
    expect(await namesSeenBy('member')).toEqual(['Ada'])
    await tenants.members.assign(grace, ada.id, ['member', role.assignedAs])
    expect(await namesSeenBy('member')).toEqual(['Ada', 'Grace'])
    expect(await look()).toContain('Grace')

    await tenants.roles.edit(grace, role.id, role.revision, { name: 'Reader', permissions: [] })
    expect(await namesSeenBy('member')).toEqual(['Ada'])
    expect(await look()).not.toContain('Grace')
    await tenants.members.assign(grace, ada.id, ['member'])
  })

  test('is reached from the networks that it allows and from no other, by page and by key', async () => {
    const { allowList } = system.backend.tenants
    await allowList.set(await principalOf('administrator'), ['127.0.0.1/32'], '127.0.0.1')
    const headers = { 'x-forwarded-for': OUTSIDE }
    expect((await system.api('/users/current')).status).toBe(200)
    expect((await inPieces()).status).toBe(202)
    expect((await inPieces(headers)).status).toBe(403)
    const refused = await system.api('/users/current', { headers })
    expect([refused.status, await refused.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'ERR_WAKATIME_NETWORK' }),
    ])
    const { cookie } = personOf('member')
    expect((await page('/', { cookie })).status).toBe(200)
    const seen = await page('/', { cookie, ...headers })
    expect([seen.status, await seen.text()]).toEqual([403, expect.stringContaining('cannot be reached')])
    await allowList.set(await principalOf('administrator'), [], '127.0.0.1')
    expect((await system.api('/users/current', { headers })).status).toBe(200)
  })

  test('lets nobody on who was taken out of it, and founds them no other', async () => {
    const { tenants } = system.backend
    const grace = await principalOf('administrator')
    const made = await createPerson(system.backend, {
      email: 'leaver@codetime.example',
      displayName: 'Leaver',
      role: 'member',
      team: { id: grace.tenant!, by: grace },
    })
    await system.provider.add({
      sub: 'leaver',
      name: 'Leaver',
      email: 'leaver@codetime.example',
      emailVerified: true,
    })
    const { cookie } = await signInThrough({ start: `${system.url}${signInPath()}`, sub: 'leaver' })
    expect(await (await page('/', { cookie })).text()).toContain('Leaver')
    await tenants.members.remove(grace, made.person.id)
    expect((await system.api('/users/current', { key: made.apiKey })).status).toBe(401)
    const seen = await page('/', { cookie })
    expect([seen.status, await seen.text()]).toEqual([403, expect.stringContaining('You may not see this')])
    expect(await tenants.tenantsOf(made.person.id)).toEqual([])
  })
})

describe('somebody who comes for the first time', () => {
  test('finishes what an interrupted first visit began', async () => {
    const { personId } = await newcomer()
    await system.backend.tenants.members.found(personId, personId)
    const person = await opened(personId)
    expect(person).toMatchObject({ id: personId, teamId: personId })
    expect(person!.principal.roles).toEqual(['administrator'])
    const { db } = system.backend.as(system.backend.system('test', ['teams']))
    expect(await db.selectFrom('teams').select('id').where('teamId', '=', personId).execute()).toHaveLength(1)
  })

  test('belongs to the team that has let them in, and founds none', async () => {
    const { personId } = await newcomer()
    const grace = await principalOf('administrator')
    await system.backend.tenants.members.add(grace, personId, ['member'])
    const person = await opened(personId)
    expect(person).toMatchObject({ id: personId, teamId: grace.tenant })
    expect(person!.principal.roles).toEqual(['member'])
    await removePerson(system.backend, person!)
    expect(await system.backend.tenants.tenantsOf(personId)).toEqual([])
  })
})

describe('a person who is removed', () => {
  test('takes the team along where nobody else is in it', async () => {
    const { person } = await createPerson(system.backend, {
      email: 'last@codetime.example',
      displayName: 'Last',
      role: 'member',
    })
    await removePerson(system.backend, person)
    const tables = Object.keys(tenantResources) as (keyof typeof tenantResources)[]
    const { db } = system.backend.as(system.backend.system('test', tables))
    for (const table of tables) {
      const left = await db.selectFrom(table).select('id').where('tenantId', '=', person.teamId).execute()
      expect([table, left]).toEqual([table, []])
    }
  })

  test('stays, with all that is theirs, where the team would lose its last administrator', async () => {
    const { id } = await idOf('administrator')
    const grace = (await opened(id))!
    await expect(removePerson(system.backend, grace)).rejects.toHaveProperty(
      'code',
      'ERR_TENANTS_LAST_ADMINISTRATOR',
    )
    expect((await system.api('/users/current', { key: personOf('administrator').apiKey! })).status).toBe(200)
  })
})

test('whom somebody took out of the demo’s team is back at the next start', async () => {
  const { id } = await idOf('member')
  await system.backend.tenants.members.remove(await principalOf('administrator'), id)
  expect((await system.api('/users/current')).status).toBe(401)
  await openDemoPeople(system.backend, await readDemoSecrets(system.dataDir))
  expect(await namesSeenBy('member')).toEqual(['Ada'])
})
