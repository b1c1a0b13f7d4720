import { asConnection, inTransaction } from '../database/index.ts'
import { readEpochs, type EpochRecord, type Ladder } from './epoch-keys.ts'
import { KeysError } from './errors.ts'
import type { RotationRoom } from './rotation.ts'

/** True for what a provider says when a key is gone; anything else means that it will go later. */
function isGone(evidence: string): evidence is 'confirmed' | 'attested' {
  return evidence === 'confirmed' || evidence === 'attested'
}

/**
 * Destroys at the provider the keys of ended epochs whose time has come, and records it. A crash in
 * between leaves a destroyed key that is not recorded: it is destroyed again, to no effect.
 *
 * @throws DatabaseError `ERR_DATABASE_CLOCKS` before anything is destroyed
 */
export async function destroyEnded(
  room: RotationRoom,
  ladder: Ladder,
): Promise<{ ladder: Ladder; epoch: number }[]> {
  const epochs = await readEpochs(asConnection(room.owner))
  const due = epochs.filter(
    (epoch) => epoch.ladder === ladder && epoch.phase === 'ended' && epoch.destroyAfter! <= room.clock.now(),
  )
  const destroyed: { ladder: Ladder; epoch: number }[] = []
  for (const epoch of due) if (await destroy(room, epoch)) destroyed.push({ ladder, epoch: epoch.epoch })
  return destroyed
}

async function destroy(room: RotationRoom, { ladder, epoch, providerKey }: EpochRecord): Promise<boolean> {
  await room.clocks.assertAgree()
  await refuseUsed(room, ladder, epoch)
  const evidence: string = await room.provider.destroy(providerKey)
  await room.onStep({ ladder, step: 'destroyed', done: 1, total: 1 })
  if (!isGone(evidence)) {
    room.logger.info({ ladder, epoch }, 'the provider destroys the key later')
    return false
  }
  await inTransaction(room.owner, async (connection) => {
    const changed = await connection.query(
      `update surety.epoch_keys set phase = 'destroyed', destroyed_at = $3, destruction = $4
        where ladder = $1 and epoch = $2 and phase = 'ended' returning epoch`,
      [ladder, epoch, new Date(room.clock.now()), evidence],
    )
    if (changed.length === 0) return
    const { name } = room.provider
    await room.record([{ kind: 'keys.destroyed', ladder, epoch, provider: name, evidence }], connection)
  })
  await room.onStep({ ladder, step: 'recorded', done: 1, total: 1 })
  room.logger.info({ ladder, epoch, evidence }, 'the key of an ended epoch is destroyed')
  return true
}

/** The last look before what cannot be taken back: a bucket key under this epoch would be lost. */
async function refuseUsed({ owner }: RotationRoom, ladder: Ladder, epoch: number): Promise<void> {
  const [used] = await asConnection(owner).query(
    'select from surety.bucket_keys where ladder = $1 and epoch = $2 limit 1',
    [ladder, epoch],
  )
  if (used) throw new KeysError('ERR_KEYS_EPOCH', `bucket keys still hang on ${ladder} epoch ${epoch}`)
}
