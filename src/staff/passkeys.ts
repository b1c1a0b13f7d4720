import { createHash, randomBytes } from 'node:crypto'
import {
  readRegistration,
  type Passkey,
  type PasskeyAlgorithm,
  type PasskeyRegistration,
} from '../access/index.ts'
import type { StaffActed } from '../log/index.ts'
import { StaffError } from './errors.ts'
import type { StaffPorts } from './ports.ts'
import { digestOfId } from './staff-list.ts'

/** Passkeys of staff: a one-time code registers one; one that was lost is dropped for good. */

/** A member's one-time code: given to them out of band, it registers a passkey. */
export interface Enrolment {
  readonly personId: string
  readonly code: string
}

const ENROL_LABEL = 'surety/staff-enrol/1\n'

export function enrolmentChallenge(code: string): Uint8Array {
  return createHash('sha256').update(`${ENROL_LABEL}${code}`).digest()
}

/** A new code, and what is stored of it. */
export function mintCode(now: number, lastsMs: number) {
  const code = randomBytes(24).toString('base64url')
  return { code, stored: { code: digestOfId(code), codeUntil: new Date(now + lastsMs) } }
}

/** What the audit log is told of a change to a member. */
export function aboutMember(
  kind: StaffActed['kind'],
  actor: string,
  member: string,
  change: string,
): StaffActed {
  return { kind, actor, member, change, grant: null, digest: null, tenant: null, subject: null }
}

/**
 * Gives an active member a code in place of one that was not used.
 * @throws StaffError `ERR_STAFF_STATE` for who is no active member
 */
export async function giveCode(
  { data, audit, clock }: StaffPorts,
  by: string,
  personId: string,
  lastsMs: number,
): Promise<Enrolment> {
  const { code, stored } = mintCode(clock.now(), lastsMs)
  await data('staff_members')
    .transaction()
    .execute(async (open) => {
      const member = await open
        .selectFrom('staff_members')
        .select('active')
        .where('personId', '=', personId)
        .forUpdate()
        .executeTakeFirst()
      if (!member?.active) throw new StaffError('ERR_STAFF_STATE', 'this person is no active member')
      await audit.record([aboutMember('staff.appointed', by, personId, 'new code')])
      await open.updateTable('staff_members').set(stored).where('personId', '=', personId).execute()
    })
  return { personId, code }
}

/** Registers a passkey with a code, once. @throws StaffError `ERR_STAFF_CODE`; AccessError `ERR_ACCESS_PASSKEY` */
export async function enrol(
  { data, audit, marks, clock, passkeys: site }: StaffPorts,
  { personId, code }: Enrolment,
  registration: PasskeyRegistration,
): Promise<void> {
  await data('staff_members', 'staff_credentials')
    .transaction()
    .execute(async (open) => {
      const member = await open
        .selectFrom('staff_members')
        .select(['active', 'code', 'codeUntil'])
        .where('personId', '=', personId)
        .forUpdate()
        .executeTakeFirst()
      const until = member?.active === true ? (member.codeUntil?.getTime() ?? 0) : 0
      if (until <= clock.now() || member?.code !== digestOfId(code))
        throw new StaffError('ERR_STAFF_CODE', 'the enrolment code does not serve')
      const passkey = readRegistration(site, enrolmentChallenge(code), registration)
      await open
        .insertInto('staff_credentials')
        .values({ personId, ...passkey })
        .execute()
      await open
        .updateTable('staff_members')
        .set({ code: null, codeUntil: null })
        .where('personId', '=', personId)
        .execute()
      await audit.record([aboutMember('staff.enrolled', personId, personId, 'passkey')])
      // A code whose row was put back in SQL registers no second passkey.
      if (!(await marks.set('enrolled', digestOfId(code))))
        throw new StaffError('ERR_STAFF_CODE', 'the enrolment code was used before')
    })
}

/** The passkeys of a member, without those that were dropped, whose rows may have been put back in SQL. */
export async function readPasskeys({ data, marks }: StaffPorts, member: string): Promise<Passkey[]> {
  const rows = await data('staff_credentials')
    .selectFrom('staff_credentials')
    .select(['credential', 'algorithm', 'publicKey'])
    .where('personId', '=', member)
    .execute()
  const dropped = new Set(await marks.names('dropped'))
  return rows
    .filter(({ credential }) => !dropped.has(digestOfId(credential)))
    .map(({ algorithm, ...row }) => ({ ...row, algorithm: algorithm as PasskeyAlgorithm }))
}

/** Everybody with a passkey. */
export async function readEnrolled({ data, marks }: StaffPorts): Promise<ReadonlySet<string>> {
  const rows = await data('staff_credentials')
    .selectFrom('staff_credentials')
    .select(['personId', 'credential'])
    .execute()
  const dropped = new Set(await marks.names('dropped'))
  return new Set(
    rows.filter(({ credential }) => !dropped.has(digestOfId(credential))).map(({ personId }) => personId),
  )
}

/** Nothing that these passkeys signed, or sign from now on, holds any more. */
export async function dropPasskeys(ports: StaffPorts, member: string): Promise<void> {
  for (const { credential } of await readPasskeys(ports, member))
    await ports.marks.set('dropped', digestOfId(credential))
  await ports
    .data('staff_credentials')
    .deleteFrom('staff_credentials')
    .where('personId', '=', member)
    .execute()
}
