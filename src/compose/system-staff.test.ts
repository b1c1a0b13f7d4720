import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Kysely } from 'kysely'
import { grantDigest, systemPrincipal, type Principal } from '../access/index.ts'
import { createSoftAuthenticator } from '../access/testing/soft-authenticator.ts'
import { silentLogger } from '../database/index.ts'
import type { ResourceMap, SuretyConfig } from '../declare/index.ts'
import { accountResources, accountStore, createAccounts, type Accounts } from '../identity/index.ts'
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
import { endingGrants, openSystemStaff, watchStrangers, type SystemStaff } from './system-staff.ts'

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
    folder: { staff: world.marksFolder },
  })!
})
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
    expect(measured).toMatchObject({ outcome: 'kept', values: { reached: 0, activeStaff: 5, founders: 3 } })
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

  test.each(['overdueReviews', 'unjustified', 'lost'])('is broken by one of %s', async (name) => {
    const standing = async () => ({ ...(await system.view.standing()), [name]: 1 })
    expect(await probe('staff.access-controlled', { view: { standing } })).toMatchObject({
      outcome: 'broken',
    })
  })

  test('is broken by glass that was broken without need, until what followed is written down', async () => {
    const { staff, engineer, first, asking } = world
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(await world.person()))
    const signed = engineer.authenticator.get(grantDigest(grant))
    const { id } = await staff.grants.breakGlass(engineer.id, grant, signed)
    const outcome = async () => (await probe('staff.access-controlled')).outcome
    expect(await outcome()).toBe('kept')
    const review = first.authenticator.get(await staff.grants.reviewChallenge(id, 'unjustified'))
    await staff.grants.review(first.id, id, 'unjustified', 'it could have waited', review)
    expect(await outcome()).toBe('broken')
    const words = 'It was talked through with the engineer.'
    const settled = first.authenticator.get(await staff.grants.acknowledgeChallenge(id, words))
    await staff.grants.acknowledge(first.id, id, words, settled)
    expect(await outcome()).toBe('kept')
  })

  test('is broken by glass that nobody reviewed in time', async () => {
    const { staff, engineer, asking, store: tables } = world
    const grant = await staff.grants.prepareBreakGlass(engineer.id, asking(await world.person()))
    const signed = engineer.authenticator.get(grantDigest(grant))
    const { id } = await staff.grants.breakGlass(engineer.id, grant, signed)
    tables.clock.advance(DAY_MS)
    expect(await probe('staff.access-controlled')).toMatchObject({
      outcome: 'broken',
      values: { overdueReviews: 1 },
    })
    const review = world.third.authenticator.get(await staff.grants.reviewChallenge(id, 'justified'))
    await staff.grants.review(world.third.id, id, 'justified', 'late', review)
    expect(await probe('staff.access-controlled')).toMatchObject({ outcome: 'kept' })
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

  test('is broken where a record was taken from what the person is shown', async () => {
    const person = await world.person()
    const id = await world.approved(world.supporter, world.asking(person))
    const db = await world.operator(world.supporter, id)
    await db.selectFrom('heartbeats').select('id').execute()
    expect(await probe('staff.access-logged')).toMatchObject({ outcome: 'kept', values: { realAccesses: 1 } })
    const { ungoverned } = world.store
    const { rows } = await ungoverned('delete from app.staff_accesses where "personId" = $1 returning *', [
      person.id,
    ])
    expect(rows).toHaveLength(1)
    expect(await probe('staff.access-logged')).toMatchObject({
      outcome: 'broken',
      values: { missingFromView: 1 },
    })
    for (const days of [1, 99]) {
      world.store.clock.advance(days * DAY_MS)
      expect(await probe('staff.access-logged')).toMatchObject({
        outcome: 'broken',
        values: { missingFromView: 1, wholeLogRead: true },
      })
    }
    await ungoverned(
      'update surety.data_keys set wrapped = null, erased_at = created_at where subject = $1',
      [person.id],
    )
    expect(await probe('staff.access-logged')).toMatchObject({ outcome: 'kept' })
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
    await expect.poll(noticed).toMatchObject([{ role: 'surety_owner', program: 'psql' }])
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

describe('where the library signs staff in', () => {
  let own: TestStaff
  let signed: SystemStaff
  let accounts: Accounts
  beforeAll(async () => {
    own = await openTestStaff(staffConfig, site, accountResources)
    const { audit } = own
    const { database, keys, clock } = own.store
    const all = { ...resources, ...accountResources }
    const base = { pool: database.app, keys, clock, logger: silentLogger, trail: createAuditTrail(audit) }
    const options = { ...base, resources: all, roles: { ...testRoles } }
    const governed = createStore(options)
    accounts = createAccounts({ store: accountStore((who) => governed.as(who), systemPrincipal), clock })
    const signedIn = { ...config, resources: all, signIn: {}, staff: staffConfig }
    signed = openSystemStaff({
      ...{ config: signedIn, store: options, database, audit, url: () => site.origins[0]!, clock },
      ...{ logger: silentLogger, mode: 'tool', folder: { staff: own.marksFolder } },
    })!
  })
  afterAll(async () => {
    await signed?.close()
    await own?.close()
  })

  test('nobody is staff without an account that is on, and who is switched off loses their grants for good', async () => {
    const { supporter, first, second } = own
    expect(await signed.room.roleOf(supporter.id)).toBe(null)
    for (const { id } of [supporter, first, second])
      await accounts.add({ personId: id, email: `${id}@example.com`, emailVerified: true, name: 'A member' })
    expect(await signed.room.roleOf(supporter.id)).not.toBe(null)
    const id = await own.approved(supporter, own.asking(await own.person()))
    const check = async () => signed.room.gate.check(await signed.room.principal(supporter.id, id))
    expect(await check()).toMatchObject({ id })
    const refusal = (code: string) => ({ code })
    await accounts.setEnabled(first.id, false)
    await expect(check()).rejects.toMatchObject(refusal('ERR_ACCESS_STAFF'))
    await accounts.setEnabled(first.id, true)
    expect(await check()).toMatchObject({ id })
    const ending = endingGrants(accounts, signed.room)
    await ending.setEnabled(supporter.id, false)
    await expect(check()).rejects.toMatchObject(refusal('ERR_STAFF_STATE'))
    await ending.setEnabled(supporter.id, true)
    await expect(check()).rejects.toMatchObject(refusal('ERR_STAFF_STATE'))
    const next = await own.approved(supporter, own.asking(await own.person()))
    await ending.remove(supporter.id)
    expect((await signed.room.grants.read(next)).state).toBe('ended')
  })
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
