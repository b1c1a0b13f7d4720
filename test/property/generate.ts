import { COLUMNS, columnsOf, randomDraft } from './columns.ts'
import { inside, OUTERMOST, type Ground } from './generate-expression.ts'
import { SelectGenerator } from './generate-select.ts'
import { ASKERS, OWNERS, PERSONS, TENANTS, type Verb } from './people.ts'
import {
  TABLES,
  type Case,
  type Change,
  type Column,
  type Condition,
  type Conflict,
  type Delete,
  type Expression,
  type Insert,
  type Item,
  type Literal,
  type Row,
  type Table,
  type Update,
  type Value,
} from './query.ts'
import { seededRandom, type Random } from './random.ts'
import { REFUSED_STATEMENTS } from './refused.ts'

/** Cases in a row that one principal asks. */
export const BLOCK = 20

/** Who asks in the block of that number. */
export function askerOf(seed: number, block: number): number {
  return seededRandom(seed, 1, block).below(ASKERS.length)
}

/**
 * The case of that number: the same for a seed and ids in the same order, whatever ran before.
 * @param attempt counts those that were too large for the reference
 */
export function caseOf(seed: number, number: number, attempt: number, ids: Ground['ids']): Case {
  const asking = askerOf(seed, Math.floor(number / BLOCK))
  const ground = { random: seededRandom(seed, 2, number, attempt), asker: ASKERS[asking]!, ids }
  const selects = new SelectGenerator(ground)
  const kind = ground.random.below(100)
  if (kind < 3) {
    const shape = ground.random.pick(Object.keys(REFUSED_STATEMENTS))
    return { asking, statement: { does: 'refused', shape }, afterwards: null }
  }
  const readsNothing = TABLES.every((table) => ground.asker.may[table].read === 'none')
  if (kind >= (readsNothing ? 80 : 25)) {
    return { asking, statement: { does: 'select', query: selects.select(OUTERMOST) }, afterwards: null }
  }
  const statement = new ChangeGenerator(ground, selects).change()
  return { asking, statement, afterwards: ground.random.chance(0.5) ? selects.select(OUTERMOST) : null }
}

const HERE = inside(OUTERMOST)

class ChangeGenerator {
  readonly #ground: Ground
  readonly #random: Random
  readonly #selects: SelectGenerator

  constructor(ground: Ground, selects: SelectGenerator) {
    this.#ground = ground
    this.#random = ground.random
    this.#selects = selects
  }

