import type { Office } from './office.ts'

/** How closely a use is noted, in milliseconds: nobody is watched more closely than that. */
export const USE_STEP_MS = { tenant_members: 86_400_000, tenant_keys: 3_600_000 } as const

/** Notes that a membership or a key was used, at most once in each step. A failure is logged, and no more. */
export async function noteUse(
  { db, clock, logger }: Office,
  table: keyof typeof USE_STEP_MS,
  { id, lastUsedAt }: { readonly id: string; readonly lastUsedAt: Date | null },
): Promise<void> {
  const step = USE_STEP_MS[table]
  const now = Math.floor(clock.now() / step) * step
  if (lastUsedAt !== null && lastUsedAt.getTime() >= now) return
  try {
    await db
      .updateTable(table)
      .set({ lastUsedAt: new Date(now) })
      .where('id', '=', id)
      .execute()
  } catch (err) {
    logger.warn({ err, table }, 'a last use could not be noted')
  }
}
