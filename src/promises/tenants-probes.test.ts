import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { principalWith, PermissionSet, systemPrincipal, type Principal } from '../access/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { Tenants } from '../tenants/index.ts'
import { HOME, NETWORK, openWorld, resources, roles, type World } from '../tenants/testing/world.ts'
import { withCanaryTenant } from './canary-tenant.ts'
import { catalogue, type AnyTables, type Measurement, type ProbeContext } from './index.ts'

const DAY_MS = 86_400_000
const config: SuretyConfig = { name: 'Codetime', origin: 'codetime.example', page: 'x.md', resources, roles }

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

function contextWith(tenants: Tenants): ProbeContext {
  const context: Partial<ProbeContext> = {
    config,
    clock: world.clock,
    tenants,
    canaries: null,
    as: (principal) => world.store.store.as(principal).db as unknown as Kysely<AnyTables>,
    system: systemPrincipal,
    progress: () => undefined,
  }
  return context as ProbeContext
}

/** What the probe sees where the room is as given. */
function measure(id: string, tenants: Tenants = world.tenants, params: object = {}): Promise<Measurement> {
  const { probe, parameters } = catalogue.get(id)!
  return probe(contextWith(tenants), parameters.parse(params))
}

/** The room with some of it replaced. */
const instead = (changes: { [Part in keyof Tenants]?: Partial<Tenants[Part]> | Tenants[Part] }): Tenants => ({
  ...world.tenants,
  ...Object.fromEntries(
    Object.entries(changes).map(([part, change]) => [
      part,
      typeof change === 'function' ? change : Object.assign({}, world.tenants[part as keyof Tenants], change),
    ]),
  ),
})

describe('counts of customers', () => {
  test.each(['access.ip-allow-list', 'access.review'])(
    'in %s leave out a tenant that another probe has made',
    async (id) => {
      await world.found()
      const { values } = await measure(id)
      const beside = await withCanaryTenant(contextWith(world.tenants), async ({ join }) => {
        await join(['administrator'])
        return measure(id)
      })
      expect(values['tenants']).toBeGreaterThan(0)
      expect(beside.values['tenants']).toBe(values['tenants'])
    },
  )
})

