import { randomValue, TENANT_INDEXED } from './columns.ts'
import type { Asker } from './people.ts'
import type {
  Column,
  Comparison,
  Condition,
  Difference,
  Domain,
  Expression,
  Literal,
  Select,
  Table,
} from './query.ts'
import type { Random } from './random.ts'
import { REFUSED_CONDITIONS } from './refused.ts'

const ORDERED: readonly Comparison[] = ['<', '<=', '>', '>=']
const EQUALITIES: readonly (Comparison | Difference)[] = [
  ...(['=', '=', '=', '!='] as const),
  ...(['is distinct from', 'is not distinct from'] as const),
]

/** What a query stands in. */
export interface Surroundings {
  /** How many more levels of queries may be inside. */
  readonly depth: number
  /** Columns of the queries around. */
  readonly outer: readonly Column[]
  readonly ctes: ReadonlyMap<string, readonly Column[]>
  /** The outermost query: a limit may cut rows that are equal in the order. */
  readonly isTop: boolean
}

export const OUTERMOST: Surroundings = { depth: 2, outer: [], ctes: new Map(), isTop: true }

export function inside(around: Surroundings, outer: readonly Column[] = []): Surroundings {
  return { ...around, depth: around.depth - 1, outer, isTop: false }
}

/** What the statements are made of besides chance. */
export interface Ground {
  readonly random: Random
  readonly asker: Asker
  readonly ids: Readonly<Record<Table, readonly string[]>>
}

/** Expressions and conditions; the queries inside them are the subclass's. */
export abstract class ExpressionGenerator {
  protected readonly ground: Ground
  protected readonly random: Random

  constructor(ground: Ground) {
    this.ground = ground
    this.random = ground.random
  }

  /** @param wanted what the columns must mean, where the place asks for it */
  abstract select(around: Surroundings, wanted?: readonly Domain[] | null): Select

  /** One row with one number. */
  protected abstract scalar(outer: readonly Column[], around: Surroundings): Select

  /** True where SQL can compare it; a tenant's index serves those who read one tenant. */
  protected isComparable({ kind, domain }: Column): boolean {
    if (kind === 'clear') return true
    if (kind === 'sealed') return false
    const everywhere = this.ground.asker.principal.kind === 'system'
    return !(everywhere && TENANT_INDEXED.includes(domain)) || this.random.chance(0.05)
  }

  expression(columns: readonly Column[], around: Surroundings, domain: Domain): Expression {
    const random = this.random
    const fitting = columns.filter((column) => column.kind === 'clear' && column.domain === domain)
    const [column] = fitting.length > 0 ? [random.pick(fitting)] : []
    if (!column) return this.literal(domain)
    const kind = random.below(10)
    if (kind < 2) return { is: 'coalesce', parts: [column, this.literal(domain)] }
    if (kind < 4) {
      const when = this.filter(columns, around)
      return { is: 'case', when, result: column, otherwise: this.literal(domain) }
    }
    if (domain !== 'number') return column
    if (kind < 6)
      return { is: random.pick(['plus', 'times'] as const), left: column, right: this.literal('number') }
    if (kind === 6 && around.depth > 0) return { is: 'scalar', query: this.scalar(columns, around) }
    const words = columns.filter((one) => one.kind === 'clear' && one.domain === 'word')
    return kind === 7 && words.length > 0 ? { is: 'length', of: random.pick(words) } : column
  }

  literal(domain: Domain): Literal {
    return { is: 'value', domain, value: randomValue(this.random, domain, this.ground.ids) }
  }

  condition(columns: readonly Column[], around: Surroundings, depth = 2): Condition {
    const random = this.random
    const kind = random.below(14)
    if (depth > 0 && kind < 4) {
      const part = (): Condition => this.condition(columns, around, depth - 1)
      return {
        is: random.pick(['and', 'or'] as const),
        parts: Array.from({ length: 1 + random.below(3) }, part),
      }
    }
    if (depth > 0 && kind === 4) return { is: 'not', part: this.condition(columns, around, depth - 1) }
    if (around.depth > 0 && kind === 5) {
      const query = this.select(inside(around, columns))
      return { is: 'exists', query, not: random.chance(0.4) }
    }
    if (around.depth > 0 && kind === 6) return this.#inQuery(columns, around)
    if (kind === 7 && random.chance(0.3)) return { is: 'always' }
    if (kind === 8 && random.chance(0.12)) return this.#refused(columns)
    return this.filter(columns, around)
  }

  #inQuery(columns: readonly Column[], around: Surroundings): Condition {
    const clear = columns.filter(({ kind }) => kind === 'clear')
    if (clear.length === 0) return { is: 'always' }
    const of = this.random.pick(clear)
    const query = this.select(inside(around, this.random.chance(0.3) ? columns : []), [of.domain])
    return { is: 'inQuery', of, query, not: this.random.chance(0.4) }
  }

  #refused(columns: readonly Column[]): Condition {
    const shape = this.random.pick(Object.keys(REFUSED_CONDITIONS))
    const { of } = REFUSED_CONDITIONS[shape]!
    const fitting = columns.filter(
      ({ kind }) => of === 'any' || kind === 'sealed' || (of === 'hidden' && kind === 'indexed'),
    )
    return fitting.length === 0
      ? { is: 'always' }
      : { is: 'refused', shape, column: this.random.pick(fitting) }
  }

  /** A condition on one column, or on two that mean the same. */
  protected filter(columns: readonly Column[], around: Surroundings): Condition {
    const random = this.random
    const usable = columns.filter((column) => this.isComparable(column))
    if (usable.length === 0) return { is: 'always' }
    const of = random.pick(usable)
    const other = usable.find((one) => one.domain === of.domain && one !== of)
    if (other && random.chance(0.25)) return { is: 'compare', left: of, operator: '=', right: other }
    const not = random.chance(0.4)
    const kind = random.below(10)
    if (kind < 2) return { is: 'null', of, not }
    if (kind < 4) {
      const values = Array.from({ length: random.below(4) }, () => this.literal(of.domain).value)
      return { is: 'in', of, values, not }
    }
    if (kind === 4 && of.kind === 'clear' && of.domain === 'word') {
      return { is: 'like', of, pattern: random.pick(['%a%', 'a%', '%l', 'go', '%']), not }
    }
    if (of.kind === 'indexed') return this.#compare(of, EQUALITIES)
    if (kind === 5) {
      return { is: 'between', of, low: this.literal(of.domain), high: this.literal(of.domain) }
    }
    const left = around.depth > 0 && kind < 8 ? this.expression(columns, inside(around), of.domain) : of
    return this.#compare(left.is === 'value' ? of : left, [...EQUALITIES, ...ORDERED], of.domain)
  }

  #compare(
    left: Expression,
    operators: readonly (Comparison | Difference)[],
    domain: Domain = (left as Column).domain,
  ): Condition {
    const literal = this.literal(domain)
    const right = this.random.chance(0.03) ? { ...literal, value: null } : literal
    return { is: 'compare', left, operator: this.random.pick(operators), right }
  }
}
