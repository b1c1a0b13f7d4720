import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tryRolesOverHttp } from './access-custom-roles-http.ts'
import { tryAddressesOverHttp } from './access-ip-allow-list-http.ts'
import { tryReviewOverHttp } from './access-review-http.ts'
import type { AppOptions, Flaw } from './testing/notes-app.ts'
import { openNotesWorld, type NotesWorld } from './testing/notes-world.ts'

const IDS = ['access.custom-roles', 'access.ip-allow-list', 'access.review']
const TRIALS = {
  'custom roles': tryRolesOverHttp,
  'allow-lists': tryAddressesOverHttp,
  reviews: tryReviewOverHttp,
} as const

let world: NotesWorld
beforeAll(async () => {
  world = await openNotesWorld()
}, 240_000)
afterAll(() => world.close())

describe('organisations over HTTP', { timeout: 240_000 }, () => {
  test.each(IDS)(
    '%s is kept where every request asks who may what, and leaves nothing behind',
    async (id) => {
      const { outcome, summary, values } = await world.measure(id)
      expect([outcome, summary]).toEqual([
        'kept',
        expect.stringMatching(/\d+ trials over HTTP went the same way/),
      ])
      expect(values['httpTrials']).toBeGreaterThanOrEqual(7)
      expect([await world.count('tenant_members'), await world.count('tenant_roles')]).toEqual([0, 0])
    },
  )

  test.each<[keyof typeof TRIALS, Flaw, RegExp]>([
    ['custom roles', 'keeps roles', /a member could read rows of notes without the permission/],
    ['custom roles', 'refuses members', /a member could not create rows of notes with a role/],
    [
      'custom roles',
      'reads without the scope own',
      /a member could read a colleague’s rows of notes with a role/,
    ],
    ['allow-lists', 'knows no addresses', /a member was let in from outside \(/],
    ['allow-lists', 'believes any header', /let in from inside with a header that only a proxy may set/],
    ['reviews', 'keeps roles', /could still create rows of notes after a review had revoked their role/],
  ])('%s: finds an app that %s', async (what, flaw, words) => {
    const result = await TRIALS[what](world.context({ flaw }))
    expect(result).toMatchObject({
      found: { problems: expect.arrayContaining([expect.stringMatching(words)]) },
    })
  })

  test('breaks the promise by what it finds', async () => {
    const { outcome, summary } = await world.measure('access.review', { flaw: 'keeps roles' })
    expect([outcome, summary]).toEqual(['broken', expect.stringMatching(/^over HTTP a member could still/)])
  })

  test('a declared proxy is believed, and what it says is tried', async () => {
    const proxies = { addresses: ['127.0.0.1/32'] }
    expect(await tryAddressesOverHttp(world.context({ proxies }))).toMatchObject({ found: { problems: [] } })
    const deaf = await tryAddressesOverHttp(world.context({ proxies, flaw: 'knows no addresses' }))
    expect(deaf).toMatchObject({
      found: { problems: expect.arrayContaining([expect.stringContaining('through a declared proxy')]) },
    })
  })

  test.each<[string, AppOptions, RegExp]>([
    ['keeps its tenants itself', { tenants: 'own-table' }, /the app keeps its organisations elsewhere/],
    ['lets nobody join', { joins: false }, /let nobody join/],
    ['puts canaries among others', { crowded: true }, /the app puts its canaries among other people/],
  ])('an app that %s is left alone', async (_, options, words) => {
    for (const attempt of Object.values(TRIALS))
      expect(await attempt(world.context(options))).toEqual({ untried: expect.stringMatching(words) })
  })

  test('the summary says what was not tried over HTTP, and why', async () => {
    const { outcome, summary, values } = await world.measure('access.ip-allow-list', { tenants: 'own-table' })
    expect([outcome, summary, values['httpTrials']]).toEqual([
      'kept',
      expect.stringContaining('Over HTTP nothing was tried: the app keeps its organisations elsewhere'),
      0,
    ])
  })

  test('a failing app leaves it undecided', async () => {
    await expect(tryReviewOverHttp(world.context({ flaw: 'falls over' }))).rejects.toMatchObject({
      code: 'ERR_PROMISE_CANARY',
    })
  })
})
