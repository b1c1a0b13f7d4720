import type { LiveTable, MigrationStep } from './migration-plan.ts'
import { quoteIdentifier, quoteLiteral } from './pools.ts'
import {
  choiceCheck,
  choiceName,
  columnSql,
  createIndexSql,
  tableName,
  type ColumnShape,
  type DeclaredShape,
  type TableShape,
} from './table-shape.ts'

type Kind = MigrationStep['kind']
type Steps = MigrationStep[]

/** The steps that bring a live table's columns and indexes to the declared shape. */
export function compareTable(shape: TableShape, live: LiveTable): MigrationStep[] {
  const rebuilt = rebuilding(shape, live)
  if (rebuilt.length > 0) return rebuilt
  const steps: Steps = []
  for (const column of shape.columns) compareColumn(shape, live, column, steps)
  const declared = new Set(shape.columns.map(({ name }) => name))
  for (const name of live.columns.keys()) {
    if (declared.has(name)) continue
    const why = `no field declares the column ${name} of ${shape.name}`
    push(
      steps,
      shape,
      'destructive',
      `alter table ${tableName(shape.name)} drop column ${quoteIdentifier(name)}`,
      why,
    )
  }
  for (const [name, columns] of shape.indexes) {
    if (!live.indexes.has(name))
      push(
        steps,
        shape,
        'additive',
        createIndexSql(shape.name, name, columns),
        `${shape.name} lacks the index ${name}`,
      )
  }
  compareUniques(shape, live, steps)
  return steps
}

/** A unique index that does not begin with the tenant tells one tenant what another one's rows hold. */
function compareUniques(shape: TableShape, live: LiveTable, steps: Steps): void {
  const { tenant } = shape.declared
  for (const [name, columns] of live.uniques) {
    if (shape.uniques.has(name) || tenant === null || columns[0] === tenant) continue
    const statement = `drop index app.${quoteIdentifier(name)}`
    const why = `the unique index ${name} of ${shape.name} reaches across tenants: its conflicts tell of their rows`
    push(steps, shape, 'destructive', statement, why)
  }
  for (const [name, columns] of shape.uniques) {
    const found = live.uniques.get(name)
    if (found?.join() === columns.join()) continue
    const kind = live.mayHoldRows ? 'destructive' : 'additive'
    const drop = live.indexes.has(name) ? `drop index app.${quoteIdentifier(name)}; ` : ''
    const statement = drop + createIndexSql(shape.name, name, columns, true)
    push(
      steps,
      shape,
      kind,
      statement,
      `${shape.name} lacks the unique index ${name}: rows must not repeat it`,
    )
  }
}

/** Changes that no statement can make while keeping the rows: their envelopes would no longer open. */
function rebuilding(shape: TableShape, live: LiveTable): Steps {
  const steps: Steps = []
  const statement = `drop table ${tableName(shape.name)}`
  for (const reason of rebuildReasons(shape, live)) {
    const why = `${reason}: no statement can keep the rows; export them, drop the table, start again and load them`
    push(steps, shape, 'destructive', statement, why)
  }
  return steps
}

function rebuildReasons(shape: TableShape, live: LiveTable): string[] {
  const was = live.noted?.declared
  if (!was) return []
  const now = shape.declared
  const reasons: string[] = []
  if (live.primaryKey.join() !== shape.primaryKey.join()) reasons.push(`the tenant of ${shape.name} changed`)
  if (was.subject !== now.subject || subjectsOf(was) !== subjectsOf(now))
    reasons.push(`the subject of ${shape.name} changed`)
  if (was.seal !== now.seal) reasons.push(`${shape.name} was sealed for: ${was.seal}, now: ${now.seal}`)
  if (live.mayHoldRows) reasons.push(...sealedReasons(shape, was))
  return reasons
}

/** Whose erasure does what may change; who they are may not. */
function subjectsOf({ subjects }: DeclaredShape): string {
  return Object.keys(subjects ?? {})
    .toSorted()
    .join()
}

