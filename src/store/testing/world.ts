import type { Principal } from '../../access/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import { heartbeatOf, user, type TestStore } from '../testing.ts'

/** One attacker, a colleague in the same team, and a stranger in another one, each with a heartbeat. */
export interface World {
  readonly attacker: Principal
  readonly colleague: Principal
  readonly stranger: Principal
  /** Ids of the rows that are not the attacker's. */
  readonly foreign: readonly string[]
}

export const SECRET = 'foreign-secret'
export const FOREIGN_SECONDS = 987_654

export async function populate({ store, ungoverned }: TestStore): Promise<World> {
  const attacker = user(createPseudonym())
  const colleague = user(attacker.tenant!)
  const stranger = user(createPseudonym())
  await store
    .as(attacker)
    .db.insertInto('heartbeats')
    .values(heartbeatOf(attacker, { seconds: 1, project: 'mine' }))
    .execute()
  for (const other of [colleague, stranger]) {
    const row = heartbeatOf(other, {
      seconds: FOREIGN_SECONDS,
      language: SECRET,
      entity: SECRET,
      project: 'mine',
    })
    await store.as(other).db.insertInto('heartbeats').values(row).execute()
    const admin = store.as(user(other.tenant!, 'administrator')).db
    if (other === stranger)
      await admin.insertInto('notes').values({ teamId: other.tenant!, title: SECRET, rank: 1 }).execute()
  }
  const { rows } = await ungoverned<{ id: string }>('select id from app.heartbeats where seconds = $1', [
    FOREIGN_SECONDS,
  ])
  return { attacker, colleague, stranger, foreign: rows.map(({ id }) => id) }
}
