import {
  foundersOf,
  LEAST_STAFF,
  MOST_GRANT_MS,
  type EffectiveGrant,
  type Principal,
  type RelyingParty,
} from '../access/index.ts'
import type { StaffRole } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import type { OperatorGate } from '../store/index.ts'
import { createAccesses, type Accesses } from './accesses.ts'
import { runCount } from './counts.ts'
import { StaffError } from './errors.ts'
import { exportRows, type StaffExport } from './exports.ts'
import { glassCases, type GlassCase } from './glass.ts'
import { GrantBook } from './grant-book.ts'
import type { Grants } from './grants.ts'
import { requireInForce } from './in-force.ts'
import { MemberBook, type Members } from './members.ts'
import type { CountGroups, StaffPorts } from './ports.ts'
import { createReplacements, type Replacements } from './replacement.ts'
import { staffResources } from './resources.ts'

/** How staff access stands, over all real grants. */
export interface StaffStanding {
  /** Active members with a passkey: who has none decides nothing. */
  readonly active: number
  /** Founders to whom they go back: of one alone nobody is independent of anybody. */
  readonly founders: number
  /** False: fewer than three members, of whom one asks and another approves and nobody is left to review, or one founder. */
  readonly enough: boolean
  readonly open: number
  /** Open grants in time whose approval does not hold: the store refuses them. */
  readonly unverified: number
  /** Break-glass grants whose review is due and was not made. */
  readonly overdueReviews: number
  /** Break-glass grants that were not justified, of which nobody has written down what followed. */
  readonly unjustified: number
  /** Break-glass grants whose rows are gone, or do not open: somebody has changed the database directly. */
  readonly lost: number
  /** Each break-glass grant that is not settled, the one whose review is due first at the head. */
  readonly glass: readonly GlassCase[]
}

/** Staff, their grants, and the record of what they saw. */
export interface StaffRoom {
  readonly members: Members
  readonly grants: Grants
  readonly accesses: Accesses
  readonly replacements: Replacements
  /** What a role may ask for and decide; null for no role of staff. */
  roleOf(member: string): Promise<StaffRole | null>
  /** The site that passkeys are bound to. */
  readonly passkeys: RelyingParty
  /** For the store: what an operator's grant opens now, and the record of each access. */
  readonly gate: OperatorGate
  /** An operator using one grant; the store looks at it anew with each statement. */
  principal(member: string, grant: string): Promise<Principal>
  /** Declared counts over everybody. @throws StaffError `ERR_STAFF_QUERY`, `ERR_STAFF_BUDGET` */
  count(by: string, query: string): Promise<CountGroups>
  /** Marks rows that an operator takes along, and counts the export. */
  export(operator: Principal, rows: readonly Readonly<Record<string, unknown>>[]): Promise<StaffExport>
  /** What a banner over an impersonated session says; null for any other principal. */
  impersonation(operator: Principal): Promise<EffectiveGrant | null>
  standing(): Promise<StaffStanding>
}

/** @throws StaffError `ERR_STAFF_CONFIG` where the data map lacks staff's tables */
export function createStaff(ports: StaffPorts): StaffRoom {
  const missing = Object.keys(staffResources).filter((name) => !Object.hasOwn(ports.resources, name))
  if (missing.length > 0) throw new StaffError('ERR_STAFF_CONFIG', `the resources lack ${missing.join(', ')}`)
  const members = new MemberBook(ports)
  const grants = new GrantBook(ports, members)
  const accesses = createAccesses(ports)
  const check = async ({ kind, id, grant }: Principal): Promise<EffectiveGrant> => {
    if (kind !== 'operator' || grant === undefined)
      throw new StaffError('ERR_STAFF_GRANT', 'an operator names a grant')
    const record = await grants.read(grant)
    if (record.grant.requester !== id) throw new StaffError('ERR_STAFF_GRANT', 'the grant is another’s')
    return requireInForce(ports, members, record)
  }
  return {
    members,
    grants,
    accesses,
    replacements: createReplacements(ports, members, grants),
    async roleOf(member) {
      const { role, active } = (await members.all()).get(member) ?? {}
      return active && role && Object.hasOwn(ports.config.roles, role) ? ports.config.roles[role]! : null
    },
    get passkeys() {
      return ports.passkeys
    },
    gate: { check, record: (access) => accesses.record(access) },
    async principal(member, grant) {
      const { role } = (await members.all()).get(member) ?? {}
      return Object.freeze({ kind: 'operator', id: member, tenant: null, roles: role ? [role] : [], grant })
    },
    count: (by, query) => runCount(ports, members, by, query),
    export: async (operator, rows) => exportRows(ports, await check(operator), rows),
    async impersonation(operator) {
      const grant = await check(operator)
      return grant.kind === 'impersonation' ? grant : null
    },
    standing: () => readStanding(ports, members, grants),
  }
}

async function readStanding(ports: StaffPorts, members: Members, grants: Grants): Promise<StaffStanding> {
  const now = ports.clock.now()
  const staff = await members.all()
  const enrolled = await members.enrolled()
  const { roles } = ports.config
  const able = [...staff.values()].filter(
    (one) => one.active && Object.hasOwn(roles, one.role) && enrolled.has(one.id),
  )
  const founders = foundersOf(able, staff).size
  const records = await grants.list({ since: now - LONGEST_MS })
  const open = records.filter(
    ({ state, grant }) => state === 'open' && grant.from <= now && now < grant.until,
  )
  let unverified = 0
  for (const record of open) {
    const holds = await requireInForce(ports, members, record).then(() => true, refused)
    if (!holds) unverified += 1
  }
  const glass = await glassCases(ports)
  const count = (wanted: GlassCase['state']): number => glass.filter(({ state }) => state === wanted).length
  return {
    active: able.length,
    founders,
    enough: able.length >= LEAST_STAFF && founders > 1,
    open: open.length,
    unverified,
    overdueReviews: count('overdue'),
    unjustified: count('unjustified'),
    lost: count('lost'),
    glass,
  }
}

/** Nothing older is open still: a grant lasts 8 hours, and begins within minutes of being asked for. */
const LONGEST_MS = MOST_GRANT_MS + 3_600_000

function refused(error: unknown): boolean {
  if (error instanceof SuretyError && /^ERR_(STAFF|ACCESS)_/.test(error.code)) return false
  throw error
}
