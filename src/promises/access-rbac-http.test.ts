import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measureRolesOverHttp } from './access-rbac-http.ts'
import type { Flaw } from './testing/notes-app.ts'
import { openNotesWorld, type NotesWorld } from './testing/notes-world.ts'

let world: NotesWorld
beforeAll(async () => {
  world = await openNotesWorld()
}, 240_000)
afterAll(() => world.close())

describe('access.rbac over HTTP', { timeout: 240_000 }, () => {
  test('is kept where every route lets through what the role declares', async () => {
    const { outcome, summary, values } = await world.measure('access.rbac')
    expect({ outcome, ...values }).toMatchObject({ outcome: 'kept', httpWrong: 0, httpUntried: 0 })
    expect(summary).toMatch(/by ordinary accounts over HTTP \(administrator \d\d, member \d\d, clerk \d\d\)/)
    expect(values['httpTrials']).toBeGreaterThan(45)
    expect(summary).toContain('requests of visitors opened nothing (without a session or a key, ')
    expect(values['httpVisitorTrials']).toBeGreaterThan(100)
  })

  test.each<[Flaw, RegExp]>([
    ['reads without the scope own', /member can read a colleague’s row of notes over HTTP \(200\)/],
    ['reads without the tenant', /can read another tenant’s row of notes/],
    ['changes without the tenant', /can update another tenant’s row of notes/],
    ['deletes without the tenant', /can delete another tenant’s row of notes/],
    ['believes the person in the body', /member can create a colleague’s row of notes/],
    ['exports the whole team', /member can export a colleague’s row of notes/],
    ['exports everything', /can export another tenant’s row of notes/],
    ['reads every column', /clerk can read a field outside its columns in a?n?.*row of notes/],
    ['refuses members', /member cannot create its own row of notes over HTTP \(403\)/],
  ])('finds an app that %s', async (flaw, words) => {
    const only = words.source.startsWith('clerk') ? {} : { roles: ['administrator', 'member'] as const }
    const { wrong } = await measureRolesOverHttp(world.context({ flaw, ...only }))
    expect(wrong).toContainEqual(expect.stringMatching(words))
  })

  test('breaks the promise by the first that it finds', async () => {
    const { outcome, summary } = await world.measure('access.rbac', {
      flaw: 'deletes without the tenant',
      roles: ['administrator'],
    })
    expect([outcome, summary]).toEqual(['broken', expect.stringMatching(/the first: .* over HTTP/)])
  })

  test('says what it could not try where nobody joins a team', async () => {
    const { wrong, untried, absent } = await measureRolesOverHttp(world.context({ joins: false }))
    expect([wrong, absent]).toEqual([[], ['member', 'clerk']])
    expect(untried).toBeGreaterThan(0)
  })

  test('counts no failure of the app as a refusal', async () => {
    const context = world.context({ flaw: 'falls over', roles: ['administrator', 'member'] })
    const { wrong, untried } = await measureRolesOverHttp(context)
    expect([wrong, untried]).toEqual([[], 6])
  })

  test('leaves no row behind', async () => {
    await measureRolesOverHttp(world.context({ roles: ['administrator'] }))
    expect([await world.count('notes'), await world.count('people')]).toEqual([0, 0])
  })
})
