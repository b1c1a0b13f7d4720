import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Kysely } from 'kysely'
import { systemPrincipal, type Principal } from '../access/index.ts'
import { createSoftAuthenticator } from '../access/testing/soft-authenticator.ts'
import { silentLogger } from '../database/index.ts'
import type { ResourceMap, SuretyConfig } from '../declare/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import {
  catalogue,
  type AnyTables,
  type Measurement,
  type ProbeContext,
  type StaffView,
} from '../promises/index.ts'
import { openTestStaff, resources, site, staffConfig, type TestStaff } from '../staff/testing.ts'
import { createStore, type StoreOptions } from '../store/index.ts'
import { testRoles } from '../store/testing.ts'
import { createAuditTrail } from './audit-trail.ts'
import { openSystemStaff, watchStrangers, type SystemStaff } from './system-staff.ts'

const DAY_MS = 86_400_000
let world: TestStaff
let system: SystemStaff
let config: SuretyConfig
let store: StoreOptions<ResourceMap>

beforeAll(async () => {
  world = await openTestStaff()
  const { audit } = world
  const { database, keys, clock } = world.store
  const privileged = {
    reviewed: '2026-10-01',
    holdings: (['database', 'host', 'deploy', 'keys'] as const).map((right) => ({
      ...{ right, holder: 'head of platform', until: '2027-06-30' },
    })),
  }
  config = {
    ...{ name: 'Notes', origin: site.id, page: 'security.md', resources, roles: { ...testRoles } },
    staff: { ...staffConfig, privileged },
  }
  const base = { pool: database.app, keys, clock, logger: silentLogger, trail: createAuditTrail(audit) }
  store = { ...base, resources, roles: { ...testRoles } }
  const url = () => site.origins[0]!
  system = openSystemStaff({
    config,
    store,
    database,
    audit,
    url,
    clock,
    logger: silentLogger,
    mode: 'tool',
  })!
}, 60_000)
afterAll(async () => {
  await system?.close()
  await world?.close()
})

interface Changes {
  readonly view?: Partial<StaffView>
  readonly as?: (principal: Principal) => Kysely<AnyTables>
  readonly staff?: SuretyConfig['staff']
  readonly audit?: Partial<ProbeContext['audit']>
}

/** What these probes use of a context, all of it real but for what a test takes away. */
function probe(id: string, changes: Changes = {}): Promise<Measurement> {
  const governed = createStore({ ...store, operators: system.room.gate })
  const context: Partial<ProbeContext> = {
    config: { ...config, ...(changes.staff && { staff: changes.staff }) },
    clock: world.store.clock,
    staff: { ...system.view, ...changes.view },
    audit: { ...(world.audit as unknown as ProbeContext['audit']), ...changes.audit },
    as: changes.as ?? ((principal) => governed.as(principal).db as unknown as Kysely<AnyTables>),
    system: systemPrincipal,
    progress: () => undefined,
  }
  const definition = catalogue.get(id)!
  return definition.probe(context as ProbeContext, definition.parameters.parse({}))
}

describe('staff.access-controlled', () => {
  test('is kept where an operator without a grant is refused everywhere', async () => {
    const measured = await probe('staff.access-controlled')
    expect(measured).toMatchObject({ outcome: 'kept', values: { reached: 0, activeStaff: 4 } })
    expect(measured.values['trials']).toBe(2 * Object.keys(resources).length)
  })

  test('is broken where the store serves operators as if they were system tasks', async () => {
    const everything = createStore(store).as(systemPrincipal('an open door', Object.keys(resources))).db
    const as = () => everything as unknown as Kysely<AnyTables>
    expect(await probe('staff.access-controlled', { as })).toMatchObject({ outcome: 'broken' })
  })

  test('is unproven with fewer than three active members, and says why', async () => {
    const standing = async () => ({ ...(await system.view.standing()), active: 2, enough: false })
    const measured = await probe('staff.access-controlled', { view: { standing } })
    expect(measured).toMatchObject({
      outcome: 'undecided',
      summary: expect.stringContaining('fewer than three'),
    })
  })

  test('is broken by a review that is overdue', async () => {
    const standing = async () => ({ ...(await system.view.standing()), overdueReviews: 1 })
    expect(await probe('staff.access-controlled', { view: { standing } })).toMatchObject({
      outcome: 'broken',
    })
  })
})

