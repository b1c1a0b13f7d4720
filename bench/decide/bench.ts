import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describeMachine, median, type Bench } from '../measure.ts'
import { createByHand, createCasbin, createCasl, createOurs, type Contender } from './contenders.ts'
import { createMatrix, type Matrix } from './matrix.ts'

interface Size {
  readonly rounds: number
  readonly people: number
  /** Questions that a fast contender is asked in a round. */
  readonly questions: number
  /** Measured steps of a slow one in a round. */
  readonly slowSteps: number
}

const FULL: Size = { rounds: 5, people: 100_000, questions: 200_000, slowSteps: 100 }
const QUICK: Size = { rounds: 1, people: 500, questions: 2_000, slowSteps: 5 }

/** May this principal do that: compiled permissions against libraries that decide the same. */
export const decide: Bench = async ({ quick }) => {
  const size = quick ? QUICK : FULL
  const matrix = createMatrix(size.people, size.questions)
  // What a quick run would not show needs no packages of others.
  const makers = [createOurs, createByHand, ...(quick ? [] : [createCasl, createCasbin])]
  const contenders: Contender[] = []
  const megabytes: Record<string, number> = {}
  for (const make of makers) {
    const before = heapBytes()
    const contender = await make(matrix)
    // Everything that it keeps for these people is there before it is weighed.
    for (const question of asked(contender, matrix, size)) contender.ask(question)
    megabytes[contender.name] = Math.max(0, heapBytes() - before) / 1_048_576
    contenders.push(contender)
  }
  requireOneMind(matrix, contenders)
  const found = measure(matrix, contenders, size)
  const of = (name: string): { p50: number; p99: number } => found.get(name)!
  const rivals = contenders.slice(1).map(({ name }) => name)
  return {
    name: 'decide',
    ours: { p50Ns: of('ours').p50, p99Ns: of('ours').p99, memoryMb: megabytes['ours']! },
    rivals: Object.fromEntries(
      rivals.flatMap((name) => [
        [`${name}P50Ns`, of(name).p50],
        [`${name}P99Ns`, of(name).p99],
        [`${name}MemoryMb`, megabytes[name]!],
      ]),
    ),
    ratios: Object.fromEntries(rivals.map((name) => [`${name}TimeToOurs`, of(name).p50 / of('ours').p50])),
    rounds: size.rounds,
    machine: describeMachine(),
  }
}

function asked({ step }: Contender, { questions }: Matrix, { slowSteps }: Size): Matrix['questions'] {
  return step === 1 ? questions.slice(0, slowSteps) : questions
}

/** All answer the same, or nothing is compared. */
function requireOneMind({ questions }: Matrix, contenders: readonly Contender[]): void {
  let yes = 0
  for (const question of questions.slice(0, 300)) {
    const answers = new Set(contenders.map((contender) => contender.ask(question)))
    if (answers.size !== 1) throw new TypeError('the contenders do not agree')
    if (answers.has(true)) yes += 1
  }
  if (yes < 30 || yes > 270) throw new TypeError('the questions have one answer only')
}

/** Nanoseconds of one decision: medians over the rounds, each beginning with another contender. */
function measure(
  matrix: Matrix,
  contenders: readonly Contender[],
  size: Size,
): ReadonlyMap<string, { p50: number; p99: number }> {
  const rounds = new Map(contenders.map(({ name }) => [name, { p50: [] as number[], p99: [] as number[] }]))
  for (let round = -1; round < size.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + 1 + turn) % contenders.length]!
      const times = timeSteps(contender, asked(contender, matrix, size))
      if (round < 0) continue
      rounds.get(contender.name)!.p50.push(times[Math.floor(times.length * 0.5)]!)
      rounds.get(contender.name)!.p99.push(times[Math.floor(times.length * 0.99)]!)
    }
  }
  return new Map([...rounds].map(([name, { p50, p99 }]) => [name, { p50: median(p50), p99: median(p99) }]))
}

function timeSteps({ step, ask }: Contender, questions: Matrix['questions']): number[] {
  const times: number[] = []
  let yes = 0
  for (let at = 0; at + step <= questions.length; at += step) {
    const start = process.hrtime.bigint()
    for (let i = at; i < at + step; i++) if (ask(questions[i]!)) yes += 1
    times.push(Number(process.hrtime.bigint() - start) / step)
  }
  if (yes === 0) throw new TypeError('nothing was allowed')
  return times.sort((a, b) => a - b)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
