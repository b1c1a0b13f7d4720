import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../access/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { openTestMail, type TestMail } from '../mail/testing.ts'
import { openWorld, refusal, type World } from './testing/world.ts'

const DAY = 86_400_000

let world: World
let mail: TestMail
/** Addresses of accounts, by person; what `identity/` knows in a system. */
const addresses = new Map<string, string>()
const confirmed = new Set<string>()
let isMailboxFull = false
beforeAll(async () => {
  mail = openTestMail()
  world = await openWorld(
    {},
    {
      outbox: mail.outbox,
      from: () => ({ name: 'Codetime', url: 'https://codetime.example' }),
      canonical: (typed) => typed.trim().toLowerCase(),
      mayWriteTo: async () => !isMailboxFull,
      async prove(personId, email) {
        if (addresses.get(personId) !== email) return false
        confirmed.add(personId)
        return true
      },
    },
  )
  mail.start({ store: world.store.store, clock: world.clock })
}, 120_000)
afterAll(() => world.close())

let count = 0
function somebody(): { id: string; email: string } {
  const [id, email] = [createPseudonym(), `guest-${++count}@example.com`]
  addresses.set(id, email)
  return { id, email }
}
const invitations = () => world.tenants.invitations!
async function invited(founder: Principal, roles: readonly string[] = ['member']) {
  const guest = somebody()
  await invitations().invite(founder, guest.email, roles)
  const link = await mail.linkTo(guest.email)
  return { ...guest, link, token: new URL(link, 'https://codetime.example').searchParams.get('token')! }
}
const memberOf = (founder: Principal, id: string) =>
  world.tenants.principalOf(id, { tenant: founder.tenant! })

describe('an invitation', { timeout: 120_000 }, () => {
  test('makes who has its address a member, with its roles, and is told to the audit log', async () => {
    const founder = await world.found()
    const { id, token, link, email } = await invited(founder, ['member', 'administrator'])
    expect(link).toMatch(/^\/account\/invitation\?token=[0-9A-Za-z]{43}$/)
    expect(await memberOf(founder, id)).toBeNull()
    expect(await invitations().list(founder)).toMatchObject([
      { email, roles: ['member', 'administrator'], invitedBy: founder.id },
    ])
    expect(await invitations().isOpen(token)).toBe(true)
    expect(await invitations().accept(id, token)).toBe(founder.tenant)
    expect((await memberOf(founder, id))!.roles).toEqual(['member', 'administrator'])
    expect(confirmed.has(id)).toBe(true)
    expect(await invitations().list(founder)).toEqual([])
    const told = world.events.filter(({ tenant }) => tenant === founder.tenant)
    expect(told.slice(-3)).toMatchObject([
      { what: 'invitation', actor: { id: founder.id }, before: null, after: ['member', 'administrator'] },
      { what: 'invitation', subject: id, before: ['member', 'administrator'], after: null },
      { what: 'membership', subject: id, actor: { id }, after: ['member', 'administrator'] },
    ])
  })

  test('opens once, to one of those who race for it', async () => {
    const founder = await world.found()
    const { id, email, token } = await invited(founder)
    // Two accounts cannot have one address; that they raced all the same must not matter.
    const twin = createPseudonym()
    addresses.set(twin, email)
    const outcomes = await Promise.allSettled([
      invitations().accept(id, token),
      world.elsewhere.invitations!.accept(twin, token),
      invitations().accept(id, token),
    ])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await world.tenants.members.list(founder)).toHaveLength(2)
    await expect(invitations().accept(createPseudonym(), token)).rejects.toMatchObject(refusal('INVITATION'))
  })

  test('opens to nobody who has another address, and stays open', async () => {
    const founder = await world.found()
    const { id, email, token } = await invited(founder)
    const other = somebody()
    const wrong = refusal('INVITATION_ADDRESS')
    await expect(invitations().accept(other.id, token)).rejects.toMatchObject(wrong)
    addresses.set(other.id, email.replace('e', 'е'))
    await expect(invitations().accept(other.id, token)).rejects.toMatchObject(wrong)
    expect(await memberOf(founder, other.id)).toBeNull()
    await invitations().accept(id, token)
  })

  test('ends after a week, when it is taken back, and when another one follows', async () => {
    const founder = await world.found()
    const ended = refusal('INVITATION')
    const first = await invited(founder)
    await invitations().invite(founder, first.email, ['member'])
    await expect(invitations().accept(first.id, first.token)).rejects.toMatchObject(ended)
    expect(await invitations().list(founder)).toHaveLength(1)

    const second = await invited(founder)
    const row = (await invitations().list(founder)).find(({ email }) => email === second.email)!
    await invitations().revoke(founder, row.id)
    await expect(invitations().accept(second.id, second.token)).rejects.toMatchObject(ended)
    await expect(invitations().revoke(founder, row.id)).rejects.toMatchObject(refusal('MISSING'))

    const third = await invited(founder)
    world.clock.advance(7 * DAY)
    expect(await invitations().isOpen(third.token)).toBe(false)
    await expect(invitations().accept(third.id, third.token)).rejects.toMatchObject(ended)
    expect(await invitations().list(founder)).toEqual([])
  })

  test('of another tenant cannot be seen or taken back', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    const { id, token } = await invited(founder)
    const [row] = await invitations().list(founder)
    expect(await invitations().list(other)).toEqual([])
    await expect(invitations().revoke(other, row!.id)).rejects.toMatchObject(refusal('MISSING'))
    await invitations().accept(id, token)
    expect(await world.tenants.principalOf(id, { tenant: other.tenant! })).toBeNull()
  })

  test('is not opened by what stands in the database', async () => {
    const founder = await world.found()
    const { id, email } = await invited(founder)
    const raw = await world.store.ungoverned('select * from app.tenant_invitations')
    expect(raw.rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(raw.rows)).not.toContain(email)
    for (const value of raw.rows.flatMap((row) => Object.values(row as object).map(String)))
      await expect(invitations().accept(id, value)).rejects.toMatchObject(refusal('INVITATION'))
  })
})

