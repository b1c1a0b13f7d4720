import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { HOME, NETWORK, openWorld, refusal, type World } from './testing/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

describe('an allow-list', () => {
  test('lets members in from its ranges only, from the next request on', async () => {
    const founder = await world.found()
    const member = await world.join(founder, ['member'])
    const from = (address: string | null) => world.tenants.principalOf(member.id, { address })
    expect(await from(null)).not.toBeNull()
    expect(await world.tenants.allowList.set(founder, [NETWORK, '2001:db8::/32', NETWORK], HOME)).toEqual([
      NETWORK,
      '2001:db8::/32',
    ])
    for (const address of [HOME, '::ffff:198.51.100.9', '2001:db8::7'])
      expect(await from(address)).not.toBeNull()
    const evasions = [
      ...['198.51.100.07', '0306.063.0144.07', '3325256711', '0xc6336407', '198.51.100', '198.51.100.7%0'],
      ...['198.51.100.7/24', ' 198.51.100.7', '１９８.51.100.7', '::198.51.100.7', '::ffff:0:198.51.100.7'],
      ...[
        '64:ff9b::198.51.100.7',
        '2001:db8::7%eth0',
        '2001:0db8:0:0:0:0:0:0:7',
        '2001:db8:::7',
        '[2001:db8::7]',
      ],
    ]
    for (const address of [null, '203.0.113.9', '::1', 'unknown', '198.51.100.7, 203.0.113.9', ...evasions])
      await expect(from(address)).rejects.toMatchObject(refusal('ADDRESS'))
    await expect(world.tenants.principalOf(member.id)).rejects.toMatchObject(refusal('ADDRESS'))
    await world.tenants.allowList.set(founder, [], '203.0.113.9')
    expect(await from('203.0.113.9')).not.toBeNull()
  })

  test('hides nobody’s roles from what follows from having them', async () => {
    const founder = await world.found()
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    await world.tenants.members.found(createPseudonym(), founder.id)
    expect(await world.tenants.rolesOf(founder.id)).toEqual(['administrator'])
    expect(await world.tenants.rolesOf(createPseudonym())).toEqual([])
  })

  test('never locks out who sets it', async () => {
    const founder = await world.found()
    for (const address of [null, '203.0.113.9', '', '::1'])
      await expect(world.tenants.allowList.set(founder, [NETWORK], address)).rejects.toMatchObject(
        refusal('LOCK_OUT'),
      )
    expect(await world.tenants.allowList.get(founder)).toEqual([])
  })

  test('takes whole ranges, and leaves the old list when one does not fit', async () => {
    const founder = await world.found()
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    await expect(
      world.tenants.allowList.set(founder, [NETWORK, '198.51.100.7/24'], HOME),
    ).rejects.toMatchObject({ code: 'ERR_ACCESS_RANGE' })
    const many = Array.from({ length: 101 }, (_, i) => `10.0.${i}.0/24`)
    await expect(world.tenants.allowList.set(founder, [...many, NETWORK], HOME)).rejects.toMatchObject(
      refusal('TOO_MANY'),
    )
    expect(await world.tenants.allowList.get(founder)).toEqual([NETWORK])
  })

  test('is told without the addresses', async () => {
    const founder = await world.found()
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    const told = world.events.filter(({ what, tenant }) => what === 'allow-list' && tenant === founder.tenant)
    expect(told).toMatchObject([{ before: ['0 ranges'], after: ['1 ranges'] }])
    expect(JSON.stringify(told)).not.toContain('198')
  })

  test('limits one tenant and no other', async () => {
    const [founder, other] = [await world.found(), await world.found()]
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    expect(await world.tenants.principalOf(other.id, { address: '203.0.113.9' })).not.toBeNull()
  })
})
