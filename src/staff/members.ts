import { createHash, randomBytes } from 'node:crypto'
import {
  readRegistration,
  type Passkey,
  type PasskeyAlgorithm,
  type PasskeyRegistration,
  type Staff,
  type StaffMember,
} from '../access/index.ts'
import type { StaffActed } from '../log/index.ts'
import { StaffError } from './errors.ts'
import type { StaffPorts } from './ports.ts'

const CODE_LASTS_MS = 24 * 3_600_000
const ENROL_LABEL = 'surety/staff-enrol/1\n'

/** Somebody who becomes a staff member. */
export interface NewMember {
  readonly personId: string
  readonly role: string
}

/** A new member's one-time code: given to them out of band, it registers their first passkey. */
export interface Enrolment {
  readonly personId: string
  readonly code: string
}

export interface Members {
  /** Everybody who is or was staff. */
  all(): Promise<Staff>
  /** Everybody with a passkey. */
  enrolled(): Promise<ReadonlySet<string>>
  /** The passkeys of one member. */
  passkeys(member: string): Promise<readonly Passkey[]>
  /**
   * Names the first members, once: for the console of who runs the system, never for a request.
   * @throws StaffError `ERR_STAFF_FOUNDED`, `ERR_STAFF_ROLE`
   */
  found(members: readonly NewMember[]): Promise<Enrolment[]>
  /** @throws StaffError `ERR_STAFF_ROLE`, `ERR_STAFF_STATE` for who is or was staff */
  appoint(by: string, member: NewMember): Promise<Enrolment>
  /** Ends a membership, and with it whatever rests on it: grants, approvals. @throws StaffError `ERR_STAFF_ROLE` */
  dismiss(by: string, member: string): Promise<void>
  /** What the browser's `navigator.credentials.create` signs over. */
  enrolmentChallenge(code: string): Uint8Array
  /** Registers the first passkey. @throws StaffError `ERR_STAFF_CODE`; AccessError `ERR_ACCESS_PASSKEY` */
  enrol(enrolment: Enrolment, registration: PasskeyRegistration): Promise<void>
}

export function createMembers(ports: StaffPorts): Members {
  const { data, audit, clock, config } = ports
  const all = (): Promise<Staff> => readStaff(ports)
  const act = (kind: StaffActed['kind'], actor: string, member: string, change: string): Promise<void> =>
    audit.record([{ kind, actor, member, change, grant: null, digest: null, tenant: null, subject: null }])
  const add = async (
    actor: string,
    appointedBy: string | null,
    { personId, role }: NewMember,
  ): Promise<Enrolment> => {
    if (!Object.hasOwn(config.roles, role))
      throw new StaffError('ERR_STAFF_ROLE', 'no such role of staff is declared')
    const code = randomBytes(24).toString('base64url')
    await act('staff.appointed', actor, personId, role)
    const codeUntil = new Date(clock.now() + CODE_LASTS_MS)
    await data('staff_members')
      .insertInto('staff_members')
      .values({ personId, role, appointedBy, active: true, code: hashOf(code), codeUntil })
      .execute()
    return { personId, code }
  }
  return {
    all,
    async enrolled() {
      const rows = await data('staff_credentials')
        .selectFrom('staff_credentials')
        .select('personId')
        .execute()
      return new Set(rows.map(({ personId }) => personId))
    },
    passkeys: (member) => readPasskeys(ports, member),
    async found(members) {
      if ((await all()).size > 0) throw new StaffError('ERR_STAFF_FOUNDED', 'somebody is staff already')
      const enrolments: Enrolment[] = []
      for (const member of members) enrolments.push(await add(member.personId, null, member))
      return enrolments
    },
    async appoint(by, member) {
      const staff = await all()
      requireAppointer(ports, staff, by, member.role)
      if (staff.has(member.personId)) throw new StaffError('ERR_STAFF_STATE', 'this person is or was staff')
      return add(by, by, member)
    },
    async dismiss(by, member) {
      const staff = await all()
      requireAppointer(ports, staff, by, staff.get(member)?.role ?? '')
      await act('staff.dismissed', by, member, staff.get(member)!.role)
      await data('staff_members')
        .updateTable('staff_members')
        .set({ active: false, code: null, codeUntil: null })
        .where('personId', '=', member)
        .execute()
    },
    enrolmentChallenge,
    enrol: ({ personId, code }, registration) =>
      data('staff_members', 'staff_credentials')
        .transaction()
        .execute(async (transaction) => {
          const member = await transaction
            .selectFrom('staff_members')
            .select(['active', 'code', 'codeUntil'])
            .where('personId', '=', personId)
            .forUpdate()
            .executeTakeFirst()
          const waits =
            member?.active === true && member.codeUntil !== null && member.codeUntil.getTime() > clock.now()
          if (!waits || member.code !== hashOf(code))
            throw new StaffError('ERR_STAFF_CODE', 'the enrolment code does not serve')
          const passkey = readRegistration(ports.passkeys, enrolmentChallenge(code), registration)
          await transaction
            .insertInto('staff_credentials')
            .values({ personId, ...passkey })
            .execute()
          await transaction
            .updateTable('staff_members')
            .set({ code: null, codeUntil: null })
            .where('personId', '=', personId)
            .execute()
          await act('staff.enrolled', personId, personId, 'passkey')
        }),
  }
}

async function readStaff({ data }: StaffPorts): Promise<Staff> {
  const rows = await data('staff_members')
    .selectFrom('staff_members')
    .select(['personId', 'role', 'appointedBy', 'active'])
    .execute()
  // Somebody who is staff twice is staff no more: nobody knows in which role.
  const twice = new Set(rows.map(({ personId }) => personId).filter((id, i, ids) => ids.indexOf(id) !== i))
  return new Map(
    rows.map(({ personId, active, ...row }): [string, StaffMember] => [
      personId,
      { id: personId, ...row, active: active && !twice.has(personId) },
    ]),
  )
}

async function readPasskeys({ data }: StaffPorts, member: string): Promise<Passkey[]> {
  const rows = await data('staff_credentials')
    .selectFrom('staff_credentials')
    .select(['credential', 'algorithm', 'publicKey'])
    .where('personId', '=', member)
    .execute()
  return rows.map(({ algorithm, ...row }) => ({ ...row, algorithm: algorithm as PasskeyAlgorithm }))
}

function requireAppointer({ config }: StaffPorts, staff: Staff, by: string, role: string): void {
  const member = staff.get(by)
  const may = member?.active === true && (config.roles[member.role]?.appoints ?? []).includes(role)
  if (!may) throw new StaffError('ERR_STAFF_ROLE', 'this staff member does not appoint to that role')
}

function enrolmentChallenge(code: string): Uint8Array {
  return createHash('sha256').update(`${ENROL_LABEL}${code}`).digest()
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex')
}
