import type { Clock } from '../kernel/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import type { KeyEpochs } from './key-epochs.ts'

interface KeyRooms {
  readonly epochs: Pick<KeyEpochs, 'standings'>
  readonly log: Pick<EvidenceLog, 'standings'>
  readonly clock: Clock
}

/** The promise that rests on epochs ending in time. */
export const KEYS_PROMISE = 'encryption.keys-apart'

/** True where what the page shows of the keys no longer fits their epochs: one was missed, or is made up for. */
export async function isOutOfDate({ epochs, log, clock }: KeyRooms): Promise<boolean> {
  const standings = await log.standings(clock.now())
  const shown = standings.find(({ claim, withdrawnAt }) => claim.id === KEYS_PROMISE && withdrawnAt === null)
  if (!shown) return false
  const overdue = (await epochs.standings()).some(({ problem }) => problem !== null)
  const shownOverdue = Number(shown.observed?.values['overdueLadders'] ?? 0) > 0
  return overdue ? shown.status === 'kept' : shown.status === 'broken' && shownOverdue
}