describe('who invites', { timeout: 120_000 }, () => {
  test('is an administrator, in person', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const forbidden = refusal('FORBIDDEN')
    await expect(invitations().invite(member, 'x@example.com', ['member'])).rejects.toMatchObject(forbidden)
    await expect(invitations().list(member)).rejects.toMatchObject(forbidden)
    await expect(invitations().revoke(member, createPseudonym())).rejects.toMatchObject(forbidden)
    expect(await mail.to('x@example.com')).toEqual([])
  })

  test('gives no more than they hold', async () => {
    const founder = await world.found()
    const guest = somebody()
    const invite = (roles: readonly string[]) => invitations().invite(founder, guest.email, roles)
    await expect(invite(['treasurer'])).rejects.toMatchObject(refusal('BEYOND'))
    await expect(invite(['auditor'])).rejects.toMatchObject(refusal('BEYOND'))
    await expect(invite(['nothing'])).rejects.toMatchObject(refusal('ROLE'))
    await expect(invite(['anonymous'])).rejects.toMatchObject(refusal('ROLE'))
    expect(await mail.to(guest.email)).toEqual([])
  })

  test('must hold it still when the invitation is accepted', async () => {
    const founder = await world.found()
    const second = await world.join(founder, ['administrator', 'treasurer'])
    const rich = await invited(second, ['treasurer'])
    const plain = await invited(second)
    await world.tenants.members.assign(founder, second.id, ['administrator'])
    await expect(invitations().accept(rich.id, rich.token)).rejects.toMatchObject(refusal('INVITATION'))
    world.switchedOff.add(second.id)
    await expect(invitations().accept(plain.id, plain.token)).rejects.toMatchObject(refusal('INVITATION'))
    world.switchedOff.delete(second.id)
    await world.tenants.members.assign(founder, second.id, ['member'])
    await expect(invitations().accept(plain.id, plain.token)).rejects.toMatchObject(refusal('INVITATION'))
    await world.tenants.members.remove(founder, second.id)
    await expect(invitations().accept(plain.id, plain.token)).rejects.toMatchObject(refusal('INVITATION'))
    expect(await memberOf(founder, plain.id)).toBeNull()
  })

  test('cannot give a role that the tenant has removed since', async () => {
    const founder = await world.found()
    const role = await world.tenants.roles.create(founder, {
      name: 'Reader',
      permissions: ['rates:read:any'],
    })
    const { id, token } = await invited(founder, [role.assignedAs])
    await world.tenants.roles.remove(founder, role.id)
    await expect(invitations().accept(id, token)).rejects.toMatchObject(refusal('INVITATION'))
  })

  test('cannot invite who belongs to the tenant, nor fill a mailbox or the list', async () => {
    const founder = await world.found()
    const { id, email, token } = await invited(founder)
    await invitations().accept(id, token)
    await invitations().invite(founder, email, ['member'])
    const again = new URL(await mail.linkTo(email), 'https://codetime.example').searchParams.get('token')!
    await expect(invitations().accept(id, again)).rejects.toMatchObject(refusal('EXISTS'))

    isMailboxFull = true
    const full = invitations().invite(founder, 'full@example.com', ['member'])
    await expect(full).rejects.toMatchObject(refusal('INVITATION_LIMIT'))
    isMailboxFull = false
    expect(await mail.to('full@example.com')).toEqual([])

    for (let i = 1; i < 100; i++) await invitations().invite(founder, `many-${i}@example.com`, [])
    const more = invitations().invite(founder, 'one-more@example.com', [])
    await expect(more).rejects.toMatchObject(refusal('TOO_MANY'))
    // Another letter to one of them takes the place of the earlier one.
    await invitations().invite(founder, 'many-1@example.com', [])
  }, 120_000)
})
