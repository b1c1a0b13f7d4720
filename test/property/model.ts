import { TENANT_INDEXED } from './columns.ts'
import { Evaluator, extend } from './evaluate.ts'
import { isWithin, type Asker, type Verb } from './people.ts'
import type {
  Change,
  Column,
  Condition,
  Delete,
  Expression,
  Insert,
  Row,
  Select,
  Statement,
  Table,
  Update,
  Value,
} from './query.ts'
import { REFUSED_CONDITIONS, REFUSED_STATEMENTS } from './refused.ts'

/** What the reference expects: a refusal with one of the codes, or rows (for a change, those returned or their number). */
export type Expected = { readonly refused: ReadonlySet<string> } | { readonly rows: readonly Row[] }

export type Tables = Readonly<Record<Table, readonly Row[]>>

type Node = Readonly<Record<string, unknown>>

const FORBIDDEN = 'ERR_STORE_FORBIDDEN'
const CONFLICT = 'ERR_STORE_CONFLICT'

/** The plain reference for one principal: arrays, and for each table the rows in reach. */
export class Model {
  readonly #asker: Asker
  readonly #given: Tables
  #tables: Tables

  constructor(asker: Asker, tables: Tables) {
    this.#asker = asker
    this.#given = tables
    this.#tables = tables
  }

  get tables(): Tables {
    return this.#tables
  }

  /** Rows are without the outermost limit: which rows it keeps can be open. A change is applied. */
  expect(statement: Statement, ids: readonly string[] = []): Expected {
    const refused = this.#refusals(statement)
    if (refused.size > 0) return { refused }
    switch (statement.does) {
      case 'select':
        return { rows: this.#evaluator().answer({ ...statement.query, limit: null, offset: 0 }) }
      case 'insert':
        return this.#insert(statement, ids)
      case 'update':
        return this.#update(statement)
      case 'delete':
        return this.#delete(statement)
      case 'refused':
        throw new TypeError(`${statement.shape} is expected to be refused`)
    }
  }

  /** Ids of the rows that no change so far has touched. */
  untouched(table: Table): string[] {
    return this.#tables[table].filter((row) => this.#given[table].includes(row)).map(({ id }) => id as string)
  }

  #refusals(statement: Statement): Set<string> {
    const codes = new Set<string>()
    const needs = [...needsOf(statement)]
    if (needs.some(([table, verb]) => this.#asker.may[table][verb] === 'none')) codes.add(FORBIDDEN)
    if (statement.does === 'refused') {
      const { code, namesOwner } = REFUSED_STATEMENTS[statement.shape]!
      for (const one of namesOwner ? [code, FORBIDDEN] : [code]) codes.add(one)
    }
    if (statement.does === 'insert' && !statement.rows.every((row) => this.#owns(statement, row))) {
      codes.add(FORBIDDEN)
    }
    for (const node of nodesOf(statement)) {
      if (node['is'] === 'refused') codes.add(REFUSED_CONDITIONS[node['shape'] as string]!.code)
      if (comparedIn(node).some((column) => this.#isBeyondItsIndex(column)))
        codes.add('ERR_STORE_BLIND_SCOPE')
    }
    return codes
  }

  #owns({ table }: Insert, row: Row): boolean {
    return isWithin(this.#asker, table, row, this.#asker.may[table].write)
  }

  /** An index made under each tenant's key tells nothing to somebody who reads several tenants. */
  #isBeyondItsIndex({ kind, domain }: Column): boolean {
    if (kind !== 'indexed' || !TENANT_INDEXED.includes(domain)) return false
    return this.#asker.may[domain === 'team' ? 'teams' : 'heartbeats'].read === 'any'
  }

  #evaluator(): Evaluator {
    return new Evaluator((table) => this.#within(table, ['read']))
  }

  #within(table: Table, verbs: readonly Verb[]): Row[] {
    return this.#tables[table].filter((row) =>
      verbs.every((verb) => isWithin(this.#asker, table, row, this.#asker.may[table][verb])),
    )
  }

  #insert(insert: Insert, ids: readonly string[]): Expected {
    const { table, rows, conflict, returning } = insert
    const told: Row[] = []
    let stored = this.#tables[table]
    for (const draft of rows) {
      const met = stored.find((row) => collide(table, row, draft))
      if (met && conflict === null) return { refused: new Set([CONFLICT]) }
      const row = met ? this.#resolve(insert, met, draft) : { id: ids[told.length] ?? null, ...draft }
      if (row === null) continue
      told.push(row)
      stored = met ? stored.map((one) => (one === met ? row : one)) : [...stored, row]
    }
    this.#tables = { ...this.#tables, [table]: stored }
    return returned(told, returning, 'numInsertedOrUpdatedRows')
  }

  #resolve({ table, conflict }: Insert, met: Row, draft: Row): Row | null {
    if (!conflict?.set) return null
    const frame = extend(extend(null, table, met), 'excluded', draft)
    if (!this.#evaluator().holds(conflict.where, frame)) return null
    const set = Object.entries(conflict.set).map(([name, to]): [string, Value] => {
      return [name, to === 'excluded' ? draft[name]! : to.value]
    })
    return { ...met, ...Object.fromEntries(set) }
  }

  #update(update: Update): Expected {
    const { table, set, from, returning } = update
    const evaluator = this.#evaluator()
    const changed: Row[] = []
    let stored = this.#tables[table]
    for (const row of this.#chosen(update, from, 'write')) {
      const frame = extend(null, table, row)
      const values = Object.entries(set).map(([name, of]): [string, Value] => [
        name,
        evaluator.value(of, frame),
      ])
      const next = { ...row, ...Object.fromEntries(values) }
      if (stored.some((one) => one !== row && collide(table, one, next)))
        return { refused: new Set([CONFLICT]) }
      stored = stored.map((one) => (one === row ? next : one))
      changed.push(next)
    }
    this.#tables = { ...this.#tables, [table]: stored }
    return returned(changed, returning, 'numUpdatedRows')
  }

  #delete(remove: Delete): Expected {
    const { table, using, returning } = remove
    const gone = this.#chosen(remove, using, 'delete')
    this.#tables = { ...this.#tables, [table]: this.#tables[table].filter((row) => !gone.includes(row)) }
    return returned(gone, returning, 'numDeletedRows')
  }

  /** The rows that a change reaches, in the order of their ids, each once. */
  #chosen({ table, where }: Update | Delete, beside: Update['from'], verb: Verb): Row[] {
    const evaluator = this.#evaluator()
    const others = beside ? evaluator.rowsOf(beside.source) : [null]
    return this.#within(table, ['read', verb]).filter((row) =>
      others.some((other) => {
        const target = extend(null, table, row)
        const frame = beside ? extend(target, beside.alias, other) : target
        return evaluator.holds(where, frame)
      }),
    )
  }
}

