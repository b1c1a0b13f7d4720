import type { Principal } from '../../src/access/index.ts'
import { SuretyError } from '../../src/kernel/index.ts'
import { WITHOUT_PREDICATES } from '../../src/store/store.ts'
import type { Loose } from '../../src/store/testing/refusals.ts'
import { buildStatement } from './build.ts'
import { ChangingStore } from './changing-store.ts'
import { COLUMNS } from './columns.ts'
import { agrees, count, differenceOf, toRow, type Answer } from './compare.ts'
import { TooLarge } from './evaluate.ts'
import { askerOf, BLOCK, caseOf } from './generate.ts'
import { Model, isChange, type Expected } from './model.ts'
import { ASKERS, ROLES } from './people.ts'
import type { Case, Change, Select, Statement } from './query.ts'
import { shapesOf } from './shapes.ts'
import { readStored, type World } from './world.ts'

export interface SweepOptions {
  readonly seed: number
  /** How many cases, from `first`. */
  readonly cases: number
  /** Default 0. */
  readonly first?: number
  /** False: the executor's predicates are left out. Default true. */
  readonly predicates?: boolean
  /** The store's roles, wrong on purpose where a test shows that faults are found. Default those of the reference. */
  readonly roles?: Readonly<Record<string, readonly never[]>>
  readonly onProgress?: (done: number) => unknown
}

export interface Swept {
  readonly cases: number
  readonly rows: number
  readonly answered: ReadonlyMap<string, number>
  readonly refused: ReadonlyMap<string, number>
}

/** The store and the reference disagree. */
export class Mismatch extends Error {}

const IN_FLIGHT = 6
const CASE_LIMIT_MS = 120_000
const MOST_ATTEMPTS = 50

/**
 * Runs the cases of a seed through the governed store and through the reference.
 * @throws Mismatch at the first difference, with what replays it
 */
export async function sweep(world: World, options: SweepOptions): Promise<Swept> {
  const running = new Sweep(world, options)
  try {
    return await running.run()
  } finally {
    await running.close()
  }
}

class Sweep {
  readonly #world: World
  readonly #options: SweepOptions
  readonly #store: { as(principal: Principal): { readonly db: Loose } }
  readonly #changing: ChangingStore
  readonly #answered = new Map<string, number>()
  readonly #refused = new Map<string, number>()
  #next: number
  #done = 0
  #rows = 0

  constructor(world: World, options: SweepOptions) {
    this.#world = world
    this.#options = options
    this.#next = options.first ?? 0
    const guards = {
      roles: (options.roles ?? ROLES) as typeof ROLES,
      ...(options.predicates === false && { [WITHOUT_PREDICATES]: true as const }),
    }
    this.#store = world.context.reopen(guards)
    this.#changing = new ChangingStore(world.context, guards)
  }

  close(): Promise<void> {
    return this.#changing.close()
  }

