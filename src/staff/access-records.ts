import { hasCode } from '../kernel/index.ts'
import type { StaffPorts } from './ports.ts'

/** What whom it concerns is shown of one access, as it is stored. */
export interface AccessRecord {
  readonly createdAt: Date
  readonly grantId: string
  readonly role: string
  readonly kind: string
  readonly purpose: string
  readonly resource: string
  readonly action: string
  readonly rows: number
  readonly shownFrom: Date
  readonly delayReason: string | null
}

/** Which records: those of one person or tenant, or all of a time. */
export interface RecordsWanted {
  readonly personId?: string
  readonly tenantId?: string
  /** Unix milliseconds; the second one is not in it. */
  readonly between?: readonly [number, number]
}

export type RecordTable = 'staff_accesses' | 'staff_tenant_accesses'
export const RECORD_TABLES: readonly RecordTable[] = ['staff_accesses', 'staff_tenant_accesses']

const COLUMNS = [
  ...(['createdAt', 'grantId', 'role', 'kind', 'purpose', 'resource', 'action', 'rows'] as const),
  ...(['shownFrom', 'delayReason'] as const),
] as const

export interface OwnedRecord extends AccessRecord {
  /** The person; the tenant in the table of rows about nobody in particular. */
  readonly owner: string
}

/** The newest first. A record that was changed in SQL does not open and is left out, as if it were gone. */
export async function readRecords(
  { data }: Pick<StaffPorts, 'data'>,
  table: RecordTable,
  wanted: RecordsWanted,
): Promise<OwnedRecord[]> {
  try {
    return await select(data, table, wanted)
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_TAMPERED')) throw error
  }
  const opened: OwnedRecord[] = []
  for (const id of await idsOf(data, table, wanted)) {
    try {
      opened.push(...(await select(data, table, wanted, id)))
    } catch (error) {
      if (!hasCode(error, 'ERR_STORE_TAMPERED')) throw error
    }
  }
  return opened
}

async function select(
  data: StaffPorts['data'],
  table: RecordTable,
  wanted: RecordsWanted,
  id?: string,
): Promise<OwnedRecord[]> {
  const owner = table === 'staff_accesses' ? 'personId' : 'tenantId'
  let query = matching(data, table, wanted).select(COLUMNS).select(`${owner} as owner`).orderBy('id', 'desc')
  if (id !== undefined) query = query.where('id', '=', id)
  return (await query.execute()) as OwnedRecord[]
}

async function idsOf(data: StaffPorts['data'], table: RecordTable, wanted: RecordsWanted): Promise<string[]> {
  const rows = await matching(data, table, wanted).select('id').orderBy('id', 'desc').execute()
  return rows.map(({ id }) => id)
}

/** Typed as records of people; the other table has the same columns, but for the person. */
function matching(
  data: StaffPorts['data'],
  table: RecordTable,
  { personId, tenantId, between }: RecordsWanted,
) {
  let query = data(table).selectFrom(table as 'staff_accesses')
  if (personId !== undefined) query = query.where('personId', '=', personId)
  if (tenantId !== undefined) query = query.where('tenantId', '=', tenantId)
  if (between === undefined) return query
  const [from, until] = between
  return query.where('createdAt', '>=', new Date(from)).where('createdAt', '<', new Date(until))
}
