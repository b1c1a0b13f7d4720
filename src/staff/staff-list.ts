import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Staff, StaffMember } from '../access/index.ts'
import { StaffError } from './errors.ts'
import type { StaffPorts } from './ports.ts'
import type { StaffTables } from './resources.ts'

/**
 * Everybody who is or was staff. Active is who has one row that says so, was never dismissed (a row of
 * before, put back in SQL, changes nothing), and has an account that is switched on.
 * @throws StaffError `ERR_STAFF_MARKS` on a server that does not see the marks of the others
 */
export async function readStaff(ports: StaffPorts): Promise<Staff> {
  const rows = await memberRows(ports.data('staff_members'))
  if (rows.length > 0 && (await ports.marks.names('founded')).length === 0)
    throw new StaffError('ERR_STAFF_MARKS', 'the marks of this data folder are not those of this database')
  const dismissed = new Set(await ports.marks.names('dismissed'))
  const people = [...new Set(rows.map(({ personId }) => personId))]
  const enabled = (await ports.enabled?.(people)) ?? new Set(people)
  return listed(rows, (id) => enabled.has(id) && !dismissed.has(digestOfId(id)))
}

/** As their rows and marks have it, locked to the end of the transaction: of two dismissals one comes second. */
export async function lockStaff(ports: StaffPorts, open: Kysely<StaffTables>): Promise<Staff> {
  await open.selectFrom('staff_members').select('id').orderBy('id').forUpdate().execute()
  const dismissed = new Set(await ports.marks.names('dismissed'))
  return listed(await memberRows(open), (id) => !dismissed.has(digestOfId(id)))
}

interface MemberRow extends Omit<StaffMember, 'id'> {
  readonly personId: string
}

function memberRows(tables: Kysely<StaffTables>): Promise<MemberRow[]> {
  return tables.selectFrom('staff_members').select(['personId', 'role', 'appointedBy', 'active']).execute()
}

function listed(rows: readonly MemberRow[], stands: (id: string) => boolean): Staff {
  // Somebody who is staff twice is staff no more: nobody knows in which role.
  const twice = new Set(rows.map(({ personId }) => personId).filter((id, i, ids) => ids.indexOf(id) !== i))
  return new Map(
    rows.map(({ personId, active, ...row }): [string, StaffMember] => [
      personId,
      { id: personId, ...row, active: active && !twice.has(personId) && stands(personId) },
    ]),
  )
}

/** How marks name a person or a tenant: who does not know the id learns nothing. */
export function digestOfId(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}
