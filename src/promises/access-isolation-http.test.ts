import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tryIsolationOverHttp } from './access-isolation-http.ts'
import type { Flaw } from './testing/notes-app.ts'
import { openNotesWorld, type NotesWorld } from './testing/notes-world.ts'

let world: NotesWorld
beforeAll(async () => {
  world = await openNotesWorld()
}, 240_000)
afterAll(() => world.close())

describe('access.tenant-isolation over HTTP', { timeout: 240_000 }, () => {
  test('is kept where ids of another tenant give nothing and change nothing', async () => {
    const { outcome, values } = await world.measure('access.tenant-isolation', {
      roles: ['administrator', 'member'],
    })
    expect({ outcome, ...values }).toMatchObject({ outcome: 'kept', leaks: 0, httpUnanswered: 0 })
    expect(values['httpAttempts']).toBeGreaterThan(100)
  })

  test.each<[Flaw, RegExp]>([
    ['reads without the tenant', /was shown what is not theirs: reading notes by its id/],
    ['changes without the tenant', /changed what is not theirs: changing notes by its id/],
    ['deletes without the tenant', /changed what is not theirs: deleting notes by its id/],
    ['believes the team in the body', /changed what is not theirs: making notes with another/],
    ['filters by any team', /was shown what is not theirs: listing notes with another.* as a filter/],
    [
      'believes the team in the path',
      /was shown what is not theirs: listing notes with another.* in the path/,
    ],
    ['exports everything', /was shown what is not theirs: exporting notes/],
    ['tells what is there', /is told that a row is there \(403, not 404\): reading notes by its id/],
  ])('finds an app that %s', async (flaw, words) => {
    const { leaks } = await tryIsolationOverHttp(world.context({ flaw, roles: ['administrator'] }))
    expect(leaks).toContainEqual(expect.stringMatching(words))
  })

  test('breaks the promise by the first that it finds', async () => {
    const { outcome, summary } = await world.measure('access.tenant-isolation', {
      flaw: 'exports everything',
      roles: ['administrator'],
    })
    expect([outcome, summary]).toEqual(['broken', expect.stringMatching(/the first: .* exporting notes/)])
  })

  test('leaves no row behind', async () => {
    await tryIsolationOverHttp(world.context({ roles: ['administrator'] }))
    expect([await world.count('notes'), await world.count('people')]).toEqual([0, 0])
  })
})
