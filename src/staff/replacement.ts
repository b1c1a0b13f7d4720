import { createHash } from 'node:crypto'
import { foundersOf, mayReplacePasskeys, type PasskeyAssertion, type Staff } from '../access/index.ts'
import { canonicalBytes, toHex } from '../kernel/index.ts'
import { StaffError } from './errors.ts'
import type { Grants } from './grants.ts'
import { verifySigned } from './in-force.ts'
import type { MemberBook, NewMember } from './members.ts'
import { aboutMember, dropPasskeys, giveCode, type Enrolment } from './passkeys.ts'
import type { StaffPorts } from './ports.ts'
import { digestOfId } from './staff-list.ts'

/** That a member lost their passkeys and is to register another: what a second member signs. */
export interface Replacement {
  /** Who lost them. */
  readonly member: string
  /** Who signs. */
  readonly by: string
  /** Unix milliseconds. */
  readonly at: number
}

/** The way back for who lost their passkey. */
export interface Replacements {
  /** Whose passkeys that member may have replaced: their role appoints theirs, and they do not owe them the place. */
  openTo(by: string): Promise<ReadonlySet<string>>
  /** Nothing happens before {@link Replacements.approve}. @throws StaffError `ERR_STAFF_ROLE` */
  prepare(by: string, member: string): Promise<Replacement>
  challenge(asked: Replacement): Uint8Array
  /**
   * Ends the member's grants and drops their passkeys, and with them whatever those signed; gives a code for
   * another one, which serves once, for an hour, while the member is signed in. A signature serves once, too.
   *
   * @throws StaffError `ERR_STAFF_ROLE`, `ERR_STAFF_STATE`, `ERR_STAFF_APPROVAL`; AccessError `ERR_ACCESS_PASSKEY`
   */
  approve(by: string, asked: Replacement, assertion: PasskeyAssertion): Promise<Enrolment>
  /**
   * Where nobody among staff is left to do it: the same for a member, or another founder where all who can
   * sign go back to one. For the console of who runs the system, never for a request.
   *
   * @throws StaffError `ERR_STAFF_FOUNDED` where staff can help itself; `ERR_STAFF_ROLE`, `ERR_STAFF_STATE`
   */
  recover(member: NewMember): Promise<Enrolment>
}

const CODE_LASTS_MS = 3_600_000
/** How long what was prepared may wait for the passkey. */
const WAITS_MS = 300_000
const LABEL = 'surety/staff-replacement/1\n'

export function createReplacements(ports: StaffPorts, members: MemberBook, grants: Grants): Replacements {
  const { roles } = ports.config
  const replace = async (actor: string, member: string): Promise<Enrolment> => {
    await ports.audit.record([aboutMember('staff.passkey-replaced', actor, member, 'passkey')])
    ports.logger.warn({ member }, 'the passkeys of a staff member are dropped, to be replaced')
    await grants.endAllOf(member)
    await dropPasskeys(ports, member)
    return giveCode(ports, actor, member, CODE_LASTS_MS)
  }
  const requireMay = async ({ by, member }: Replacement): Promise<void> => {
    const staff = await members.all()
    const whose = staff.get(member)
    if (!whose?.active || !mayReplacePasskeys(staff.get(by), whose, staff, roles))
      throw new StaffError('ERR_STAFF_ROLE', 'this staff member does not replace the passkeys of that one')
  }
  return {
    async openTo(by) {
      const staff = await members.all()
      const theirs = [...staff.values()].filter(
        (one) => one.active && mayReplacePasskeys(staff.get(by), one, staff, roles),
      )
      return new Set(theirs.map(({ id }) => id))
    },
    async prepare(by, member) {
      const asked = { member, by, at: ports.clock.now() }
      await requireMay(asked)
      return asked
    },
    challenge: challengeOf,
    async approve(by, { member, at }, assertion) {
      const asked = { member, by, at }
      if (!Number.isSafeInteger(at) || Math.abs(at - ports.clock.now()) > WAITS_MS)
        throw new StaffError('ERR_STAFF_STATE', 'it was prepared too long ago')
      await requireMay(asked)
      verifySigned(ports, await members.passkeys(by), challengeOf(asked), assertion)
      if (!(await ports.marks.set('replaced', toHex(challengeOf(asked)))))
        throw new StaffError('ERR_STAFF_STATE', 'this signature has served')
      return replace(by, member)
    },
    async recover(member) {
      const staff = await members.all()
      await requireFounders(ports, staff, member.personId)
      const enrolled = await members.enrolled()
      const able = [...staff.values()].filter(({ id, active }) => active && enrolled.has(id))
      const known = staff.get(member.personId)
      const helped = known
        ? able.some((one) => mayReplacePasskeys(one, known, staff, roles))
        : foundersOf(able, staff).size > 1
      if (helped) throw new StaffError('ERR_STAFF_FOUNDED', 'somebody among staff can do that')
      return known ? replace('system', known.id) : members.addFounder('system', member)
    },
  }
}

function challengeOf({ member, by, at }: Replacement): Uint8Array {
  return createHash('sha256').update(LABEL).update(canonicalBytes({ member, by, at })).digest()
}

/**
 * Founders whose rows are gone were deleted in SQL: that is no leave to name others. One whose row was
 * never written, since a crash came between, is named again.
 */
async function requireFounders({ marks }: StaffPorts, staff: Staff, named: string): Promise<void> {
  const known = new Set([...staff.keys(), named].map(digestOfId))
  const lost = (await marks.names('founded')).some((name) => name !== 'staff' && !known.has(name))
  if (lost || staff.size === 0)
    throw new StaffError('ERR_STAFF_FOUNDED', 'founders are missing from the database')
}
