import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPerson } from './people.ts'
import { startTestSystem, TEST_NOW, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem()
}, 240_000)
afterAll(() => system.close())

const HEARTBEATS = '/users/current/heartbeats'
const OWN = '/users/current/export'
const TEAM = '/users/current/teams/current/export'

interface Exported {
  readonly people: { id: string; email: string }[]
  readonly heartbeats: { id: string; entity: string; person_id: string; timezone: string | null }[]
}

let people = 0
async function newTeam() {
  const person = (role: 'member' | 'administrator', more: object = {}) =>
    createPerson(system.backend, {
      ...{ email: `own-${++people}@codetime.example`, displayName: 'Somebody', role },
      ...more,
    })
  const leader = await person('administrator')
  const team = { id: leader.person.teamId, by: leader.person.principal }
  return { leader, member: await person('member', { team }) }
}
async function report(key: string, entity: string, count = 1): Promise<string> {
  const beats = Array.from({ length: count }, (_, at) => ({ entity, time: TEST_NOW / 1000 - 60 - at }))
  const response = await system.post(`${HEARTBEATS}.bulk`, beats, { key })
  const { responses } = (await response.json()) as { responses: [[{ data: { id: string } }, number]] }
  return responses[0][0].data.id
}
const projectOf = async (key: string, id: string): Promise<unknown> => {
  const response = await system.api(`${HEARTBEATS}/${id}`, { key })
  return ((await response.json()) as { data: { project: unknown } }).data.project
}
const correct = (key: string, id: string, body: unknown) =>
  system.api(`${HEARTBEATS}/${id}`, { key, method: 'PUT', body: JSON.stringify(body) })
const exported = async (path: string, key: string): Promise<Exported> =>
  (await (await system.api(path, { key })).json()) as Exported

describe('a stored heartbeat', { timeout: 120_000 }, () => {
  test('is put under another project by its person, and under none', async () => {
    const { member } = await newTeam()
    const id = await report(member.apiKey, '/a.ts')
    expect((await correct(member.apiKey, id, { project: 'ledger', entity: '/b.ts' })).status).toBe(204)
    expect(await projectOf(member.apiKey, id)).toBe('ledger')
    expect((await correct(member.apiKey, id, { project: null })).status).toBe(204)
    expect(await projectOf(member.apiKey, id)).toBeNull()
  })

  test('stays as it is for everybody else, whoever they are', async () => {
    const [{ leader, member }, other] = [await newTeam(), await newTeam()]
    const id = await report(member.apiKey, '/a.ts')
    for (const key of [leader.apiKey, other.leader.apiKey, other.member.apiKey])
      expect((await correct(key, id, { project: 'theirs' })).status).toBe(404)
    const cookie = system.people.find(({ role }) => role === 'administrator')!.cookie
    const forged = await fetch(`${system.url}/api/v1${HEARTBEATS}/${id}`, {
      ...{ method: 'PUT', headers: { cookie }, body: '{"project":"theirs"}' },
    })
    expect(forged.status).toBe(401)
    expect(await projectOf(member.apiKey, id)).toBeNull()
  })

  test.each([
    [{}, 'ERR_HEARTBEAT_MISSING'],
    [{ project: 1 }, 'ERR_HEARTBEAT_TYPE'],
    [{ project: 'x'.repeat(256) }, 'ERR_HEARTBEAT_LENGTH'],
    [{ project: 'a\0' }, 'ERR_HEARTBEAT_TEXT'],
    [[], 'ERR_WAKATIME_BODY_SHAPE'],
  ])('is not changed by %j', async (body, code) => {
    const { member } = await newTeam()
    const answer = await correct(member.apiKey, await report(member.apiKey, '/a.ts'), body)
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code })])
  })
})

describe('an export', { timeout: 120_000 }, () => {
  test('of oneself holds every own row and nobody else’s, whatever the role', async () => {
    const { leader, member } = await newTeam()
    const ids = [await report(leader.apiKey, '/leader.ts'), await report(member.apiKey, '/member.ts')]
    for (const [at, who] of [leader, member].entries()) {
      const { people, heartbeats } = await exported(OWN, who.apiKey)
      expect(people.map(({ id }) => id)).toEqual([who.person.id])
      expect(heartbeats).toMatchObject([{ id: ids[at], person_id: who.person.id }])
    }
  })

  test('of the team is the whole team’s for an administrator, and one’s own for a member', async () => {
    const { leader, member } = await newTeam()
    await report((await newTeam()).leader.apiKey, '/other.ts')
    for (const who of [leader, member]) await report(who.apiKey, '/a.ts')
    const all = [leader.person.id, member.person.id]
    const byLeader = await exported(TEAM, leader.apiKey)
    expect(byLeader.heartbeats.map(({ person_id }) => person_id).toSorted()).toEqual(all.toSorted())
    expect(byLeader.people.map(({ id }) => id).toSorted()).toEqual(all.toSorted())
    const byMember = await exported(TEAM, member.apiKey)
    expect([byMember.people, byMember.heartbeats].map((rows) => rows.length)).toEqual([1, 1])
  })

  test('goes on past what is read at once', async () => {
    const { leader } = await newTeam()
    const { db } = system.backend.as(leader.person.principal)
    const { id: personId, teamId } = leader.person
    const rows = Array.from({ length: 1_001 }, (_, at) => ({
      ...{ personId, teamId, entity: `/${at}.ts`, type: 'file' as const, time: new Date(TEST_NOW - at) },
    }))
    await db.insertInto('heartbeats').values(rows).execute()
    const { heartbeats } = await exported(OWN, leader.apiKey)
    expect(new Set(heartbeats.map(({ entity }) => entity)).size).toBe(1_001)
  })

  test('is handed to a browser that is signed in, as a file, and kept by no cache', async () => {
    const { cookie } = system.people.find(({ role }) => role === 'member')!
    const answer = await fetch(`${system.url}/api/v1${OWN}`, { headers: { cookie } })
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="codetime.json"')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(((await answer.json()) as Exported).people).toMatchObject([{ email: 'ada@codetime.example' }])
    const page = await fetch(`${system.url}/connect`, { headers: { cookie } })
    const text = await page.text()
    expect(text).toContain(`/api/v1${OWN}`)
    expect(text).not.toContain(`/api/v1${TEAM}`)
  })

  test('of another person or team is not there, nor is any for who is nobody', async () => {
    const [{ leader, member }, other] = [await newTeam(), await newTeam()]
    const [person, team] = [other.leader.person.id, other.leader.person.teamId]
    const foreign = [
      `/users/${person}/export`,
      `/users/${member.person.id}/export`,
      `/users/current/teams/${team}/export`,
      `/users/${person}/teams/${team}/export`,
    ]
    for (const path of foreign) expect((await system.api(path, { key: leader.apiKey })).status).toBe(404)
    for (const path of [OWN, TEAM, ...foreign])
      for (const headers of [{}, { cookie: 'codetime-session=x.y' }, { authorization: 'Basic eA==' }])
        expect((await fetch(`${system.url}/api/v1${path}`, { headers })).status).toBe(401)
  })

  test('is refused with a code where the role reads nothing of it', async () => {
    const { leader, member } = await newTeam()
    await system.backend.tenants.members.assign(leader.person.principal, member.person.id, [])
    const answer = await system.api(OWN, { key: member.apiKey })
    expect([answer.status, await answer.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'ERR_WAKATIME_FORBIDDEN' }),
    ])
  })
})
