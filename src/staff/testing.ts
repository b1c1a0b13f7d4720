import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { systemPrincipal, type PasskeyAlgorithm, type Principal, type RelyingParty } from '../access/index.ts'
import { createSoftAuthenticator, type SoftAuthenticator } from '../access/testing/soft-authenticator.ts'
import { databaseMigrations, inTransaction, migrateSystem, silentLogger } from '../database/index.ts'
import type { ResourceMap, StaffConfig } from '../declare/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { keysMigrations, openFileProvider } from '../keys/index.ts'
import { logMigrations, openAuditLog, openLogSigner, type AuditEntry, type AuditLog } from '../log/index.ts'
import type { AuditTrail } from '../store/index.ts'
import {
  openStoreOver,
  testResources,
  testRoles,
  user,
  type TestStore,
  type TestTables,
} from '../store/testing.ts'
import {
  createMarks,
  createStaff,
  staffResources,
  type BrokenGlass,
  type CountGroups,
  type GrantRequest,
  type StaffPorts,
  type StaffRoom,
  type StaffTables,
} from './index.ts'

export const staffConfig: StaffConfig = {
  roles: {
    support: {
      reads: ['heartbeats', 'people', 'teams'],
      kinds: ['support', 'impersonation'],
      counts: ['languages'],
    },
    engineer: { reads: ['heartbeats'], changes: ['heartbeats'], kinds: ['support', 'break-glass'] },
    lead: {
      reads: ['heartbeats'],
      approves: ['support', 'engineer', 'lead'],
      reviews: true,
      appoints: ['support', 'engineer', 'lead'],
    },
  },
  queries: { languages: { resource: 'heartbeats', groupBy: ['language'], purpose: 'to plan editors' } },
  leastGroup: 5,
  dailyQueries: 3,
}

/** The data map of a test’s staff room. */
export const resources = { ...testResources, ...staffResources }
export const site = { id: 'codetime.example', origins: ['https://codetime.example'] }

/** A staff member with a passkey. */
export interface TestMember {
  readonly id: string
  readonly authenticator: SoftAuthenticator
}

export interface TestStaff {
  readonly store: TestStore<typeof resources>
  readonly audit: AuditLog
  readonly staff: StaffRoom
  readonly ports: StaffPorts
  readonly marksFolder: string
  readonly alarms: BrokenGlass[]
  /** Members whose accounts are switched off. */
  readonly disabled: Set<string>
  /** Three leads who founded it, and a supporter and an engineer whom the second appointed. */
  readonly first: TestMember
  readonly second: TestMember
  readonly third: TestMember
  readonly supporter: TestMember
  readonly engineer: TestMember
  enrol(enrolment: { personId: string; code: string }, algorithm?: PasskeyAlgorithm): Promise<TestMember>
  /** Governed tables of an operator with that grant. */
  operator(member: TestMember, grant: string): Promise<Kysely<TestTables & StaffTables>>
  /** A person with one heartbeat. */
  person(): Promise<Principal>
  /** What that member would ask for, about that person. */
  asking(person: Principal, changes?: Partial<GrantRequest>): GrantRequest
  /** Asks and approves. */
  approved(member: TestMember, asked: GrantRequest): Promise<string>
  entries(): Promise<AuditEntry[]>
  close(): Promise<void>
}