  change(): Change {
    const kind = this.#random.below(3)
    if (kind === 2) return this.#delete(this.#table('delete'))
    const table = this.#table('write')
    // Whoever may not read a table can still insert into it, and do nothing else.
    const isInsert = kind === 0 || (this.#ground.asker.may[table].read === 'none' && this.#random.chance(0.8))
    return isInsert ? this.#insert(table) : this.#update(table)
  }

  #table(verb: Verb): Table {
    const open = TABLES.filter((table) => this.#ground.asker.may[table][verb] !== 'none')
    if (open.length === 0 || this.#random.chance(0.07)) return this.#random.pick(TABLES)
    // The one table where an update can look at others and an insert can meet a row.
    return open.includes('notes') && this.#random.chance(0.3) ? 'notes' : this.#random.pick(open)
  }

  #returning(table: Table): string[] {
    if (this.#random.chance(0.3)) return []
    return COLUMNS[table].map(([name]) => name).filter(() => this.#random.chance(0.5))
  }

  #insert(table: Table): Insert {
    const random = this.#random
    const rows = Array.from({ length: 1 + random.below(2) }, () => this.#row(table))
    // No row may meet another one of its own statement.
    if (table === 'notes') rows.forEach((row, i) => (row['rank'] = 2 * random.below(4) + i))
    const { may, principal } = this.#ground.asker
    const { tenant, person } = OWNERS[table]
    const owned = may[table].write === 'own' ? [tenant, person] : [tenant]
    const isOwn = rows.every((row) =>
      owned.every((name) => name === null || row[name] === ownValue(principal, name)),
    )
    const omitted = isOwn && may[table].write !== 'any' && random.chance(0.3) ? owned : []
    const omits = omitted.filter((name) => name !== null)
    const returning = this.#returning(table)
    const answers = may[table].read === 'none' ? [] : ['id', ...returning.filter((name) => name !== 'id')]
    const told = may[table].read === 'none' && random.chance(0.15) ? ['id'] : answers
    return { does: 'insert', table, rows, omits, conflict: this.#conflict(table), returning: told }
  }

  #row(table: Table): Record<string, Value> {
    const random = this.#random
    const { principal } = this.#ground.asker
    const { tenant, person } = OWNERS[table]
    const foreign = random.chance(0.25)
    const row: Record<string, Value> = {}
    const pick = (own: string | null, all: Readonly<Record<string, string>>): string =>
      foreign || own === null || principal.kind !== 'user' ? random.pick(Object.values(all)) : own
    if (person) row[person] = pick(principal.id, PERSONS)
    if (tenant) row[tenant] = pick(principal.tenant, TENANTS)
    return { ...row, ...randomDraft(random, table) }
  }

  #conflict(table: Table): Conflict | null {
    const random = this.#random
    if (random.chance(table === 'notes' ? 0.3 : 0.5)) return null
    if (table !== 'notes') {
      return { columns: random.chance(0.5) ? keyOf(table) : null, set: null, where: null }
    }
    const columns = ['teamId', 'rank']
    if (random.chance(0.3)) return { columns: random.chance(0.5) ? columns : null, set: null, where: null }
    const set = { title: random.chance(0.5) ? ('excluded' as const) : this.#selects.literal('word') }
    const known = [...columnsOf('notes', 'notes'), ...columnsOf('notes', 'excluded').slice(1)]
    const where = random.chance(0.4) ? this.#selects.condition(known, { ...HERE, depth: 0 }) : null
    return { columns, set, where }
  }

  #update(table: Table): Update {
    const random = this.#random
    const columns = columnsOf(table, table)
    const literals = Object.entries(randomDraft(random, table)).filter(() => random.chance(0.4))
    const set: Record<string, Expression> = Object.fromEntries(
      literals.map(([name, value]): [string, Literal] => {
        return [name, { is: 'value', value, domain: columns.find((one) => one.name === name)!.domain }]
      }),
    )
    const number = columns.find(({ domain, kind }) => domain === 'number' && kind === 'clear')
    if (number && random.chance(0.25))
      set[number.name] = { is: 'plus', left: number, right: this.#selects.literal('number') }
    if (Object.keys(set).length === 0) {
      const [name, value] = random.pick(Object.entries(randomDraft(random, table)))
      set[name] = { is: 'value', value, domain: columns.find((one) => one.name === name)!.domain }
    }
    const direct =
      (table === 'notes' || table === 'rates') && Object.values(set).every(({ is }) => is === 'value')
    const beside = direct ? this.#beside(columns) : null
    const where = beside?.where ?? (random.chance(0.15) ? null : this.#selects.condition(columns, HERE))
    return {
      does: 'update',
      table,
      set,
      from: beside?.item ?? null,
      where,
      returning: this.#returning(table),
    }
  }

  #delete(table: Table): Delete {
    const columns = columnsOf(table, table)
    const beside = this.#beside(columns)
    const where = beside?.where ?? (this.#random.chance(0.15) ? null : this.#selects.condition(columns, HERE))
    return { does: 'delete', table, using: beside?.item ?? null, where, returning: this.#returning(table) }
  }

  /** Another table that helps to choose the rows. */
  #beside(columns: readonly Column[]): { item: Item; where: Condition } | null {
    const random = this.#random
    if (random.chance(0.5)) return null
    const { item, columns: others } = this.#selects.item(HERE)
    const pairs = others
      .filter(({ kind }) => kind === 'clear')
      .flatMap((right) =>
        columns
          .filter((left) => left.kind === 'clear' && left.domain === right.domain)
          .map((left): Condition => ({ is: 'compare', left, operator: '=', right })),
      )
    const more = this.#selects.condition([...columns, ...others], HERE)
    const parts = pairs.length > 0 && random.chance(0.8) ? [random.pick(pairs), more] : [more]
    return { item, where: { is: 'and', parts } }
  }
}

/** The primary key, which leads with the owner of the rows' keys. */
function keyOf(table: Table): string[] {
  const { tenant, person } = OWNERS[table]
  return [tenant ?? person, 'id'].filter((name) => name !== null)
}

function ownValue(principal: { id: string; tenant: string | null }, name: string): Row[string] {
  return name === 'personId' ? principal.id : principal.tenant
}