describe('access.custom-roles', () => {
  test('is kept where a role binds and gives nothing that its maker lacks', async () => {
    const founder = await world.found()
    await world.tenants.roles.create(founder, { name: 'R', permissions: ['heartbeats:read:own'] })
    const { outcome, values } = await measure('access.custom-roles')
    expect({ outcome, ...values }).toMatchObject({
      outcome: 'kept',
      customRoles: 1,
      tenantsWithRoles: 1,
      problems: 0,
    })
    expect(values['trials']).toBeGreaterThan(10)
  })

  test('is broken by an edit that does not bind', async () => {
    const edit: Tenants['roles']['edit'] = async (_, id) => ({
      id,
      assignedAs: '',
      name: '',
      permissions: [],
      revision: 2,
    })
    const { outcome, summary } = await measure('access.custom-roles', instead({ roles: { edit } }))
    expect([outcome, summary]).toEqual(['broken', expect.stringContaining('bound on')])
  })

  test('is broken by a room that lets administrators give anything', async () => {
    const create: Tenants['roles']['create'] = async (actor, draft) => {
      const anything = await world.store.store
        .as(systemPrincipal('attack', ['tenant_roles']))
        .db.insertInto('tenant_roles')
        .values({
          tenantId: actor.tenant!,
          name: draft.name,
          permissions: [...draft.permissions],
          revision: 1,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return { ...draft, id: anything.id, assignedAs: `custom:${anything.id}`, revision: 1 }
    }
    const { outcome, summary } = await measure('access.custom-roles', instead({ roles: { create } }))
    expect([outcome, summary]).toEqual(['broken', expect.stringContaining('do not hold')])
  })

  test('is broken by a principal that anybody has', async () => {
    const principalOf: Tenants['principalOf'] = async (id, { tenant } = {}) =>
      principalWith({ id, tenant: tenant!, roles: [] }, PermissionSet.parse(['heartbeats:*:tenant']))
    const { outcome } = await measure('access.custom-roles', instead({ principalOf }))
    expect(outcome).toBe('broken')
  })

  test('is broken by a stored role that reaches other customers', async () => {
    const founder = await world.found()
    const role = await world.tenants.roles.create(founder, { name: 'Far', permissions: [] })
    const { db } = world.store.store.as(systemPrincipal('attack', ['tenant_roles']))
    await db
      .updateTable('tenant_roles')
      .set({ permissions: ['heartbeats:read:any'] })
      .where('id', '=', role.id)
      .execute()
    const { outcome, summary } = await measure('access.custom-roles')
    expect([outcome, summary]).toEqual(['broken', expect.stringContaining('other customers')])
    await world.tenants.roles.remove(founder, role.id)
  })
})

describe('access.ip-allow-list', () => {
  test('is kept where a list holds for members and keys', async () => {
    const founder = await world.found()
    await world.tenants.allowList.set(founder, [NETWORK], HOME)
    const { outcome, values } = await measure('access.ip-allow-list')
    expect({ outcome, ...values }).toMatchObject({ outcome: 'kept', tenantsWithList: 1, problems: 0 })
  })

  test('is broken where the address is not looked at', async () => {
    const principalOf: Tenants['principalOf'] = (id, request) =>
      world.tenants.principalOf(id, { ...request, address: '192.0.2.7' })
    const keys: Partial<Tenants['keys']> = {
      principalOf: (text) => world.tenants.keys.principalOf(text, { address: '192.0.2.7' }),
    }
    for (const open of [instead({ principalOf }), instead({ keys })]) {
      const { outcome, summary } = await measure('access.ip-allow-list', open)
      expect([outcome, summary]).toEqual(['broken', expect.stringContaining('was let in')])
    }
  })
})

describe('access.review', () => {
  test('is kept while nobody is late, and broken for who is', async () => {
    const founder = await world.found()
    expect(await measure('access.review')).toMatchObject({ outcome: 'kept' })
    world.clock.advance(181 * DAY_MS)
    const late = await measure('access.review')
    expect(late).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('finished no review') as string,
    })
    const second = await world.join(founder, ['administrator'])
    await finishReview(founder, second)
    const before = late.values['late'] as number
    expect((await measure('access.review')).values['late']).toBe(before - 1)
    expect(await measure('access.review', world.tenants, { every: '1y' })).toMatchObject({ outcome: 'kept' })
  })

  test('is broken where a revocation does nothing, or somebody decides on themselves', async () => {
    const ignore: Tenants['reviews']['decide'] = (actor, item, decision) =>
      world.tenants.reviews.decide(actor, item, decision === 'revoke' ? 'keep' : decision)
    const params = { every: '9y' }
    const kept = await measure('access.review', instead({ reviews: { decide: ignore } }), params)
    expect(kept).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('was still there') as string,
    })
    const anybody: Tenants['reviews']['decide'] = async () => undefined
    const own = await measure('access.review', instead({ reviews: { decide: anybody } }), params)
    expect(own).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('their own role') as string,
    })
  })

  test('shows a longer period as weaker', () => {
    const { compare } = catalogue.get('access.review')!
    expect(compare!({ every: '90d' }, { every: '180d' })).toBe('weakened')
  })
})

describe('access.rbac', () => {
  const limited = { ...roles, member: ['heartbeats:read:tenant(language)'] } as const
  const over = (declared: SuretyConfig['roles'], held: typeof roles | typeof limited) => {
    const store = world.store.reopen({ roles: held })
    const context: Partial<ProbeContext> = {
      config: { ...config, resources: { heartbeats: resources.heartbeats }, roles: declared },
      clock: world.clock,
      canaries: null,
      as: (principal) => store.as(principal).db as unknown as Kysely<AnyTables>,
      system: systemPrincipal,
      progress: () => undefined,
    }
    return catalogue.get('access.rbac')!.probe(context as ProbeContext, {})
  }

  test('is kept where columns bind, and broken where a role reads beyond them', async () => {
    expect(await over(limited, limited)).toMatchObject({ outcome: 'kept' })
    const wide = { ...limited, member: ['heartbeats:read:tenant'] } as const
    const { outcome, summary } = await over(limited, wide as never)
    expect([outcome, summary]).toEqual(['broken', expect.stringContaining('a field outside its columns')])
  })
})

test('a probe leaves nothing of its tenants behind', async () => {
  const count = async (): Promise<number> => {
    const { rows } = await world.store.ungoverned<{ n: string }>(
      'select count(*) as n from app.tenant_members',
    )
    return Number(rows[0]!.n)
  }
  const before = await count()
  for (const id of ['access.custom-roles', 'access.ip-allow-list', 'access.review']) await measure(id)
  expect(await count()).toBe(before)
})

test('a configuration without the tables is told which line to write', () => {
  for (const id of ['access.custom-roles', 'access.ip-allow-list', 'access.review'])
    expect(catalogue.get(id)!.check({ ...config, resources: {} }, {})).toMatchObject([{ key: 'resources' }])
})

async function finishReview(founder: Principal, second: Principal): Promise<void> {
  await world.tenants.reviews.start(founder)
  const { items } = (await world.tenants.reviews.current(founder))!
  for (const item of items)
    await world.tenants.reviews.decide(item.personId === founder.id ? second : founder, item.id, 'keep')
}
