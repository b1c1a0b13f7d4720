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
  })

  test('is decided by the administrators as they are: not by one who was demoted, but by one who came', async () => {
    const { founder, second, member } = await team()
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    await world.tenants.members.assign(founder, second.id, ['member'])
    const notReviewer = refusal('REVIEWER')
    await expect(world.tenants.reviews.decide(second, of(member).id, 'revoke')).rejects.toMatchObject(
      notReviewer,
    )
    await expect(world.tenants.reviews.current(second)).rejects.toMatchObject(notReviewer)
    expect(await world.tenants.reviews.waiting(second)).toBeNull()
    await world.tenants.members.assign(founder, member.id, ['administrator'])
    await world.tenants.reviews.decide(member, of(second).id, 'revoke')
    await world.tenants.members.remove(founder, member.id)
    await expect(world.tenants.reviews.decide(member, of(founder).id, 'keep')).rejects.toMatchObject(
      refusal('FORBIDDEN'),
    )
  })

  test('goes on when nobody else is a reviewer: an administrator lets a member decide, too', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    await world.tenants.reviews.decide(founder, of(member).id, 'keep')
    expect(await world.tenants.reviews.current(founder)).toMatchObject({ stuck: 1, reviewers: [founder.id] })
    const stranger = await world.found()
    for (const [actor, person, code] of [
      [member, member.id, 'FORBIDDEN'],
      [founder, stranger.id, 'MEMBER'],
      [founder, 'nobody', 'MEMBER'],
      [stranger, stranger.id, 'MISSING'],
    ] as const)
      await expect(world.tenants.reviews.appoint(actor, person)).rejects.toMatchObject(refusal(code))
    await world.tenants.reviews.appoint(founder, member.id)
    expect(world.events.at(-1)).toMatchObject({ what: 'review', subject: member.id })
    expect(await world.tenants.reviews.waiting(member)).toMatchObject({ open: 1 })
    await world.tenants.reviews.decide(member, of(founder).id, 'keep')
    const { review, stuck } = (await world.tenants.reviews.current(founder))!
    expect([review.closedAt === null, stuck]).toEqual([false, 0])
  })

  test('of somebody who is alone is closed at once: nobody else could answer', async () => {
    const founder = await world.found()
    await world.tenants.keys.create(founder, { name: 'k', scopes: [] })
    await world.tenants.reviews.start(founder)
    expect(await world.tenants.reviews.current(founder)).toMatchObject({
      review: { closedAt: new Date(world.clock.now()) },
      items: [],
    })
    await world.tenants.reviews.start(founder)
  })

  test('does not stay open for the questions of somebody who was erased', async () => {
    const { founder, second, member } = await team()
    await world.tenants.reviews.start(founder)
    const { of } = await itemsOf(founder)
    await world.tenants.reviews.decide(second, of(founder).id, 'keep')
    await world.tenants.reviews.decide(founder, of(second).id, 'keep')
    await world.store.ungoverned(`delete from app.tenant_review_items where "personId" = $1`, [member.id])
    await world.tenants.reviews.start(founder)
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
    await world.tenants.reviews.start(founder, { reviewers: [founder.id, second.id] })
    const { of } = await itemsOf(founder)
    await world.tenants.reviews.decide(founder, of(second).id, 'revoke')
    await expect(world.tenants.reviews.decide(second, of(founder).id, 'revoke')).rejects.toMatchObject(
      refusal('LAST_ADMINISTRATOR'),
    )
    expect((await itemsOf(founder)).of(founder).decision).toBeNull()
  })

  test('closes with its last decision, and says what was not used since the one before', async () => {
    const { founder, second, member } = await team()
    world.clock.advance(DAY_MS)
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
    expect(await world.tenants.reviews.history(founder)).toMatchObject([
      { closedAt: null, kept: 0, revoked: 0, open: 3 },
      { id: first.id, kept: 3, revoked: 0, open: 0 },
    ])
    const shown = await world.tenants.reviews.current(founder, first.id)
    expect(shown!.items.every(({ decidedBy, decidedAt }) => decidedBy !== null && decidedAt !== null)).toBe(
      true,
    )
    await expect(world.tenants.reviews.history(member)).rejects.toMatchObject(refusal('FORBIDDEN'))
    const stranger = await world.found()
    expect(await world.tenants.reviews.current(stranger, first.id)).toBeNull()
  })

  test('counts a use for its whole day: what was used on the day of the last review was used', async () => {
    const { founder, member } = await team()
    const second = await world.join(founder, ['administrator'])
    await world.tenants.reviews.start(founder, { reviewers: [founder.id, second.id] })
    const { items } = await itemsOf(founder)
    for (const { id, personId } of items)
      await world.tenants.reviews.decide(personId === founder.id ? second : founder, id, 'keep')
    world.clock.advance(60_000)
    await world.again(member)
    await world.tenants.reviews.start(founder)
    expect((await itemsOf(founder)).of(member).unused).toBe(false)
  })

  test('reminds each reviewer at its moments, once, whichever process asks', async () => {
    const { founder, second } = await team()
    const asked = async (tenants = world.tenants) =>
      (await tenants.reviews.takeReminders())
        .filter(({ tenant }) => tenant === founder.tenant)
        .map(({ personId, open, overdue }) => `${personId} ${open} ${overdue}`)
        .toSorted()
    await world.tenants.reviews.start(founder, { dueIn: '14d' })
    const both = (overdue: boolean) => [`${founder.id} 2 ${overdue}`, `${second.id} 2 ${overdue}`].toSorted()
    const begun = await Promise.all([asked(), asked(world.elsewhere)])
    expect(begun.flat()).toEqual(both(false))
    expect(await asked()).toEqual([])
    world.clock.advance(11 * DAY_MS)
    expect(await asked(world.elsewhere)).toEqual(both(false))
    world.clock.advance(3 * DAY_MS - 1)
    expect(await asked()).toEqual([])
    world.clock.advance(2)
    expect(await asked()).toEqual(both(true))
    world.clock.advance(6 * DAY_MS)
    expect(await asked()).toEqual([])
    world.clock.advance(DAY_MS)
    const { of } = await itemsOf(founder)
    await world.tenants.reviews.decide(second, of(founder).id, 'keep')
    expect(await asked()).toEqual([`${founder.id} 2 true`, `${second.id} 1 true`].toSorted())
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