function sealedReasons(shape: TableShape, was: DeclaredShape): string[] {
  const reasons: string[] = []
  const clear = new Set(shape.columns.map(({ name }) => name))
  for (const [name, { kind, optional }] of Object.entries(was.sealed)) {
    const now = shape.declared.sealed[name]
    if (now === undefined)
      reasons.push(
        `field ${name} of ${shape.name} is sealed in its rows and ${clear.has(name) ? 'clear' : 'not declared'} now`,
      )
    else if (now.kind !== kind)
      reasons.push(`sealed field ${name} of ${shape.name} was ${kind} and is ${now.kind} now`)
    else if (optional && !now.optional)
      reasons.push(`sealed field ${name} of ${shape.name} was optional and is required now`)
  }
  for (const [name, about] of Object.entries(was.about ?? {})) {
    const now = shape.declared.about?.[name]
    const kept = clear.has(name) || shape.declared.sealed[name] !== undefined
    if (kept && now !== about)
      reasons.push(`field ${name} of ${shape.name} was about ${about} and is about ${now ?? 'all'} now`)
  }
  for (const [name, { optional }] of Object.entries(shape.declared.sealed)) {
    if (was.sealed[name] === undefined && !optional)
      reasons.push(`required sealed field ${name} of ${shape.name} is new: make it optional`)
  }
  return reasons
}

function compareColumn(shape: TableShape, live: LiveTable, column: ColumnShape, steps: Steps): void {
  const table = tableName(shape.name)
  const name = quoteIdentifier(column.name)
  const found = live.columns.get(column.name)
  if (!found) return addColumn(shape, live, column, steps)
  if (found.type !== column.type) {
    const statement = `alter table ${table} alter column ${name} type ${column.type} using ${name}::${column.type}`
    push(
      steps,
      shape,
      'destructive',
      statement,
      `column ${column.name} of ${shape.name} is ${found.type}, declared ${column.type}`,
    )
  }
  if (found.nullable && !column.nullable) {
    const kind = live.mayHoldRows ? 'destructive' : 'additive'
    push(
      steps,
      shape,
      kind,
      `alter table ${table} alter column ${name} set not null`,
      `column ${column.name} of ${shape.name} became required`,
    )
  }
  if (!found.nullable && column.nullable) {
    push(
      steps,
      shape,
      'additive',
      `alter table ${table} alter column ${name} drop not null`,
      `column ${column.name} of ${shape.name} became optional`,
    )
  }
  compareChoices(shape, live, column, steps)
}

function addColumn(shape: TableShape, live: LiveTable, column: ColumnShape, steps: Steps): void {
  const table = tableName(shape.name)
  const definition = columnSql(shape.name, column)
  const why = `${shape.name} lacks the column ${column.name}`
  if (column.nullable || !live.mayHoldRows)
    return push(steps, shape, 'additive', `alter table ${table} add column ${definition}`, why)
  const name = quoteIdentifier(column.name)
  const fill = `alter table ${table} add column ${columnSql(shape.name, { ...column, nullable: true })}; update ${table} set ${name} = /* a value */ null; alter table ${table} alter column ${name} set not null`
  push(
    steps,
    shape,
    'destructive',
    fill,
    `${why}, which is required, and may hold rows: declare it optional or fill it`,
  )
}

function compareChoices(shape: TableShape, live: LiveTable, column: ColumnShape, steps: Steps): void {
  const was = live.noted?.declared.choices[column.name]
  const now = column.choices
  if (was === undefined && now === null) return
  if (was !== undefined && now !== null && was.join('\0') === now.join('\0')) return
  const constraint = choiceName(shape.name, column.name)
  const add = now ? `, add constraint ${constraint} ${choiceCheck(column.name, now)}` : ''
  const narrower = now !== null && !(was ?? []).every((choice) => now.includes(choice))
  const kind: Kind = (narrower || was === undefined) && live.mayHoldRows ? 'destructive' : 'additive'
  const statement = `alter table ${tableName(shape.name)} drop constraint if exists ${constraint}${add}`
  const lost = (was ?? []).filter((choice) => !now?.includes(choice)).map((choice) => quoteLiteral(choice))
  const detail = lost.length > 0 ? `, without ${lost.join(', ')} that rows may hold` : ''
  push(steps, shape, kind, statement, `the choices of ${column.name} in ${shape.name} changed${detail}`)
}

function push(steps: Steps, shape: TableShape, kind: Kind, statement: string, why: string): void {
  steps.push({ kind, resource: shape.name, statement, why })
}
