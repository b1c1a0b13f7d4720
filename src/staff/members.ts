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
import { digestOfId, lockStaff, readStaff } from './staff-list.ts'

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
  /**
   * Makes somebody staff, or gives a member who has no passkey yet another code, which ends the first.
   * @throws StaffError `ERR_STAFF_ROLE`, `ERR_STAFF_STATE` for who is or was staff
   */
  appoint(by: string, member: NewMember): Promise<Enrolment>
  /**
   * A new one-time code for a member, in place of one that was not used: for another device, or a lost one.
   * Nobody gives it to themselves: with a stolen session alone nobody gets a passkey.
   *
   * @throws StaffError `ERR_STAFF_ROLE`, `ERR_STAFF_STATE` for who is no active member
   */
  renew(by: string, member: string): Promise<Enrolment>
  /**
   * Ends a membership for good, and with it whatever rests on it: grants, approvals.
   * @throws StaffError `ERR_STAFF_ROLE`; `ERR_STAFF_LAST` where nobody would be left who appoints
   */
  dismiss(by: string, member: string): Promise<void>
  /** What the browser's `navigator.credentials.create` signs over. */
  enrolmentChallenge(code: string): Uint8Array
  /** Registers the first passkey. @throws StaffError `ERR_STAFF_CODE`; AccessError `ERR_ACCESS_PASSKEY` */
  enrol(enrolment: Enrolment, registration: PasskeyRegistration): Promise<void>
}

export class MemberBook implements Members {
  readonly #ports: StaffPorts

  constructor(ports: StaffPorts) {
    this.#ports = ports
  }

