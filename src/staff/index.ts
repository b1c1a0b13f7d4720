/**
 * Staff: who among the operator's own people may look at customers' data, when, and who is told.
 *
 * Promise: staff have no standing access. What a member sees rests on a grant with a purpose, a scope
 * and an end, signed by a second person's passkey; each access is recorded before a row is released,
 * and the person concerned is shown it.
 *
 * How: `grants.ts` is the life of a grant, each decision locked and audited; `in-force.ts` looks, at every
 * statement, at everything a grant rests on, signature included; `accesses.ts` writes the record that
 * the store waits for, and `missing-accesses.ts` holds it against the audit log; `members.ts` says who is
 * staff, `passkeys.ts` with what they sign, `replacement.ts` what becomes of who lost it. All that decides is sealed (`resources.ts`): a row edited in SQL does not open. What
 * takes something away is marked outside the database, too (`marks.ts`): rows that were deleted in SQL, or put
 * back as they were before, give nothing back.
 *
 * What it does not do: sign staff in (a port), or stop whoever writes to the host's disk.
 */
export type { Accesses, ShownAccess } from './accesses.ts'
export { StaffError } from './errors.ts'
export type { StaffExport } from './exports.ts'
export type { Decision, GrantRecord, GrantState } from './grant-records.ts'
export type { GlassCase, Verdict } from './glass.ts'
export type { Customer, GrantRequest, Grants } from './grants.ts'
export type { Comparison, MissingAccess } from './missing-accesses.ts'
export { createMarks, type Marks } from './marks.ts'
export type { Members, NewMember } from './members.ts'
export type { Enrolment } from './passkeys.ts'
export type { BrokenGlass, CountGroups, StaffPorts } from './ports.ts'
export type { Replacement, Replacements } from './replacement.ts'
export { staffResources, type StaffTable, type StaffTables } from './resources.ts'
export * as staffPages from './view/index.ts'
export { createStaff, type StaffRoom, type StaffStanding } from './staff.ts'
