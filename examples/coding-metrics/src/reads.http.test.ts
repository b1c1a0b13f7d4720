import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RANGE, WakaTimeClient } from 'wakatime-client'
import question from '../../../test/fixtures/wakatime/cli-008.json' with { type: 'json' }
import { createPerson } from './people.ts'
import { startTestSystem, TEST_NOW, type TestSystem } from './testing.ts'

let system: TestSystem
let client: InstanceType<typeof WakaTimeClient>
beforeAll(async () => {
  system = await startTestSystem({ seed: true })
  client = new WakaTimeClient(system.apiKey, `${system.url}/api/v1/`)
}, 240_000)
afterAll(() => system.close())

describe('the npm package wakatime-client reads', () => {
  test('who I am', async () => {
    const { data } = await client.getMe()
    expect(data).toMatchObject({ email: 'ada@codetime.example', display_name: 'Ada', timeout: 15 })
    expect(await client.getUser(data.id)).toEqual({ data })
  })

  test('a week of summaries', async () => {
    const { data, cumulative_total } = await client.getMySummary({
      dateRange: { startDate: '2026-11-16', endDate: '2026-11-22' },
    })
    expect(data).toHaveLength(7)
    expect(data.map(({ range }) => range.date)).toContain('2026-11-20')
    expect(cumulative_total.seconds).toBeGreaterThan(5 * 3_600)
    expect(data[6]!.projects[0]).toMatchObject({
      name: 'wakapi',
      digital: expect.stringMatching(/^\d+:\d\d$/),
    })
  })

  test('summaries of one project, and none of an unknown one', async () => {
    const dateRange = { startDate: '2026-11-16', endDate: '2026-11-22' }
    const acme = await client.getMySummary({ dateRange, projectName: 'acme-payments' })
    const nothing = await client.getMySummary({ dateRange, projectName: 'no-such-project' })
    expect(acme.cumulative_total.seconds).toBeGreaterThan(0)
    expect(acme.data.flatMap(({ projects }) => projects)[0]!.name).toBe('acme-payments')
    expect(nothing.cumulative_total.seconds).toBe(0)
  })

  test('stats of a range', async () => {
    const { data } = await client.getMyStats({ range: RANGE.LAST_7_DAYS })
    expect(data).toMatchObject({ status: 'ok', range: 'last_7_days', username: 'Ada' })
    expect(data.languages.map(({ name }) => name)).toEqual(['Go', 'TypeScript'])
    expect(data.machines[0]!.name).toBe('ada-thinkpad')
  })

  test('durations and heartbeats of a day', async () => {
    const { data: durations } = await client.getMyDurations({ date: '2026-11-21' })
    expect(durations[0]).toMatchObject({ project: expect.any(String), duration: expect.any(Number) })
    const { data: heartbeats } = await client.getMyHeartbeats('2026-11-21')
    expect(heartbeats.length).toBeGreaterThan(20)
  })

  test('projects, grouped by a blind index', async () => {
    const { data } = await client.getMyProjects()
    expect(data.map(({ name }) => name).toSorted()).toEqual(['acme-payments', 'wakapi'])
  })

  test('teams and their members', async () => {
    const { data: teams } = await client.getMyTeams()
    expect(teams).toEqual([{ id: expect.any(String), name: 'Demo team' }])
    const { data: members } = await client.getMyTeamMembers(teams[0]!.id)
    expect(members.map(({ full_name }) => full_name)).toEqual(['Ada'])
  })
})

