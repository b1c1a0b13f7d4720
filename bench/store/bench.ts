import { describeMachine, interleave, type Bench, type BenchResult } from '../measure.ts'
import { withDatabase } from '../log/server.ts'
import { openRivals, type MakeRow, type Rival } from './rivals.ts'
import {
  INSERT_ROWS,
  insertMany,
  medianMs,
  readList,
  readOne,
  storeNewest,
  storeRest,
  summarise,
  throughput,
} from './tasks.ts'
import { createPerson, openWorld, type Contestant } from './world.ts'

interface Size {
  readonly rounds: number
  /** Heartbeats of the measured person's year. */
  readonly year: number
  readonly reads: number
  readonly lists: number
  readonly inserts: number
  readonly concurrent: number
}

const FULL: Size = { rounds: 5, year: 500_000, reads: 200, lists: 20, inserts: 3, concurrent: 800 }
const QUICK: Size = { rounds: 1, year: 1_000, reads: 5, lists: 2, inserts: 1, concurrent: 16 }

/** The governed store against plain Kysely on the same server, and against rivals that govern. */
export const store: Bench = ({ quick }) =>
  withDatabase(async (database) => {
    const world = await openWorld(database)
    const [person, guest] = [createPerson(), createPerson()]
    const governed = { reader: world.governed(person), writer: world.governed(guest) }
    const plain = { reader: world.plain(person), writer: world.plain(guest) }
    const size = quick ? QUICK : FULL
    for (const [{ reader, writer }, table] of [
      [plain, 'public.heartbeats'],
      [governed, 'app.heartbeats'],
    ] as const) {
      await storeNewest(reader, size.year)
      await storeRest(database, table, size.year)
      await insertMany(writer)
    }
    await database.owner.query('vacuum analyze')
    // What a quick run would not show needs no packages of others.
    const makeRow: MakeRow = (owner, values) => world.plain(owner).row(values)
    const rivals = quick ? [] : await openRivals(database, makeRow, person, INSERT_ROWS)
    try {
      return await measure({ governed, plain }, rivals, size)
    } finally {
      for (const rival of rivals) await rival.close()
      world.close()
    }
  })

interface Pair {
  readonly reader: Contestant
  /** Another person, so that what is inserted changes nothing of what is read. */
  readonly writer: Contestant
}

async function measure(
  { governed, plain }: Record<'governed' | 'plain', Pair>,
  rivals: readonly Rival[],
  size: Size,
): Promise<BenchResult> {
  const tasks = { ...tasksOf('governed', governed, size), ...tasksOf('plain', plain, size) }
  for (const { name, readOne: read, insertMany: insert } of rivals) {
    tasks[`${name} readMs`] = () => medianMs(size.reads, read)
    tasks[`${name} insertMs`] = () => medianMs(size.inserts, insert)
  }
  const found = await interleave(size.rounds, tasks)
  const of = (name: string, what: string): number => found[`${name} ${what}`]!
  const numbers = (name: string, prefix: string, kinds: readonly string[]) =>
    kinds.map((what) => [
      `${prefix}${prefix ? what[0]!.toUpperCase() + what.slice(1) : what}`,
      of(name, what),
    ])
  const rivalRatios = rivals.flatMap(({ name }) => [
    [`${name}ReadTimeToOurs`, of(name, 'readMs') / of('governed', 'readMs')],
    [`${name}InsertTimeToOurs`, of(name, 'insertMs') / of('governed', 'insertMs')],
  ])
  return {
    name: 'store',
    ours: Object.fromEntries(numbers('governed', '', MEASURES)) as Record<string, number>,
    rivals: Object.fromEntries([
      ...numbers('plain', 'plain', MEASURES),
      ...rivals.flatMap(({ name }) => numbers(name, name, ['readMs', 'insertMs'])),
    ]) as Record<string, number>,
    ratios: {
      readTimeToPlain: of('governed', 'readMs') / of('plain', 'readMs'),
      insertTimeToPlain: of('governed', 'insertMs') / of('plain', 'insertMs'),
      listTimeToPlain: of('governed', 'listMs') / of('plain', 'listMs'),
      summaryTimeToPlain: of('governed', 'summaryMs') / of('plain', 'summaryMs'),
      throughputToPlain: of('governed', 'readsPerSecond') / of('plain', 'readsPerSecond'),
      ...(Object.fromEntries(rivalRatios) as Record<string, number>),
    },
    rounds: size.rounds,
    machine: describeMachine(),
  }
}

const MEASURES = ['readMs', 'insertMs', 'listMs', 'summaryMs', 'readsPerSecond']

function tasksOf(name: string, { reader, writer }: Pair, size: Size): Record<string, () => Promise<number>> {
  return {
    [`${name} readMs`]: () => medianMs(size.reads, (i) => readOne(reader, i)),
    [`${name} listMs`]: () => medianMs(size.lists, () => readList(reader)),
    [`${name} insertMs`]: () => medianMs(size.inserts, () => insertMany(writer)),
    [`${name} summaryMs`]: () => medianMs(2, () => summarise(reader)),
    [`${name} readsPerSecond`]: () => throughput(size.concurrent, (i) => readOne(reader, i)),
  }
}
