import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { openWorld, refusal, type World } from './testing/world.ts'

const DAY_MS = 86_400_000

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

async function team() {
  const founder = await world.found()
  const second = await world.join(founder, ['administrator'])
  const member = await world.join(founder, ['member'])
  return { founder, second, member }
}

async function itemsOf(actor: Principal) {
  const { items } = (await world.tenants.reviews.current(actor))!
  const of = ({ id }: Principal) => items.find(({ personId, role }) => personId === id && role !== null)!
  return { items, of, keyItem: items.find(({ keyId }) => keyId !== null) }
}

describe('a review', () => {
  test('asks about every role and every key', async () => {
    const { founder, member } = await team()
    const { key } = await world.tenants.keys.create(member, { name: 'k', scopes: [] })
    await world.tenants.reviews.start(founder)
    const { items } = await itemsOf(founder)
    const asked = items.map(({ role, keyId }) => String(role ?? keyId))
    expect(asked.toSorted()).toEqual([key.id, 'administrator', 'administrator', 'member'].toSorted())
    await expect(world.tenants.reviews.start(founder)).rejects.toMatchObject(refusal('REVIEW_OPEN'))
  })

  test('revokes in the same step: the role and the key are gone', async () => {
    const { founder, member } = await team()
    const { text } = await world.tenants.keys.create(member, { name: 'k', scopes: ['heartbeats:read:own'] })
    await world.tenants.reviews.start(founder)
    const { of, keyItem } = await itemsOf(founder)
    await world.tenants.reviews.decide(founder, keyItem!.id, 'revoke')
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
    await world.tenants.reviews.decide(founder, of(member).id, 'revoke')
    expect((await world.again(member)).roles).toEqual([])
  })

  test('is never of oneself, nor by who was not asked', async () => {
    const { founder, second, member } = await team()
    await world.tenants.reviews.start(founder, { reviewers: [founder.id] })
    const { of } = await itemsOf(founder)
    const notReviewer = refusal('REVIEWER')
    await expect(world.tenants.reviews.decide(founder, of(founder).id, 'keep')).rejects.toMatchObject(
      notReviewer,
    )
    await expect(world.tenants.reviews.decide(second, of(founder).id, 'keep')).rejects.toMatchObject(
      notReviewer,
    )
    await expect(world.tenants.reviews.decide(member, of(founder).id, 'revoke')).rejects.toMatchObject(
      notReviewer,
    )
    await expect(world.tenants.reviews.current(member)).rejects.toMatchObject(notReviewer)
    const other = await world.found()
    await expect(world.tenants.reviews.decide(other, of(member).id, 'revoke')).rejects.toMatchObject(
      refusal('MISSING'),
    )
    await expect(world.tenants.reviews.start(other, { reviewers: [founder.id] })).rejects.toMatchObject(
      refusal('MEMBER'),
    )
    await expect(world.tenants.reviews.start(other, { reviewers: [] })).rejects.toMatchObject(
      refusal('MEMBER'),
    )
  })

  test('is decided once, also by two at once', async () => {
    const { founder, second, member } = await team()
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    const outcomes = await Promise.allSettled([
      world.tenants.reviews.decide(founder, of(member).id, 'keep'),
      world.elsewhere.reviews.decide(second, of(member).id, 'revoke'),
    ])
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['ERR_TENANTS_DECIDED'])
    const { decision } = (await itemsOf(founder)).of(member)
    expect((await world.again(member)).roles).toEqual(decision === 'keep' ? ['member'] : [])
  })

  test('leaves an administrator, and stays undecided where it would not', async () => {
    const { founder, second } = await team()
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    await world.tenants.reviews.decide(founder, of(second).id, 'revoke')
    await expect(world.tenants.reviews.decide(second, of(founder).id, 'revoke')).rejects.toMatchObject(
      refusal('LAST_ADMINISTRATOR'),
    )
    expect((await itemsOf(founder)).of(founder).decision).toBeNull()
  })

  test('closes with its last decision, and says what was not used since the one before', async () => {
    const { founder, second, member } = await team()
    const first = await world.tenants.reviews.start(founder)
    const decideAll = async () => {
      const { of } = await itemsOf(founder)
      await world.tenants.reviews.decide(second, of(founder).id, 'keep')
      await world.tenants.reviews.decide(founder, of(second).id, 'keep')
      await world.tenants.reviews.decide(founder, of(member).id, 'keep')
    }
    await decideAll()
    expect((await world.tenants.reviews.current(founder))!.review).toMatchObject({
      id: first.id,
      closedAt: new Date(world.clock.now()),
    })
    world.clock.advance(2 * DAY_MS)
    await world.again(founder)
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    expect([of(founder), of(second), of(member)].map(({ unused }) => unused)).toEqual([false, true, true])
  })

  test('stands among those that are due, and is overdue in time', async () => {
    const { founder } = await team()
    await world.tenants.reviews.start(founder, { dueIn: '3d' })
    const mine = async () =>
      (await world.tenants.reviews.due()).find(({ tenant }) => tenant === founder.tenant)
    expect(await mine()).toMatchObject({ open: 3, overdue: false })
    world.clock.advance(3 * DAY_MS + 1)
    expect(await mine()).toMatchObject({ overdue: true })
  })
})
