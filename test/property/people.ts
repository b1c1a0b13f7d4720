import { systemPrincipal, type Principal } from '../../src/access/index.ts'
import { TABLES, type Row, type Table } from './query.ts'

export type Reach = 'none' | 'own' | 'tenant' | 'any'
export type Verb = 'read' | 'write' | 'delete'
export type Reaches = Readonly<Record<Verb, Reach>>
export type May = Readonly<Record<Table, Reaches>>

/** Who asks, and what the reference says that they may: written by hand, beside `ROLES` for the store. */
export interface Asker {
  readonly name: string
  readonly principal: Principal
  readonly may: May
}

/** The store's side of the same permissions. */
export const ROLES = {
  member: ['heartbeats:*:own', 'people:*:own', 'notes:read:tenant', 'rates:read:any'],
  administrator: [
    'heartbeats:*:tenant',
    'people:*:tenant',
    'teams:*:tenant',
    'notes:*:tenant',
    'rates:read:any',
  ],
  mentor: ['heartbeats:read:tenant', 'heartbeats:write:own', 'heartbeats:delete:own', 'teams:read:tenant'],
  reader: ['heartbeats:read:own', 'notes:read:tenant'],
  depositor: ['heartbeats:write:own', 'notes:write:tenant'],
  treasurer: ['rates:*:any', 'teams:read:tenant'],
  anonymous: ['rates:read:any'],
} as const

const NONE: Reaches = { read: 'none', write: 'none', delete: 'none' }
const all = (reach: Reach): Reaches => ({ read: reach, write: reach, delete: reach })
const reading = (reach: Reach): Reaches => ({ ...NONE, read: reach })
const may = (some: Partial<May>): May => ({
  heartbeats: NONE,
  people: NONE,
  teams: NONE,
  notes: NONE,
  rates: NONE,
  ...some,
})

const MEMBER = may({
  heartbeats: all('own'),
  people: all('own'),
  notes: reading('tenant'),
  rates: reading('any'),
})
const ADMINISTRATOR = may({
  heartbeats: all('tenant'),
  // Where a resource declares no tenant, a person is their own.
  people: all('own'),
  teams: all('tenant'),
  notes: all('tenant'),
  rates: reading('any'),
})
const MENTOR = may({
  heartbeats: { read: 'tenant', write: 'own', delete: 'own' },
  teams: reading('tenant'),
})
const DEPOSITOR = may({
  heartbeats: { ...NONE, write: 'own' },
  notes: { ...NONE, write: 'tenant' },
})
const ANONYMOUS = may({ rates: reading('any') })

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
export const TENANTS = { red: uuid(1), blue: uuid(2) }
/** Ada is in both tenants, with rows in each. */
export const PERSONS = {
  ada: uuid(11),
  bob: uuid(12),
  cleo: uuid(13),
  dora: uuid(14),
  egon: uuid(15),
  finn: uuid(16),
  gina: uuid(17),
}

const user = (id: string, tenant: string | null, ...roles: string[]): Principal => {
  return { kind: 'user', id, tenant, roles }
}
const { red, blue } = TENANTS
const P = PERSONS

/** Everybody who asks; those with more to lose come more than once. */
export const ASKERS: readonly Asker[] = [
  { name: 'member of red', principal: user(P.ada, red, 'member'), may: MEMBER },
  { name: 'the same person in blue', principal: user(P.ada, blue, 'member'), may: MEMBER },
  { name: 'another member of red', principal: user(P.bob, red, 'member'), may: MEMBER },
  { name: 'member of blue', principal: user(P.finn, blue, 'member'), may: MEMBER },
  { name: 'administrator of red', principal: user(P.cleo, red, 'administrator'), may: ADMINISTRATOR },
  { name: 'administrator of blue', principal: user(P.gina, blue, 'administrator'), may: ADMINISTRATOR },
  { name: 'mentor', principal: user(P.dora, red, 'mentor'), may: MENTOR },
  {
    name: 'member and mentor',
    principal: user(P.bob, red, 'member', 'mentor'),
    may: { ...MEMBER, heartbeats: MENTOR.heartbeats, teams: MENTOR.teams },
  },
  {
    name: 'reader',
    principal: user(P.egon, red, 'reader'),
    may: may({ heartbeats: reading('own'), notes: reading('tenant') }),
  },
  { name: 'depositor', principal: user(P.egon, red, 'depositor'), may: DEPOSITOR },
  {
    name: 'treasurer',
    principal: user(P.dora, red, 'treasurer'),
    may: may({ rates: all('any'), teams: reading('tenant') }),
  },
  {
    name: 'administrator without a tenant',
    principal: user(P.cleo, null, 'administrator'),
    may: may({ people: all('own'), rates: reading('any') }),
  },
  {
    name: 'nobody who claims to be an administrator',
    principal: { kind: 'anonymous', id: P.cleo, tenant: red, roles: ['administrator'] },
    may: ANONYMOUS,
  },
  {
    name: 'operator without a grant',
    principal: { kind: 'operator', id: P.cleo, tenant: red, roles: ['administrator'] },
    may: may({}),
  },
  {
    name: 'task on every table',
    principal: systemPrincipal('property suite', TABLES),
    may: may(Object.fromEntries(TABLES.map((table) => [table, all('any')]))),
  },
  {
    name: 'task on two tables',
    principal: systemPrincipal('property suite', ['notes', 'rates']),
    may: may({ notes: all('any'), rates: all('any') }),
  },
]

export const OWNERS: Readonly<
  Record<Table, { readonly tenant: string | null; readonly person: string | null }>
> = {
  heartbeats: { tenant: 'teamId', person: 'personId' },
  people: { tenant: null, person: 'personId' },
  teams: { tenant: 'teamId', person: null },
  notes: { tenant: 'teamId', person: null },
  rates: { tenant: null, person: null },
}

/** True for a row that lies within the reach of who asks. */
export function isWithin({ principal }: Asker, table: Table, row: Row, reach: Reach): boolean {
  if (reach === 'none' || reach === 'any') return reach === 'any'
  const { tenant, person } = OWNERS[table]
  const inTenant = tenant === null || row[tenant] === principal.tenant
  const isOwn = person !== null && row[person] === principal.id
  return inTenant && (isOwn || (reach === 'tenant' && tenant !== null))
}
