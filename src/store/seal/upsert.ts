import type { QueryResult } from 'kysely'
import { requireSubjects } from '../../declare/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { StoreError } from '../errors.ts'
import { toParameter, type Draft } from '../plan/draft.ts'
import type { Plan, RunnableUpsert, Step } from '../plan/plan.ts'
import type { OpenTransaction } from '../transport.ts'
import { asFound } from './locked-update.ts'
import { openRows, type Opening } from './open-rows.ts'
import { fillParameters, type StoredRow } from './parameters.ts'
import { sealDrafts, sealRows } from './seal-drafts.ts'

interface Upserting extends Opening {
  readonly clock: Clock
}

/** How often a row that is neither found nor inserted is looked for again. */
const ROUNDS = 3

/** A row that the upsert is about, with what the statement returns for it. */
interface Task {
  readonly key: string
  readonly draft: Draft
  rows: readonly unknown[]
  count: number
  /** The row as it was written last. */
  stored: StoredRow | null
}

/**
 * Resolves rows against those that are there: looks for them and locks them, reseals what it finds,
 * inserts what it does not. A row that somebody else inserts in between is waited for by the insert
 * and found in the next round. Keys are taken in one order, so that two upserts of the same rows
 * wait for each other and do not deadlock.
 *
 * @throws StoreError `ERR_STORE_CONFLICT` for a row that is there and out of reach; `ERR_STORE_VALUE`
 *   for two rows with one key
 */
export async function runUpsert(
  upserting: Upserting,
  transaction: OpenTransaction,
  plan: Plan,
  upsert: RunnableUpsert,
): Promise<QueryResult<unknown> & { readonly stored: readonly StoredRow[] }> {
  const tasks = plan.insert!.drafts.map((draft): Task => {
    return { key: keyOf(upsert, draft), draft, rows: [], count: 0, stored: null }
  })
  requireDistinct(upsert, tasks)
  let open = tasks.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  for (let round = 0; open.length > 0; round++) {
    if (round === ROUNDS) throw unresolved(upsert)
    const found = await find(upserting, transaction, upsert)
    await change(upserting, transaction, upsert, open, found)
    const absent = open.filter(({ key }) => !found.has(key))
    open = await insert(upserting, transaction, plan, absent)
  }
  const count = tasks.reduce((sum, task) => sum + task.count, 0)
  const stored = tasks.flatMap((task) => (task.count > 0 && task.stored !== null ? [task.stored] : []))
  return { rows: tasks.flatMap(({ rows }) => rows), numAffectedRows: BigInt(count), stored }
}

function keyOf({ resource, key }: RunnableUpsert, row: Draft): string {
  return JSON.stringify(key.map((field) => toParameter(resource, field, row[field])))
}

function requireDistinct({ resource }: RunnableUpsert, tasks: readonly Task[]): void {
  if (new Set(tasks.map(({ key }) => key)).size === tasks.length) return
  throw new StoreError('ERR_STORE_VALUE', `two rows for ${resource.name} have the same unique values`)
}

/** The stored rows by their key, locked. */
async function find(
  upserting: Upserting,
  transaction: OpenTransaction,
  upsert: RunnableUpsert,
): Promise<ReadonlyMap<string, Draft>> {
  const { template, outputs } = upsert.find
  const parameters = await fillParameters(transaction, upserting.keys, template.parameters, [])
  const { rows } = await transaction.run(template.sql, parameters)
  const opened = await openRows(upserting, transaction, rows, outputs)
  return new Map(opened.map((row) => [keyOf(upsert, row), row]))
}

async function change(
  upserting: Upserting,
  transaction: OpenTransaction,
  upsert: RunnableUpsert,
  tasks: readonly Task[],
  found: ReadonlyMap<string, Draft>,
): Promise<void> {
  const { resource, condition } = upsert
  const meant = tasks.flatMap((task) => {
    const row = found.get(task.key)
    return row && (condition === null || row[condition] === true) ? [{ task, row }] : []
  })
  const next = meant.map(({ task, row }) => changed(upsert, row, task.draft))
  const stored = await sealRows(transaction, upserting.keys, resource, next)
  for (const [i, { task, row }] of meant.entries())
    await write(upserting, transaction, upsert.write, task, [stored[i]!, asFound(resource, row)])
}

function changed({ resource, literals, given }: RunnableUpsert, row: Draft, draft: Draft): Draft {
  const next = { ...row, ...literals, ...Object.fromEntries(given.map((field) => [field, draft[field]])) }
  requireSubjects(resource, next)
  return next
}

/** Inserts the rows that are absent; gives back those that somebody else inserted first. */
async function insert(
  upserting: Upserting,
  transaction: OpenTransaction,
  plan: Plan,
  tasks: readonly Task[],
): Promise<Task[]> {
  const { keys, clock } = upserting
  const drafts = tasks.map(({ draft }) => draft)
  const stored = await sealDrafts(transaction, keys, clock, plan.insert!.resource, drafts)
  for (const [i, task] of tasks.entries()) await write(upserting, transaction, plan, task, [stored[i]!])
  return tasks.filter(({ count }) => count === 0)
}

async function write(
  upserting: Upserting,
  transaction: OpenTransaction,
  { template, outputs }: Step,
  task: Task,
  slots: readonly StoredRow[],
): Promise<void> {
  const parameters = await fillParameters(transaction, upserting.keys, template.parameters, slots)
  const { rows, count } = await transaction.run(template.sql, parameters)
  task.rows = await openRows(upserting, transaction, rows, outputs)
  task.count = count
  task.stored = slots[0] ?? null
}

function unresolved({ resource }: RunnableUpsert): Error {
  return new StoreError(
    'ERR_STORE_CONFLICT',
    `a row of ${resource.name} with these unique values is there and out of reach`,
  )
}
