import { availableParallelism, cpus } from 'node:os'

/** How large a bench is. `quick` only shows that it runs: its numbers mean nothing. */
export interface BenchOptions {
  readonly quick: boolean
}

/** What a bench found. Numbers are medians over the rounds; the unit is in each one's name. */
export interface BenchResult {
  readonly name: string
  readonly ours: Readonly<Record<string, number>>
  readonly rivals: Readonly<Record<string, number>>
  /** Ours divided by the rival, or the other way round where the name says so. */
  readonly ratios: Readonly<Record<string, number>>
  readonly rounds: number
  readonly machine: string
}

/** Runs one bench. */
export type Bench = (options: BenchOptions) => Promise<BenchResult>

/** Runs one contender once and returns its number, such as operations per second. */
export type Contender = () => number | Promise<number>

/**
 * The median of each contender over `rounds`. Every round runs each of them once, beginning with
 * another one each time, so that a machine that slows down slows down all of them. One round before
 * the first is not counted.
 */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, Contender>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(contenders) as Name[]
  const found = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + 1 + turn) % names.length]!
      const value = await contenders[name]()
      if (round >= 0) found[name].push(value)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(found[name])])) as Record<Name, number>
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1]
  const high = sorted[Math.floor(middle)]
  if (low === undefined || high === undefined) throw new RangeError('no values to take the median of')
  return (low + high) / 2
}

/** `count` operations of `work`, per second. */
export async function ratePerSecond(count: number, work: () => void | Promise<void>): Promise<number> {
  return (count * 1000) / (await millisecondsOf(work))
}

/** How long `work` takes, in milliseconds. */
export async function millisecondsOf(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Processor, its count, and the versions that matter. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${model}, ${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.version}`
}
