import { join } from 'node:path'
import { asConnection, inTransaction, silentLogger, watchClocks } from '../../src/database/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import {
  createKeyRotation,
  openFileProvider,
  openKeyTree,
  type KeyOwner,
  type KeyProvider,
  type OpenKeyTree,
} from '../../src/keys/index.ts'
import { withDatabase, type BenchDatabase } from '../log/server.ts'
import { describeMachine, median, millisecondsOf, type Bench } from '../measure.ts'
import { makeSubjects, rewrapAll, settledBuckets } from './subjects.ts'

const HOUR = 3_600_000

/** The end of a live epoch after some deletions, against wrapping every data key again. */
export const rotate: Bench = async ({ quick }) => {
  const deletions = quick ? 10 : 1_000
  const sizes = quick ? [200, 400, 800] : [10_000, 100_000, 1_000_000]
  const ours: Record<string, number> = {}
  const rivals: Record<string, number> = {}
  const ratios: Record<string, number> = {}
  for (const subjects of sizes) {
    const name = subjects < 10_000 ? String(subjects) : `1e${Math.log10(subjects)}`
    const rounds = roundsFor(subjects, quick)
    const found = await withDatabase((database) => measure(database, subjects, deletions, rounds))
    ours[`epochEndSecondsAt${name}`] = found.ours
    ours[`bucketsAt${name}`] = found.buckets
    ours[`dataKeysRewrappedAt${name}`] = found.rewrapped
    rivals[`rewrapAllSecondsAt${name}`] = found.rival
    ratios[`oursToRewrapAllAt${name}`] = found.ours / found.rival
  }
  return {
    name: 'rotate',
    ours,
    rivals,
    ratios,
    rounds: roundsFor(1_000_000, quick),
    machine: describeMachine(),
  }
}

/** A million is wrapped once only: it takes minutes, and most of them to make. */
function roundsFor(subjects: number, quick: boolean): number {
  return quick || subjects >= 1_000_000 ? 1 : 3
}

interface Found {
  readonly ours: number
  readonly rival: number
  readonly buckets: number
  readonly rewrapped: number
}

async function measure(
  database: BenchDatabase,
  subjects: number,
  deletions: number,
  rounds: number,
): Promise<Found> {
  const { owner } = database
  const shared = { owner, clock: systemClock, logger: silentLogger }
  const provider = await openFileProvider({
    folder: join(database.folder, 'epoch-keys'),
    outside: [],
    clock: systemClock,
  })
  const tree = await openKeyTree({ ...shared, provider })
  const buckets = settledBuckets(subjects, deletions)
  const say = progressOf(subjects)
  let keys = await makeSubjects(database, provider, subjects, buckets, (done) => {
    if (done % 100_000 === 0) say(`${done} data keys made`)
  })
  const times: { ours: number[]; rival: number[] } = { ours: [], rival: [] }
  let rewrapped = 0
  for (let round = 0; round < rounds; round++) {
    await eraseSome(database, tree, deletions)
    const end = async (): Promise<void> => void (rewrapped = await endEpoch(database, provider))
    times.ours.push(await millisecondsOf(end))
    say(`epoch ended, ${rewrapped} data keys wrapped again`)
    times.rival.push(await millisecondsOf(async () => void (keys = await rewrapAll(database, keys))))
    say('all wrapped again')
  }
  tree.close()
  return { ours: median(times.ours) / 1_000, rival: median(times.rival) / 1_000, buckets, rewrapped }
}

/** Says on standard error how far it is: a million takes minutes. */
function progressOf(subjects: number): (what: string) => void {
  const start = performance.now()
  return (what) => {
    const seconds = ((performance.now() - start) / 1_000).toFixed(0)
    process.stderr.write(`rotate, ${subjects} subjects: ${what} (${seconds} s)\n`)
  }
}

async function eraseSome({ owner }: BenchDatabase, tree: OpenKeyTree, count: number): Promise<void> {
  const some = await asConnection(owner).query<KeyOwner>(
    'select tenant, subject from surety.data_keys where wrapped is not null and tenant <> subject order by id limit $1',
    [count],
  )
  await inTransaction(owner, (connection) => tree.erase(connection, some))
}

/** Ends the live epoch; gives how many data keys were wrapped again. */
async function endEpoch({ owner }: BenchDatabase, provider: KeyProvider): Promise<number> {
  const clocks = watchClocks({ clock: systemClock, connection: asConnection(owner), toleranceMs: 60_000 })
  const schedule = {
    epochMs: { live: 6 * HOUR, backup: 24 * HOUR },
    backupAgeMs: 0,
    rewrapMs: HOUR,
    retriesMs: HOUR,
    waitMs: 0,
    clockErrorMs: 60_000,
  }
  let rewrapped = 0
  const rotation = createKeyRotation({
    provider,
    owner,
    clock: systemClock,
    logger: silentLogger,
    schedule,
    clocks,
    async record([body]) {
      if (body?.kind === 'keys.rotated') rewrapped = body.rewrapped
    },
  })
  await rotation.run({ force: ['live'] })
  return rewrapped
}