  all(): Promise<Staff> {
    return readStaff(this.#ports)
  }

  async enrolled(): Promise<ReadonlySet<string>> {
    const { data } = this.#ports
    const rows = await data('staff_credentials').selectFrom('staff_credentials').select('personId').execute()
    return new Set(rows.map(({ personId }) => personId))
  }

  passkeys(member: string): Promise<Passkey[]> {
    return readPasskeys(this.#ports, member)
  }

  async found(members: readonly NewMember[]): Promise<Enrolment[]> {
    const { marks } = this.#ports
    // Rows that are gone are no leave to begin anew: they may have been deleted in SQL.
    if ((await marks.names('founded')).length > 0 || (await this.all()).size > 0) throw founded()
    const enrolments: Enrolment[] = []
    const rows: MemberRow[] = []
    for (const member of members) {
      const { code, row } = this.#rowOf(null, member)
      enrolments.push({ personId: member.personId, code })
      rows.push(row)
      await this.#record('staff.appointed', member.personId, member.personId, member.role)
    }
    await this.#addFounders(rows)
    return enrolments
  }

  /** All or none; and of two who found at once, one: whoever is staff twice is staff no more. */
  async #addFounders(rows: readonly MemberRow[]): Promise<void> {
    const { data, marks } = this.#ports
    let isMarked = false
    try {
      await data('staff_members')
        .transaction()
        .execute(async (open) => {
          await open.insertInto('staff_members').values(rows).execute()
          isMarked = await marks.set('founded', 'staff')
          if (!isMarked) throw founded()
        })
    } catch (error) {
      if (isMarked) await marks.remove('founded', 'staff')
      throw error
    }
  }

  async appoint(by: string, member: NewMember): Promise<Enrolment> {
    const staff = await this.all()
    requireAppointer(this.#ports, staff, by, member.role)
    const known = staff.get(member.personId)
    if (!known) return this.#add(by, member)
    const waits = known.active && known.role === member.role
    if (!waits || (await this.enrolled()).has(known.id))
      throw new StaffError('ERR_STAFF_STATE', 'this person is or was staff')
    return this.renew(by, member.personId)
  }

  async renew(by: string, personId: string): Promise<Enrolment> {
    if (by === personId) throw new StaffError('ERR_STAFF_ROLE', 'nobody gives themselves a code')
    const staff = await this.all()
    requireAppointer(this.#ports, staff, by, staff.get(personId)?.role ?? '')
    const { code, stored } = mintCode(this.#ports.clock.now())
    await this.#ports
      .data('staff_members')
      .transaction()
      .execute(async (transaction) => {
        const member = await transaction
          .selectFrom('staff_members')
          .select('active')
          .where('personId', '=', personId)
          .forUpdate()
          .executeTakeFirst()
        if (!member?.active) throw new StaffError('ERR_STAFF_STATE', 'this person is no active member')
        await this.#record('staff.appointed', by, personId, 'new code')
        await transaction.updateTable('staff_members').set(stored).where('personId', '=', personId).execute()
      })
    return { personId, code }
  }

  async dismiss(by: string, member: string): Promise<void> {
    const { data, marks, config } = this.#ports
    // Read before the lock: nobody waits for a second connection while they hold one.
    const enrolled = await this.enrolled()
    const before = await this.all()
    requireAppointer(this.#ports, before, by, before.get(member)?.role ?? '')
    await data('staff_members')
      .transaction()
      .execute(async (open) => {
        const staff = await lockStaff(this.#ports, open)
        const role = staff.get(member)?.role ?? ''
        requireAppointer(this.#ports, staff, by, role)
        const deciding = new Set([...enrolled].filter((id) => before.get(id)?.active))
        requireAppointerLeft(config.roles, staff, deciding, member)
        await this.#record('staff.dismissed', by, member, role)
        await marks.set('dismissed', digestOfId(member))
        await open
          .updateTable('staff_members')
          .set({ active: false, code: null, codeUntil: null })
          .where('personId', '=', member)
          .execute()
      })
  }

  enrolmentChallenge(code: string): Uint8Array {
    return createHash('sha256').update(`${ENROL_LABEL}${code}`).digest()
  }

  enrol({ personId, code }: Enrolment, registration: PasskeyRegistration): Promise<void> {
    const tables = this.#ports.data('staff_members', 'staff_credentials')
    return tables.transaction().execute(async (transaction) => {
      const member = await transaction
        .selectFrom('staff_members')
        .select(['active', 'code', 'codeUntil'])
        .where('personId', '=', personId)
        .forUpdate()
        .executeTakeFirst()
      const until = member?.active === true ? (member.codeUntil?.getTime() ?? 0) : 0
      if (until <= this.#ports.clock.now() || member?.code !== digestOfId(code))
        throw new StaffError('ERR_STAFF_CODE', 'the enrolment code does not serve')
      const passkey = readRegistration(this.#ports.passkeys, this.enrolmentChallenge(code), registration)
      await transaction
        .insertInto('staff_credentials')
        .values({ personId, ...passkey })
        .execute()
      await transaction
        .updateTable('staff_members')
        .set({ code: null, codeUntil: null })
        .where('personId', '=', personId)
        .execute()
      await this.#record('staff.enrolled', personId, personId, 'passkey')
      // A code whose row was put back in SQL registers no second passkey.
      if (!(await this.#ports.marks.set('enrolled', digestOfId(code))))
        throw new StaffError('ERR_STAFF_CODE', 'the enrolment code was used before')
    })
  }

  async #add(by: string, member: NewMember): Promise<Enrolment> {
    const { code, row } = this.#rowOf(by, member)
    await this.#record('staff.appointed', by, member.personId, member.role)
    await this.#ports.data('staff_members').insertInto('staff_members').values(row).execute()
    return { personId: member.personId, code }
  }

  /** The row of a new member, and the code whose digest it holds. @throws StaffError `ERR_STAFF_ROLE` */
  #rowOf(
    appointedBy: string | null,
    { personId, role }: NewMember,
  ): { readonly code: string; readonly row: MemberRow } {
    const { config, clock } = this.#ports
    if (!Object.hasOwn(config.roles, role))
      throw new StaffError('ERR_STAFF_ROLE', 'no such role of staff is declared')
    const { code, stored } = mintCode(clock.now())
    return { code, row: { personId, role, appointedBy, active: true, ...stored } }
  }

  #record(kind: StaffActed['kind'], actor: string, member: string, change: string): Promise<void> {
    const about = { grant: null, digest: null, tenant: null, subject: null }
    return this.#ports.audit.record([{ kind, actor, member, change, ...about }])
  }
}

interface MemberRow {
  readonly personId: string
  readonly role: string
  readonly appointedBy: string | null
  readonly active: boolean
  readonly code: string
  readonly codeUntil: Date
}

function founded(): Error {
  return new StaffError('ERR_STAFF_FOUNDED', 'somebody is or was staff already')
}

function mintCode(now: number) {
  const code = randomBytes(24).toString('base64url')
  return { code, stored: { code: digestOfId(code), codeUntil: new Date(now + CODE_LASTS_MS) } }
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

/** Staff that nobody can appoint to any more would end with its members. */
function requireAppointerLeft(
  roles: StaffPorts['config']['roles'],
  staff: Staff,
  deciding: ReadonlySet<string>,
  leaving: string,
): void {
  const appoints = ({ id, role, active }: StaffMember): boolean =>
    active && deciding.has(id) && (roles[role]?.appoints ?? []).length > 0
  const member = staff.get(leaving)
  const others = [...staff.values()].filter(({ id }) => id !== leaving)
  if (member && appoints(member) && !others.some(appoints))
    throw new StaffError('ERR_STAFF_LAST', 'nobody would be left who appoints staff')
}