/** A staff room over a real store, a real audit log and passkeys in software. */
export async function openTestStaff(
  config: StaffConfig = staffConfig,
  passkeys: RelyingParty = site,
  more: ResourceMap = {},
): Promise<TestStaff> {
  const store = await openStoreOver({ ...resources, ...more } as typeof resources, { ...testRoles })
  const folder = await mkdtemp(join(tmpdir(), 'surety-staff-'))
  const audit = await openTestAudit(store, folder)
  const trail = trailOf(audit)
  const { options } = store.database.app
  const pool = new pg.Pool({ ...options, password: options.password!, max: 4 })
  const own = store.reopen({ pool, trail })
  const alarms: BrokenGlass[] = []
  const disabled = new Set<string>()
  const marksFolder = join(folder, 'marks')
  const ports: StaffPorts = {
    ...{ config, resources, passkeys, audit, clock: store.clock, logger: silentLogger },
    data: (...tables) => own.as(systemPrincipal('staff', tables)).db as unknown as Kysely<StaffTables>,
    count: (resource, groupBy, least) => countPeople(store, resource, groupBy, least),
    marks: createMarks(marksFolder),
    enabled: async (people) => new Set(people.filter((person) => !disabled.has(person))),
    alarm: (alarm) => alarms.push(alarm),
  }
  const staff = createStaff(ports)
  const members = await enrolMembers(staff, passkeys)
  const governed = store.reopen({ trail, operators: staff.gate })
  return {
    ...{ store, audit, staff, ports, marksFolder, alarms, disabled, ...members, asking },
    async operator(member, grant) {
      const operator = await staff.principal(member.id, grant)
      return governed.as(operator).db as unknown as Kysely<TestTables & StaffTables>
    },
    person: () => insertPerson(store),
    async approved(member, asked) {
      const { id } = await staff.grants.request(member.id, asked)
      const challenge = await staff.grants.challenge(id)
      await staff.grants.approve(members.first.id, id, members.first.authenticator.get(challenge))
      return id
    },
    entries: () => readEntries(audit),
    async close() {
      await audit.close()
      await pool.end()
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type StaffStore = TestStaff['store']

async function openTestAudit({ database, clock }: StaffStore, folder: string): Promise<AuditLog> {
  await migrateSystem(database.owner, [databaseMigrations, keysMigrations, logMigrations], clock)
  const outside = [database.databaseDir!]
  const provider = await openFileProvider({ folder: join(folder, 'keys'), outside, clock })
  const origin = `${site.id}/audit`
  return openAuditLog({
    ...{ origin, folder: join(folder, 'log'), provider, clock, logger: silentLogger },
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer: await openLogSigner(join(folder, 'signing-key.json'), origin) },
  })
}

function trailOf(audit: AuditLog): AuditTrail {
  return {
    statement: (changes) =>
      audit.statement(
        changes.map(({ actor, rows, ...change }) =>
          toEvent(actor, change, rows?.map(({ id }) => id) ?? null),
        ),
      ),
    committed: () => audit.wake(),
    refused: () => undefined,
  }
}

async function countPeople(
  { ungoverned }: StaffStore,
  resource: string,
  groupBy: readonly string[],
  least: number,
): Promise<CountGroups> {
  const columns = groupBy.map((name) => `"${name}"`).join()
  const { rows } = await ungoverned<{ people: number }>(
    `select ${columns}, count(distinct "personId") as people from app."${resource}"
      group by ${columns} having count(distinct "personId") >= $1`,
    [least],
  )
  return rows
}

async function enrolMembers(staff: StaffRoom, passkeys: RelyingParty) {
  const { members } = staff
  const enrol: TestStaff['enrol'] = async ({ personId, code }, algorithm) => {
    const authenticator = createSoftAuthenticator(passkeys, algorithm)
    await members.enrol({ personId, code }, authenticator.create(members.enrolmentChallenge(code)))
    return { id: personId, authenticator }
  }
  const founders = [0, 1, 2].map(() => ({ personId: createPseudonym(), role: 'lead' }))
  const [one, two, three] = await members.found(founders)
  const [first, second, third] = [await enrol(one!), await enrol(two!, -8), await enrol(three!)]
  const appoint = async (role: string): Promise<TestMember> =>
    enrol(await members.appoint(second.id, { personId: createPseudonym(), role }))
  const [supporter, engineer] = [await appoint('support'), await appoint('engineer')]
  return { enrol, first, second, third, supporter, engineer }
}

function asking({ id, tenant }: Principal, changes?: Partial<GrantRequest>): GrantRequest {
  const why = { purpose: 'the person asked why a day is empty', ticket: 'CASE-7' }
  return { ...why, scope: { tenant, subject: id }, resources: { heartbeats: null }, ...changes }
}

async function insertPerson({ store }: StaffStore): Promise<Principal> {
  const person = user(createPseudonym())
  const row = {
    ...{ personId: person.id, teamId: person.tenant!, entity: '/home/ada/secret.ts', project: 'apollo' },
    ...{ language: 'TypeScript', time: new Date(Date.UTC(2026, 9, 31)), seconds: 60 },
  }
  await store.as(person).db.insertInto('heartbeats').values(row).execute()
  return person
}

async function readEntries(audit: AuditLog): Promise<AuditEntry[]> {
  await audit.flush()
  const found: AuditEntry[] = []
  for await (const { entry } of audit.entries(0)) found.push(entry)
  return found
}

function toEvent(
  { kind, id, tenant, roles }: Principal,
  change: {
    action: 'insert' | 'update' | 'delete'
    resource: string
    columns: readonly string[]
    count: number
  },
  rows: readonly string[] | null,
) {
  const { action, ...about } = change
  const owner = { tenant: null, subject: null, rows }
  return { kind: `data.${action}` as const, actor: { kind, id, tenant, roles }, ...about, ...owner }
}
