import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createId, createPseudonym, systemClock } from '../kernel/index.ts'
import { createSecret, formatKey, keyPrefix, parseKey } from './key-text.ts'
import { HOME, NETWORK, openWorld, refusal, textsOf, type World } from './testing/world.ts'

const HOUR_MS = 3_600_000

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const draft = { name: 'editor', scopes: ['heartbeats:read:own'] } as const

async function withKey(roles: readonly string[] = ['member']) {
  const founder = await world.found()
  const person = await world.join(founder, roles)
  return { founder, person, ...(await world.tenants.keys.create(person, draft)) }
}

describe('a key', () => {
  test('acts for its person with its scopes, and no more', async () => {
    const { person, text } = await withKey()
    const principal = (await world.tenants.keys.principalOf(text))!
    expect(principal).toMatchObject({ kind: 'user', id: person.id, tenant: person.tenant })
    expect(textsOf(principal)).toEqual(['heartbeats:read:own'])
    const { db } = world.store.store.as(principal)
    expect(await db.selectFrom('heartbeats').select('id').execute()).toEqual([])
    for (const forged of [principal, { ...principal }])
      expect(() => world.store.store.as(forged).db.deleteFrom('heartbeats').compile()).toThrow(
        expect.objectContaining({ code: 'ERR_STORE_FORBIDDEN' }) as Error,
      )
  })

  test('may never more than its person may at that moment', async () => {
    const { founder, person } = await withKey(['administrator'])
    const { text } = await world.tenants.keys.create(person, { name: 'all', scopes: ['heartbeats:*:tenant'] })
    await world.tenants.members.assign(founder, person.id, ['member'])
    expect(textsOf((await world.tenants.keys.principalOf(text))!)).toEqual([
      'heartbeats:read:own',
      'heartbeats:write:own',
      'heartbeats:delete:own',
    ])
    await world.tenants.members.remove(founder, person.id)
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
  })

  test('is given nothing that its person lacks, not even to wait for it', async () => {
    const { person } = await withKey()
    for (const scopes of [['heartbeats:read:tenant'], ['invoices:read:tenant']] as const)
      await expect(world.tenants.keys.create(person, { name: 'x', scopes })).rejects.toMatchObject(
        refusal('BEYOND'),
      )
  })

  test('opens nothing while its person is switched off', async () => {
    const { person, text } = await withKey()
    world.switchedOff.add(person.id)
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
    world.switchedOff.delete(person.id)
    expect(await world.tenants.keys.principalOf(text)).not.toBeNull()
  })

  test('goes with all others of its person when their account ends, and nobody else’s does', async () => {
    const { founder, person, text } = await withKey()
    const second = await world.tenants.keys.create(person, draft)
    const { text: others } = await world.tenants.keys.create(founder, draft)
    await world.tenants.keys.revokeAllOf(person.id)
    await world.tenants.keys.revokeAllOf(person.id)
    for (const gone of [text, second.text]) expect(await world.tenants.keys.principalOf(gone)).toBeNull()
    expect(await world.tenants.keys.principalOf(others)).not.toBeNull()
    const told = world.events.filter(({ row }) => row === second.key.id)
    expect(told.at(-1)).toMatchObject({ actor: { kind: 'system' }, before: second.key.scopes, after: null })
  })

  test('has a name that can be seen', async () => {
    const founder = await world.found()
    for (const name of ['', ' ', '\u200B', 'x'.repeat(61)])
      await expect(world.tenants.keys.create(founder, { ...draft, name })).rejects.toMatchObject(
        refusal('NAME'),
      )
    const { key } = await world.tenants.keys.create(founder, { ...draft, name: ' a\u202E\nb ' })
    expect(key.name).toBe('a b')
  })

  test('is revoked while it is used: what began goes on, nothing begins after it', async () => {
    const { founder, key, text } = await withKey()
    const used = Promise.all(Array.from({ length: 8 }, () => world.elsewhere.keys.principalOf(text)))
    await world.tenants.keys.revoke(founder, key.id)
    const after = await Promise.all(Array.from({ length: 4 }, () => world.elsewhere.keys.principalOf(text)))
    expect(after).toEqual([null, null, null, null])
    await used
    // Noting a last use never brings a row back.
    expect(await world.tenants.keys.list(founder)).toEqual([])
  })

  test('never gets from a role what it came to allow after it was taken away', async () => {
    const founder = await world.found()
    const treasurer = await world.join(founder, ['administrator', 'treasurer'])
    const role = await world.tenants.roles.create(treasurer, {
      name: 'Books',
      permissions: ['invoices:read:tenant'],
    })
    const member = await world.join(founder, ['member'])
    await world.tenants.members.assign(treasurer, member.id, [role.assignedAs])
    const { text } = await world.tenants.keys.create(member, { name: 'ci', scopes: ['invoices:read:tenant'] })
    await world.tenants.roles.edit(treasurer, role.id, 1, { name: 'Books', permissions: [] })
    const racing = world.interrupted('tenant_roles', async () => {
      await world.tenants.members.assign(founder, member.id, [])
      await world.tenants.roles.edit(treasurer, role.id, 2, {
        name: 'Books',
        permissions: ['invoices:read:tenant'],
      })
    })
    expect(textsOf((await racing.keys.principalOf(text))!)).toEqual([])
  })

  test('makes no keys', async () => {
    const { text } = await withKey(['administrator'])
    const key = (await world.tenants.keys.principalOf(text))!
    for (const actor of [key, { ...key }, { ...key, grant: 'x' }])
      await expect(world.tenants.keys.create(actor, draft)).rejects.toMatchObject(refusal('FORBIDDEN'))
  })

  test('is stored as a hash, and shown once', async () => {
    const { person, text, key } = await withKey()
    const { secret } = parseKey(text)!
    const { rows } = await world.store.ungoverned<{ row: string }>(
      'select k::text as row from app.tenant_keys k',
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const { row } of rows) expect(row).not.toContain(secret)
    expect(await world.tenants.keys.list(person)).toEqual([key])
    expect(JSON.stringify(key)).not.toContain(secret)
  })

  test('ends when it says', async () => {
    const founder = await world.found()
    const { text } = await world.tenants.keys.create(founder, { ...draft, expiresIn: '2h' })
    world.clock.advance(2 * HOUR_MS - 1)
    expect(await world.tenants.keys.principalOf(text)).not.toBeNull()
    world.clock.advance(1)
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
    for (const expiresIn of ['0s', '366d', '9000y'] as const)
      await expect(world.tenants.keys.create(founder, { ...draft, expiresIn })).rejects.toMatchObject(
        refusal('KEY_TERM'),
      )
  })

  test('is revoked at once, by its person or an administrator, and by nobody else', async () => {
    const { founder, person, key, text } = await withKey()
    const colleague = await world.join(founder, ['member'])
    const other = await world.found()
    for (const actor of [colleague, other])
      await expect(world.tenants.keys.revoke(actor, key.id)).rejects.toMatchObject(refusal('MISSING'))
    expect(await world.tenants.keys.list(colleague)).toEqual([])
    await world.tenants.keys.revoke(founder, key.id)
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
    await expect(world.tenants.keys.revoke(person, key.id)).rejects.toMatchObject(refusal('MISSING'))
  })

  test('is changed over with both at work for a while', async () => {
    const { person, key, text } = await withKey()
    const fresh = await world.tenants.keys.rotate(person, key.id, '1h')
    expect(fresh.key).toMatchObject({ name: key.name, scopes: key.scopes })
    world.clock.advance(HOUR_MS - 1)
    expect(await world.tenants.keys.principalOf(text)).not.toBeNull()
    world.clock.advance(1)
    expect(await world.tenants.keys.principalOf(text)).toBeNull()
    expect(await world.tenants.keys.principalOf(fresh.text)).not.toBeNull()
    await expect(world.tenants.keys.rotate(person, key.id)).rejects.toMatchObject(refusal('MISSING'))
    const told = world.events.filter(({ row }) => row === key.id || row === fresh.key.id)
    expect(
      told.map(({ row, before, after }) => [row === key.id, before?.length ?? 0, after?.length ?? 0]),
    ).toEqual([
      [true, 0, 1],
      [false, 0, 1],
      [true, 2, 2],
    ])
  })

  test('is changed over by its person alone, within what they hold then', async () => {
    const { founder, person } = await withKey(['administrator'])
    const wide = await world.tenants.keys.create(person, { name: 'all', scopes: ['heartbeats:read:tenant'] })
    for (const actor of [founder, await world.found()])
      await expect(world.tenants.keys.rotate(actor, wide.key.id)).rejects.toMatchObject(refusal('MISSING'))
    await world.tenants.members.assign(founder, person.id, ['member'])
    await expect(world.tenants.keys.rotate(await world.again(person), wide.key.id)).rejects.toMatchObject(
      refusal('BEYOND'),
    )
  })

  test('tells the hour of its last use, and no more', async () => {
    const { person, text } = await withKey()
    const lastUse = async () => (await world.tenants.keys.list(person))[0]!.lastUsedAt
    expect(await lastUse()).toBeNull()
    world.clock.advance(HOUR_MS / 3)
    await world.tenants.keys.principalOf(text)
    expect((await lastUse())!.getTime() % HOUR_MS).toBe(0)
  })

  test('is nobody’s when a digit is wrong, or it is of another system', async () => {
    const { key, text } = await withKey()
    const { id } = parseKey(text)!
    const wrongs = [
      '',
      `${text}x`,
      text.slice(0, -1),
      text.toUpperCase(),
      formatKey({ prefix: 'other', id, secret: parseKey(text)!.secret }),
      formatKey({ prefix: keyPrefix('Code time'), id, secret: createSecret() }),
      formatKey({
        prefix: keyPrefix('Code time'),
        id: createId(systemClock),
        secret: parseKey(text)!.secret,
      }),
      key.id,
      'x'.repeat(1_000_000),
    ]
    for (const wrong of wrongs) expect(await world.tenants.keys.principalOf(wrong)).toBeNull()
  })

  test('obeys the tenant’s allow-list', async () => {
    const { founder, text } = await withKey()
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    await expect(world.tenants.keys.principalOf(text)).rejects.toMatchObject(refusal('ADDRESS'))
    await expect(world.tenants.keys.principalOf(text, { address: '203.0.113.1' })).rejects.toMatchObject(
      refusal('ADDRESS'),
    )
    expect(await world.tenants.keys.principalOf(text, { address: HOME })).not.toBeNull()
  })
})

describe('a key’s text', () => {
  test('is told from a look-alike without asking anybody', () => {
    const id = createPseudonym()
    const text = formatKey({ prefix: 'codetime', id, secret: createSecret() })
    expect(text).toMatch(/^codetime_[0-9A-Za-z]{71}$/)
    expect(parseKey(text)).toMatchObject({ prefix: 'codetime', id })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: text.length - 1 }),
        fc.constantFrom('0', '9', 'a', 'z', 'A', 'Z', '_'),
        (at, digit) => {
          const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`
          expect(parseKey(changed) !== null).toBe(changed === text)
        },
      ),
    )
  })

  test('begins with the system’s name', () => {
    expect(['Codetime', 'Code time!', '42 things', '', 'Ä'].map(keyPrefix)).toEqual([
      'codetime',
      'codetime',
      'k42things',
      'k',
      'k',
    ])
  })

  test('answers any text', () => {
    fc.assert(fc.property(fc.string(), (text) => parseKey(text) === null))
  })
})
