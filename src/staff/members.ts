import type { Passkey, PasskeyRegistration, Staff, StaffMember } from '../access/index.ts'
import { StaffError } from './errors.ts'
import {
  aboutMember,
  enrol,
  enrolmentChallenge,
  giveCode,
  mintCode,
  readEnrolled,
  readPasskeys,
  type Enrolment,
} from './passkeys.ts'
import type { StaffPorts } from './ports.ts'
import { digestOfId, lockStaff, readStaff } from './staff-list.ts'

const CODE_LASTS_MS = 24 * 3_600_000

/** Somebody who becomes a staff member. */
export interface NewMember {
  readonly personId: string
  readonly role: string
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
   * A new one-time code for a member, in place of one that was not used: for another device beside those they
   * have. For code, not for a request: it asks for no signature. Who lost their passkey gets another by
   * {@link Replacements}. Nobody gives a code to themselves.
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

  enrolled(): Promise<ReadonlySet<string>> {
    return readEnrolled(this.#ports)
  }

  passkeys(member: string): Promise<Passkey[]> {
    return readPasskeys(this.#ports, member)
  }

  async found(members: readonly NewMember[]): Promise<Enrolment[]> {
    const named = new Set(members.map(({ personId }) => digestOfId(personId)))
    const marked = await this.#ports.marks.names('founded')
    // Rows that are gone are no leave to begin anew: they may have been deleted in SQL.
    if (!marked.every((name) => named.has(name)) || (await this.all()).size > 0) throw founded()
    const enrolments: Enrolment[] = []
    const rows: MemberRow[] = []
    for (const member of members) {
      const { code, row } = this.#rowOf(null, member)
      enrolments.push({ personId: member.personId, code })
      rows.push(row)
      await this.#recordAppointed(member.personId, member)
    }
    await this.#addFounders(rows)
    return enrolments
  }

  /** All or none; and of two who found at once, one: whoever is staff twice is staff no more. */
  async #addFounders(rows: readonly MemberRow[]): Promise<void> {
    const { data, marks } = this.#ports
    const names = rows.map(({ personId }) => digestOfId(personId))
    let isMarked = false
    try {
      await data('staff_members')
        .transaction()
        .execute(async (open) => {
          await open.insertInto('staff_members').values(rows).execute()
          isMarked = await marks.set('founded', 'staff')
          if (!isMarked) throw founded()
          for (const name of names) await marks.set('founded', name)
        })
    } catch (error) {
      if (isMarked) for (const name of [...names, 'staff']) await marks.remove('founded', name)
      throw error
    }
  }

  /** The mark first: staff whose founders are not marked is that of another data folder. */
  async addFounder(actor: string, member: NewMember): Promise<Enrolment> {
    this.#requireRole(member.role)
    await this.#ports.marks.set('founded', digestOfId(member.personId))
    return this.#add(actor, null, member)
  }

  async appoint(by: string, member: NewMember): Promise<Enrolment> {
    const staff = await this.all()
    requireAppointer(this.#ports, staff, by, member.role)
    const known = staff.get(member.personId)
    if (!known) return this.#add(by, by, member)
    const waits = known.active && known.role === member.role
    if (!waits || (await this.enrolled()).has(known.id))
      throw new StaffError('ERR_STAFF_STATE', 'this person is or was staff')
    return this.renew(by, member.personId)
  }

  async renew(by: string, personId: string): Promise<Enrolment> {
    if (by === personId) throw new StaffError('ERR_STAFF_ROLE', 'nobody gives themselves a code')
    const staff = await this.all()
    requireAppointer(this.#ports, staff, by, staff.get(personId)?.role ?? '')
    return giveCode(this.#ports, by, personId, CODE_LASTS_MS)
  }

  async dismiss(by: string, member: string): Promise<void> {
    const { data, marks, audit, config } = this.#ports
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
        await audit.record([aboutMember('staff.dismissed', by, member, role)])
        await marks.set('dismissed', digestOfId(member))
        await open
          .updateTable('staff_members')
          .set({ active: false, code: null, codeUntil: null })
          .where('personId', '=', member)
          .execute()
      })
  }

  enrolmentChallenge(code: string): Uint8Array {
    return enrolmentChallenge(code)
  }

  enrol(enrolment: Enrolment, registration: PasskeyRegistration): Promise<void> {
    return enrol(this.#ports, enrolment, registration)
  }

  async #add(actor: string, appointedBy: string | null, member: NewMember): Promise<Enrolment> {
    const { code, row } = this.#rowOf(appointedBy, member)
    await this.#recordAppointed(actor, member)
    await this.#ports.data('staff_members').insertInto('staff_members').values(row).execute()
    return { personId: member.personId, code }
  }

  #recordAppointed(actor: string, { personId, role }: NewMember): Promise<void> {
    return this.#ports.audit.record([aboutMember('staff.appointed', actor, personId, role)])
  }

  /** The row of a new member, and the code whose digest it holds. @throws StaffError `ERR_STAFF_ROLE` */
  #rowOf(
    appointedBy: string | null,
    { personId, role }: NewMember,
  ): { readonly code: string; readonly row: MemberRow } {
    this.#requireRole(role)
    const { code, stored } = mintCode(this.#ports.clock.now(), CODE_LASTS_MS)
    return { code, row: { personId, role, appointedBy, active: true, ...stored } }
  }

  #requireRole(role: string): void {
    if (!Object.hasOwn(this.#ports.config.roles, role))
      throw new StaffError('ERR_STAFF_ROLE', 'no such role of staff is declared')
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