describe('staff.access-logged', () => {
  const strangers = async () => []
  test('is kept where an access is logged and shown before its row comes', async () => {
    expect(await probe('staff.access-logged')).toMatchObject({
      outcome: 'kept',
      values: { rowsRead: 1, logged: true, shown: true, releasedWithoutRecord: 0, directSessions: 0 },
    })
  })

  test('is broken where rows come though the record failed', async () => {
    const rehearse: StaffView['rehearse'] = (one) => system.view.rehearse({ ...one, recorded: true })
    expect(await probe('staff.access-logged', { view: { rehearse, strangers } })).toMatchObject({
      outcome: 'broken',
    })
  })

  test('is broken where the access is not in the log, or not shown to the person', async () => {
    async function* nothing() {}
    const audit = { entries: () => nothing() }
    expect(await probe('staff.access-logged', { audit })).toMatchObject({
      outcome: 'broken',
      values: { logged: false },
    })
    const shownTo = async () => []
    expect(await probe('staff.access-logged', { view: { shownTo } })).toMatchObject({
      outcome: 'broken',
      values: { shown: false },
    })
  })

  test('is broken while somebody is at the database directly, which is recorded once', async () => {
    const { database } = world.store
    const { options } = database.owner
    const shell = new pg.Client({ ...options, password: options.password!, application_name: 'psql' })
    await shell.connect()
    expect(await probe('staff.access-logged')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('a session of surety_owner'),
    })
    const watch = watchStrangers({
      ...world,
      config,
      database,
      clock: world.store.clock,
      logger: silentLogger,
    })
    const noticed = async () =>
      (await world.entries()).filter(({ kind }) => kind === 'database.session-noticed')
    await expect.poll(noticed, { timeout: 5_000 }).toMatchObject([{ role: 'surety_owner', program: 'psql' }])
    await watch.close()
    await shell.end()
  })

  test('leaves nothing of its own behind', async () => {
    const { rows } = await world.store.ungoverned<{ n: number }>(
      'select count(*) as n from app.staff_accesses',
    )
    expect(rows[0]!.n).toBe(0)
  })
})

describe('staff.privileged', () => {
  const register = () => config.staff!.privileged!
  test('is kept by a register gone through in time, whose holders have a last day ahead', async () => {
    expect(await probe('staff.privileged')).toMatchObject({ outcome: 'kept', values: { holders: 4 } })
  })

  const WRONG: [string, () => object][] = [
    [
      'a holding beyond its last day',
      () => ({ holdings: register().holdings.map((one) => ({ ...one, until: '2026-10-31' })) }),
    ],
    ['a right without a holder', () => ({ holdings: register().holdings.slice(1) })],
    ['a review two years old', () => ({ reviewed: '2024-10-01' })],
    ['a review in the future', () => ({ reviewed: '2027-10-01' })],
  ]
  test.each(WRONG)('is broken by %s', async (_what, change) => {
    const staff = { ...config.staff!, privileged: { ...register(), ...change() } }
    expect(await probe('staff.privileged', { staff })).toMatchObject({ outcome: 'broken' })
  })
})

test('a promise about staff asks for staff in the configuration', () => {
  const { staff: _, ...without } = config
  for (const id of ['staff.access-controlled', 'staff.access-logged', 'staff.privileged']) {
    const definition = catalogue.get(id)!
    expect(definition.check(without as SuretyConfig, definition.parameters.parse({})).length).toBeGreaterThan(
      0,
    )
    expect(definition.check(config, definition.parameters.parse({}))).toEqual([])
  }
})

describe('the room of a system', () => {
  let person: Principal
  beforeEach(async () => {
    person = await world.person()
  })

  test('counts through the governed store, and leaves out small groups', async () => {
    const { second } = world
    const { room } = system
    const enrolment = await room.members.appoint(second.id, { personId: createPseudonym(), role: 'support' })
    const authenticator = createSoftAuthenticator(site)
    await room.members.enrol(enrolment, authenticator.create(room.members.enrolmentChallenge(enrolment.code)))
    for (let i = 0; i < 4; i++) await world.person()
    const lonely = await world.person()
    await world.store.store.as(lonely).db.updateTable('heartbeats').set({ language: 'Cobol' }).execute()
    const groups = await room.count(enrolment.personId, 'languages')
    expect(groups.map(({ language }) => language)).toEqual(['TypeScript'])
    expect(groups[0]!.people).toBeGreaterThanOrEqual(5)
  })

  test('serves an operator through the store once the grant is signed', async () => {
    const id = await world.approved(world.supporter, world.asking(person))
    const governed = createStore({ ...store, operators: system.room.gate })
    const { db } = governed.as(await system.room.principal(world.supporter.id, id))
    const rows = await (db as unknown as Kysely<AnyTables>)
      .selectFrom('heartbeats')
      .select('entity')
      .execute()
    expect(rows).toEqual([{ entity: '/home/ada/secret.ts' }])
    world.store.clock.advance(DAY_MS)
    const late = (db as unknown as Kysely<AnyTables>).selectFrom('heartbeats').select('entity').execute()
    await expect(late).rejects.toMatchObject({ code: 'ERR_ACCESS_GRANT_TIME' })
  })
})
