import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tryVisitorsOverHttp } from './access-visitor-http.ts'
import { catalogue } from './catalogue.ts'
import type { Flaw } from './testing/notes-app.ts'
import { openNotesWorld, type NotesWorld } from './testing/notes-world.ts'

const VISITORS = [
  'without a session or a key',
  'with a made-up session',
  'with a made-up key',
  'with a session past its end',
  'with a revoked key',
  'whose account was removed',
]

let world: NotesWorld
beforeAll(async () => {
  world = await openNotesWorld()
}, 240_000)
afterAll(() => world.close())

describe('visitors over HTTP', { timeout: 240_000 }, () => {
  test('see and change nothing, whatever they bring that has ended or never was', async () => {
    const { visitors, trials, ...found } = await tryVisitorsOverHttp(world.context())
    expect({ visitors, ...found }).toEqual({ visitors: VISITORS, untried: 0, wrong: [] })
    expect(trials).toBeGreaterThan(100)
  })

  test.each<[Flaw, RegExp]>([
    ['shows rows to visitors', /without a session or a key was shown .*: reading notes by its id/],
    ['takes rows from visitors', /without a session or a key changed .*: deleting notes by its id/],
    ['believes any cookie', /with a made-up session was shown .*: listing notes/],
    ['believes any key', /with a made-up key changed .*: changing notes by its id/],
  ])('finds an app that %s', async (flaw, words) => {
    const { wrong } = await tryVisitorsOverHttp(world.context({ flaw }))
    expect(wrong).toContainEqual(expect.stringMatching(words))
  })

  test.each<[Flaw, string]>([
    ['knows no end of sessions', 'with a session past its end'],
    ['keeps revoked keys', 'with a revoked key'],
    ['keeps who has left', 'whose account was removed'],
  ])('finds an app that %s, and blames nobody else', async (flaw, who) => {
    const { wrong } = await tryVisitorsOverHttp(world.context({ flaw }))
    expect(wrong).toContainEqual(expect.stringMatching(`${who} was shown .*: reading notes by its id`))
    expect(wrong.filter((each) => !each.includes(who))).toEqual([])
  })

  test('break the promise by what they find', async () => {
    const roles = ['administrator'] as const
    const flawed = await world.measure('access.rbac', { flaw: 'shows rows to visitors', roles })
    expect([flawed.outcome, flawed.summary]).toEqual([
      'broken',
      expect.stringMatching(/the first: somebody without a session or a key was shown/),
    ])
  })

  test('may what the role anonymous declares', async () => {
    const context = world.context({ flaw: 'shows rows to visitors' })
    const roles = { ...context.config.roles, anonymous: ['notes:read:any', 'people:read:any'] as const }
    const { wrong } = await tryVisitorsOverHttp({ ...context, config: { ...context.config, roles } })
    expect(wrong).toEqual([])
  })

  test('count no failure of the app as a refusal', async () => {
    const context = world.context()
    const canaries = { ...context.canaries!, visit: async () => new Response(null, { status: 500 }) }
    const { visitors, trials, untried, wrong } = await tryVisitorsOverHttp({ ...context, canaries })
    // What has ended was never seen to open anything, but for the account that has left.
    expect(visitors).toEqual([...VISITORS.slice(0, 3), VISITORS.at(-1)])
    expect([trials > 0, untried > 0, wrong]).toEqual([true, true, []])
  })

  test('are not asked as where no canary function can be one, and the page says so', async () => {
    const context = world.context()
    const { visit: _, ...canary } = context.config.canary!
    const { visit: __, ...canaries } = context.canaries!
    const deaf = { ...context, config: { ...context.config, canary }, canaries }
    expect((await tryVisitorsOverHttp(deaf)).trials).toBe(0)
    const said = catalogue.get('access.rbac')!.cannotProve(deaf.config, {})
    expect(said.join()).toContain('What visitors may who are not signed in')
  })

  test('leave no row, session or key behind', async () => {
    await tryVisitorsOverHttp(world.context())
    for (const table of ['notes', 'people', 'sign_in_sessions', 'tenant_keys'] as const)
      expect([table, await world.count(table)]).toEqual([table, 0])
  })
})