/** The one unique index of the world: a note's rank within its tenant. */
function collide(table: Table, left: Row, right: Row): boolean {
  return table === 'notes' && left['teamId'] === right['teamId'] && left['rank'] === right['rank']
}

function returned(rows: readonly Row[], columns: readonly string[], counted: string): Expected {
  if (columns.length === 0) return { rows: [{ [counted]: rows.length }] }
  return { rows: rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))) }
}

/** The permissions that a statement draws on. */
function* needsOf(statement: Statement): Generator<readonly [Table, Verb]> {
  if (statement.does === 'refused') yield* REFUSED_STATEMENTS[statement.shape]!.needs
  if (isChange(statement)) {
    yield [statement.table, statement.does === 'delete' ? 'delete' : 'write']
    const reads = statement.does !== 'insert' || statement.returning.length > 0
    const looks = statement.does === 'insert' && (statement.conflict?.columns || statement.conflict?.set)
    if (reads || looks) yield [statement.table, 'read']
  }
  for (const node of nodesOf(statement)) {
    if ('alias' in node && 'source' in node) {
      const source = node['source'] as object
      if ('table' in source) yield [source.table as Table, 'read']
    }
  }
}

export function isChange(statement: Statement): statement is Change {
  return statement.does === 'insert' || statement.does === 'update' || statement.does === 'delete'
}

/** Every object of a statement, which is a tree of plain data. */
export function nodesOf(tree: unknown, found: Node[] = []): Node[] {
  if (typeof tree !== 'object' || tree === null) return found
  if (!Array.isArray(tree)) found.push(tree as Node)
  for (const part of Object.values(tree)) nodesOf(part, found)
  return found
}

/** The columns that a node compares, groups or counts. */
function comparedIn(node: Node): Column[] {
  const columns = (all: readonly (Expression | null)[]): Column[] => all.filter((one) => one?.is === 'column')
  if ('aggregates' in node && node['aggregates'] !== null) {
    const { outputs, aggregates } = node as unknown as Select
    return columns([...outputs.map(({ of }) => of), ...(aggregates ?? []).map(({ of }) => of)])
  }
  if (!('is' in node)) return []
  const one = node as Condition | Expression
  if (one.is === 'window') return columns([...one.by, one.of])
  if (one.is === 'in')
    return one.values.length === 0 || one.values.some((value) => value !== null) ? [one.of] : []
  if (one.is !== 'compare') return []
  if (one.right.is === 'value' && one.right.value === null) return []
  return columns([one.left, one.right])
}
