import type { EffectiveGrant } from '../access/index.ts'
import { createId } from '../kernel/index.ts'
import type { StaffPorts } from './ports.ts'

/** Rows that a staff member takes along, marked. */
export interface StaffExport {
  /** Names the export in the audit log; stands in every row. */
  readonly id: string
  /** Lines of JSON: first what it is, then a row each, every one with the export's id. */
  readonly text: string
}

type Row = Readonly<Record<string, unknown>>

/** Marks released rows with an export of its own, and counts it in the audit log before it is handed out. */
export async function exportRows(
  ports: StaffPorts,
  grant: EffectiveGrant,
  rows: readonly Row[],
): Promise<StaffExport> {
  const { audit, clock } = ports
  const id = createId(clock)
  await audit.record([
    { kind: 'staff.exported', actor: grant.requester, grant: grant.id, what: id, count: rows.length },
  ])
  const head = {
    export: id,
    grant: grant.id,
    role: grant.role,
    purpose: grant.purpose,
    at: new Date(clock.now()),
  }
  const marked = rows.map((row) => ({ ...row, _export: id }))
  return { id, text: [head, ...marked].map((line) => `${JSON.stringify(line)}\n`).join('') }
}