  async run(): Promise<Swept> {
    const end = (this.#options.first ?? 0) + this.#options.cases
    let failure: Error | null = null
    const work = async (): Promise<void> => {
      while (failure === null && this.#next < end) {
        const first = this.#next
        // Blocks begin at multiples, so that a case is asked by the same principal wherever a run began.
        const after = Math.min(first - (first % BLOCK) + BLOCK, end)
        this.#next = after
        try {
          await this.#block(first, after)
        } catch (error) {
          failure ??= error instanceof Error ? error : new Error(String(error))
        }
        this.#options.onProgress?.(this.#done)
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, work))
    if (failure) throw failure as Error
    return { cases: this.#done, rows: this.#rows, answered: this.#answered, refused: this.#refused }
  }

  /** Most blocks ask in one transaction, every fourth in one for each statement. */
  async #block(first: number, end: number): Promise<void> {
    const block = Math.floor(first / BLOCK)
    const { db } = this.#store.as(ASKERS[askerOf(this.#options.seed, block)]!.principal)
    if (block % 4 === 0) return this.#cases(db, first, end)
    await db.transaction().execute((trx: Loose) => this.#cases(trx, first, end))
  }

  async #cases(db: Loose, first: number, end: number): Promise<void> {
    for (let number = first; number < end; number++) await this.#limited(number, this.#judge(db, number))
  }

  /** Whatever goes wrong is told with the case's number. */
  async #limited(number: number, work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new RangeError('it did not end')), CASE_LIMIT_MS)
    })
    try {
      await Promise.race([work, late])
    } catch (error) {
      throw error instanceof Mismatch ? error : this.#mismatch(number, String(error))
    } finally {
      clearTimeout(timer)
    }
  }

  /** The first attempt that is not too large for the reference. */
  #draw(number: number): { one: Case; expected: Expected } {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const one = caseOf(this.#options.seed, number, attempt, this.#world.ids)
      try {
        return { one, expected: this.#model(one).expect(one.statement) }
      } catch (error) {
        if (!(error instanceof TooLarge)) throw error
      }
    }
    throw new RangeError(`no case was found in ${MOST_ATTEMPTS} attempts`)
  }

  #model({ asking }: Case): Model {
    return new Model(ASKERS[asking]!, this.#world.tables)
  }

  async #judge(db: Loose, number: number): Promise<void> {
    const { one, expected } = this.#draw(number)
    const { statement } = one
    const agreed = isChange(statement)
      ? await this.#judgeChange(number, one, statement)
      : this.#compare(number, one, { statement, expected, got: await ask(db, statement) })
    this.#done++
    const tally = 'refused' in agreed ? this.#refused : this.#answered
    if ('rows' in agreed) this.#rows += agreed.rows.length
    else count(this.#refused, agreed.refused)
    for (const shape of shapesOf(one, ASKERS[one.asking]!, this.#world.tables)) count(tally, shape)
  }

  /** The change, then what its transaction holds, seen by who asks and past every permission. */
  #judgeChange(number: number, one: Case, change: Change): Promise<Answer> {
    const model = this.#model(one)
    const asker = ASKERS[one.asking]!
    return this.#changing.rolledBack(asker.principal, async (trx, query) => {
      const got = await ask(trx, change)
      const told = 'rows' in got ? got.rows.map(({ id }) => id as string) : []
      const expected = model.expect(change, told)
      this.#compare(number, one, { statement: change, expected, got })
      if ('refused' in got) return got
      for (const asked of [viewOf(change), one.afterwards]) {
        if (asked !== null) await this.#afterwards(number, one, { model, trx, query: asked })
      }
      const stored = await readStored(query, change.table)
      const problem = differenceOf(
        this.#world,
        await this.#changing.baseline(change.table),
        stored,
        model,
        change,
      )
      if (problem !== null) throw this.#mismatch(number, problem, one)
      return got
    })
  }

  async #afterwards(
    number: number,
    one: Case,
    { model, trx, query }: { model: Model; trx: Loose; query: Select },
  ): Promise<void> {
    const statement = { does: 'select', query } as const
    let expected: Expected
    try {
      expected = model.expect(statement)
    } catch (error) {
      if (error instanceof TooLarge) return
      throw error
    }
    this.#compare(number, one, { statement, expected, got: await ask(trx, statement) })
  }

  #compare(
    number: number,
    one: Case,
    found: { statement: Statement; expected: Expected; got: Answer },
  ): Answer {
    if (agrees(found)) return found.got
    const { statement, expected, got } = found
    const told = 'refused' in expected ? { refused: [...expected.refused] } : expected
    throw this.#mismatch(number, JSON.stringify({ statement, expected: told, got }), one)
  }

  #mismatch(number: number, what: string, one?: Case): Mismatch {
    const { seed, predicates } = this.#options
    const guards = [predicates === false ? 'row-security' : '', this.#world.rowSecurity ? '' : 'predicates']
    const alone = guards.map((guard) => (guard === '' ? '' : ` --guards ${guard}`)).join('')
    const replay = `npm run sweep -- --seed ${seed} --case ${number}${alone}`
    const asked = one ? `\nasked by ${ASKERS[one.asking]!.name}: ${this.#sqlOf(one)}` : ''
    return new Mismatch(`case ${number} of seed ${seed} differs; replay with ${replay}\n${what}${asked}`)
  }

  #sqlOf({ asking, statement }: Case): string {
    try {
      return buildStatement(this.#store.as(ASKERS[asking]!.principal).db, statement).compile().sql
    } catch (error) {
      return `[not compiled: ${String(error)}]`
    }
  }
}

async function ask(db: Loose, statement: Statement): Promise<Answer> {
  try {
    const result = (await buildStatement(db, statement).execute()) as Record<string, unknown>[]
    return { rows: result.map(toRow) }
  } catch (error) {
    if (error instanceof SuretyError) return { refused: error.code }
    throw error
  }
}

/** Every column of the changed table, sealed ones opened. */
function viewOf({ table }: Change): Select {
  const outputs = COLUMNS[table].map(([name, kind, domain]) => {
    return { as: name, of: { is: 'column', alias: 'view', name, kind, domain } } as const
  })
  return {
    ctes: [],
    from: { alias: 'view', source: { table } },
    joins: [],
    where: null,
    outputs,
    aggregates: null,
    having: null,
    distinct: 'no',
    set: null,
    order: [],
    limit: null,
    offset: 0,
  }
}