describe('the editor’s own questions', () => {
  test('the status bar shows today’s time', async () => {
    const response = await system.api('/users/current/statusbar/today')
    const { data } = (await response.json()) as {
      data: { grand_total: { text: string; total_seconds: number } }
    }
    expect(data.grand_total.total_seconds).toBeGreaterThan(0)
    expect(data.grand_total.text).toMatch(/min|hr/)
  })

  test('who knows this file: the person’s own time on it', async () => {
    const response = await system.post('/users/current/file_experts', {
      ...question.body,
      project: 'acme-payments',
    })
    expect(response.status).toBe(200)
    const { data } = (await response.json()) as { data: [{ total: { total_seconds: number }; user: object }] }
    expect(data[0].total.total_seconds).toBeGreaterThan(0)
    expect(data[0].user).toMatchObject({ is_current_user: true, name: 'Ada' })
    const other = await system.post('/users/current/file_experts', { entity: '/elsewhere' })
    expect(await other.json()).toMatchObject({ data: [{ total: { total_seconds: 0 } }] })
  })

  test.each([
    ['/users/current/summaries', 400],
    ['/users/current/summaries?start=2026-11-22&end=2026-11-01', 400],
    ['/users/current/summaries?start=1970-01-01&end=2026-11-01', 400],
    ['/users/current/heartbeats', 400],
    ['/users/current/heartbeats?date=yesterday', 400],
    ['/users/current/durations?date=2026-02-30', 400],
    ['/users/current/stats/last_century', 400],
    ['/users/current/stats/__proto__', 400],
    ['/users/somebody-else', 404],
    ['/users/current/heartbeats/not-an-id', 404],
    ['/no/such/thing', 404],
  ])('%s is answered with %i and a code', async (path, status) => {
    const response = await system.api(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toHaveProperty('code', expect.stringMatching(/^ERR_/))
  })

  test('days follow the zone of the request', async () => {
    const zone = async (name: string) => {
      const response = await system.api(`/users/current/summaries?range=today&timezone=${name}`)
      return ((await response.json()) as { data: [{ range: { timezone: string; date: string } }] }).data[0]
        .range
    }
    expect(await zone('Pacific/Kiritimati')).toMatchObject({
      date: '2026-11-23',
      timezone: 'Pacific/Kiritimati',
    })
    expect((await zone('Mars/Olympus')).timezone).toBe('UTC')
  })
})

describe('who sees what', () => {
  const administrator = () => system.people.find(({ role }) => role === 'administrator')!

  test('an administrator sees the team, a member themselves', async () => {
    const path = '/users/current/teams/current/members'
    const names = async (key: string) => {
      const { data } = (await (await system.api(path, { key })).json()) as { data: { full_name: string }[] }
      return data.map(({ full_name }) => full_name).toSorted()
    }
    expect(await names(system.apiKey)).toEqual(['Ada'])
    expect(await names(administrator().apiKey!)).toEqual(['Ada', 'Grace'])
  })

  test('a stranger reads and deletes nothing of another team, and cannot tell what is there', async () => {
    const { data } = await client.getMyHeartbeats('2026-11-21')
    const path = `/users/current/heartbeats/${data[0]!.id}`
    const { apiKey: key } = await createPerson(system.backend, {
      email: 'mallory@codetime.example',
      displayName: 'Mallory',
      role: 'administrator',
    })
    expect((await system.api(path)).status).toBe(200)
    expect((await system.api(path, { key: administrator().apiKey! })).status).toBe(200)
    const missing = await system.api('/users/current/heartbeats/00000000-0000-7000-8000-000000000000', {
      key,
    })
    for (const method of ['GET', 'DELETE']) {
      const answer = await system.api(path, { key, method })
      expect(answer.status).toBe(404)
      expect(await answer.text()).toBe(await missing.clone().text())
    }
    expect((await system.api(path)).status).toBe(200)
  })

  test('a person deletes their own heartbeat, an administrator not a member’s', async () => {
    const reply = await system.post('/users/current/heartbeats', { entity: '/tmp/x', time: TEST_NOW / 1000 })
    const { data } = (await reply.json()) as { data: { id: string } }
    const path = `/users/current/heartbeats/${data.id}`
    expect((await system.api(path, { method: 'DELETE', key: administrator().apiKey! })).status).toBe(404)
    expect((await system.api(path, { method: 'DELETE' })).status).toBe(204)
    expect((await system.api(path)).status).toBe(404)
  })
})
