import type { KeyObject } from 'node:crypto'
import type { QueryResult } from 'kysely'
import pg from 'pg'
import { keyOwnerColumn, tenantColumn, type Resource } from '../declare/index.ts'
import { settingName, SUBJECT_SETTING, TENANT_SETTING } from '../database/index.ts'
import {
  blindIndex,
  holdKeys,
  isSameKey,
  KEYS_CHANGED,
  readKeyOf,
  type DataKeyRow,
  type KeyOwner,
  type KeyTree,
  type RecalledKey,
} from '../keys/index.ts'
import { BatchFailure, type StatementResult, type Step } from './batch.ts'
import { recordOf, withoutHidden } from './audit-trail.ts'
import type { Execution } from './execute.ts'
import { BlindValue } from './plan/blind.ts'
import { ColumnSlot } from './plan/from-arrays.ts'
import type { Plan } from './plan/plan.ts'
import { asFound } from './seal/locked-update.ts'
import { openRowsFrom, type Keys } from './seal/open-rows.ts'
import { fillColumn, toIndex } from './seal/parameters.ts'
import { indexesOf, ownersOf, receiveDrafts, RowSealer } from './seal/seal-drafts.ts'
import type { Send } from './transport.ts'

/** Rows sent with one statement of an insert: the server stores some while the next are being sealed. */
export const CHUNK_ROWS = 125

type Result = QueryResult<unknown>

/**
 * The short way of a plan: everything it needs behind one Sync, with keys as they were last read and,
 * in the same transaction, the proof that they still are. Null for plans whose later steps depend on
 * what earlier ones found, the record of a change among them where only the change tells which rows
 * it was, and for rows about several subjects. The work itself answers null when a key was not known
 * or has changed.
 */
export function atOnce(execution: Execution, plan: Plan): ((send: Send) => Promise<Result | null>) | null {
  if (plan.update || plan.upsert || isAboutSeveral(plan)) return null
  if (execution.audited && plan.changed && plan.changed.told !== 'stored') return null
  const seals = plan.outputs.some(({ sealed }) => sealed)
  if (plan.action === 'select') return (send) => selectAtOnce(execution, plan, send)
  // What a change returns is opened before it is committed.
  if (seals) return null
  if (plan.insert) return (send) => insertAtOnce(execution, plan, plan.insert!, send)
  return plan.outputs.length === 0 ? (send) => changeAtOnce(execution, plan, send) : null
}

function isAboutSeveral({ outputs, changed }: Plan): boolean {
  const resources = outputs.flatMap(({ sealed }) => (sealed ? [sealed.carrier.resource] : []))
  return [...resources, ...(changed ? [changed.resource] : [])].some(({ subjects }) => subjects.length > 1)
}

async function selectAtOnce({ keys, logger }: Execution, plan: Plan, send: Send): Promise<Result | null> {
  const filled = recallParameters(keys, plan.template.parameters)
  if (!filled) return null
  const owners = [...expectedOwners(plan), ...filled.recalled.map(({ row }) => row)]
  const statement: Step = { sql: plan.template.sql, parameters: filled.parameters, prepare: plan.recurs }
  const [result, ...found] = await send(() => [statement, ...owners.map(readStep)])
  const read = found.flatMap(({ rows }) => rows as unknown as DataKeyRow[])
  const isUnchanged = (recalled: RecalledKey): boolean =>
    isSameKey(
      recalled,
      read.find(({ id }) => id === recalled.row.id),
    )
  if (!filled.recalled.every(isUnchanged)) return null
  try {
    const readKeys = (ids: readonly string[]): Promise<Keys> => collectKeys(keys, send, read, ids)
    const reader = { readKeys, run: refuseMore }
    return { rows: await openRowsFrom(reader, logger, result!.rows, plan.outputs) }
  } catch (error) {
    if (error === NOT_AT_ONCE) return null
    throw error
  }
}

/** Thrown where the short way turns out not to do. */
const NOT_AT_ONCE = new RangeError('a statement needs more than one step')

function refuseMore(): never {
  throw NOT_AT_ONCE
}

/** The keys of rows: from what came with them, and in a second round trip what did not. */
async function collectKeys(
  keys: KeyTree,
  send: Send,
  read: readonly DataKeyRow[],
  ids: readonly string[],
): Promise<Keys> {
  const known = new Set(read.map(({ id }) => id))
  const missing = ids.filter((id) => !known.has(id))
  const sql = 'select id, tenant, subject, bucket, wrapped from surety.data_keys where id = any($1::uuid[])'
  const step = { sql, parameters: [missing], prepare: true }
  const more = missing.length > 0 ? ((await send(() => [step]))[0]!.rows as unknown as DataKeyRow[]) : []
  const rows = [...read, ...more]
  const live = await keys.openRead(rows.filter(({ id }) => ids.includes(id)))
  if (!live) throw NOT_AT_ONCE
  return { live, erased: new Set(rows.flatMap(({ id, wrapped }) => (wrapped === null ? [id] : []))) }
}

function readStep(owner: KeyOwner): Step {
  return { ...readKeyOf(owner), prepare: true }
}

/** Whose keys the selected rows are sealed with, where the reach of the statement leaves no choice. */
function expectedOwners({ outputs, settings }: Plan): KeyOwner[] {
  const resources = new Set(outputs.flatMap(({ sealed }) => (sealed ? [sealed.carrier.resource] : [])))
  const owners = new Map<string, KeyOwner>()
  for (const resource of resources) {
    const owner = expectedOwner(resource, settings)
    if (owner) owners.set(`${owner.tenant}/${owner.subject}`, owner)
  }
  return [...owners.values()]
}

function expectedOwner(resource: Resource, settings: Plan['settings']): KeyOwner | null {
  const scope = settings.get(settingName('read', resource.name))
  const person = settings.get(SUBJECT_SETTING)
  const tenant = resource.tenant === null ? person : settings.get(TENANT_SETTING)
  if (tenant === undefined || scope === 'any') return null
  if (keyOwnerColumn(resource) === tenantColumn(resource)) return { tenant, subject: tenant }
  return scope === 'own' && person !== undefined ? { tenant, subject: person } : null
}

/** A change that neither seals nor returns anything: only the blind indexes it is chosen by need keys. */
async function changeAtOnce({ keys }: Execution, plan: Plan, send: Send): Promise<Result | null> {
  const filled = recallParameters(keys, plan.template.parameters)
  if (!filled) return null
  const held = distinct(filled.recalled)
  const statement: Step = { sql: plan.template.sql, parameters: filled.parameters, prepare: plan.recurs }
  const holds = held.length > 0 ? [holdStep([], held)] : []
  const results = await sendHeld(send, holds.length, () => [...holds, statement])
  return results && { rows: [], numAffectedRows: BigInt(results[0]!.count) }
}

async function insertAtOnce(
  { keys, clock, audited }: Execution,
  plan: Plan,
  { resource, drafts, whole }: NonNullable<Plan['insert']>,
  send: Send,
): Promise<Result | null> {
  if (plan.template.parameters.some((parameter) => parameter instanceof BlindValue)) return null
  const recalled = recallSealing(keys, resource, drafts)
  if (!recalled) return null
  const { sealing, indexing, sealer } = recalled
  const rows = receiveDrafts(clock, drafts)
  const stored = audited ? rows.map((row) => asFound(resource, row)) : []
  const record = await recordOf(audited, plan, rows.length, { stored, returned: [] })
  const holds = sealing.length + indexing.length > 0 ? [holdStep(sealing, indexing)] : []
  const size = whole ? rows.length : CHUNK_ROWS
  const { sql, parameters: slots } = plan.template
  function* steps(): Iterable<Step> {
    yield* holds
    for (let from = 0; from < rows.length; from += size) {
      const sealed = sealer.seal(rows.slice(from, from + size))
      const parameters = slots.map((slot) => (slot instanceof ColumnSlot ? fillColumn(slot, sealed) : slot))
      yield { sql, parameters, prepare: true }
    }
    // Behind the change and before the Sync: both are committed or neither.
    if (record) yield { ...record, prepare: true }
  }
  const results = await sendHeld(send, holds.length, steps)
  if (!results) return null
  const chunks = results.slice(0, Math.ceil(rows.length / size))
  const count = chunks.reduce((sum, one) => sum + one.count, 0)
  const returned = chunks.flatMap((one) => one.rows)
  return { rows: [...withoutHidden(plan, returned)], numAffectedRows: BigInt(count) }
}

/** The keys that rows are sealed with, as they were read last; null when one of them never was. */
function recallSealing(
  keys: KeyTree,
  resource: Resource,
  drafts: Parameters<typeof ownersOf>[1],
): { sealing: RecalledKey[]; indexing: RecalledKey[]; sealer: RowSealer } | null {
  const sealing = new Map<string, RecalledKey>()
  for (const [name, owner] of ownersOf(resource, drafts)) {
    const recalled = keys.recall(owner)
    if (!recalled) return null
    sealing.set(name, recalled)
  }
  const indexing = new Map<string, RecalledKey & { readonly index: KeyObject }>()
  for (const [name, index] of indexesOf(resource, drafts)) {
    const recalled = keys.recallBlindIndexKey(index)
    if (!recalled) return null
    indexing.set(name, recalled)
  }
  const dataKeys = new Map([...sealing].map(([name, { key }]) => [name, key]))
  const indexKeys = new Map([...indexing].map(([name, { index }]) => [name, index]))
  return {
    sealing: [...sealing.values()],
    indexing: distinct([...indexing.values()]),
    sealer: new RowSealer(resource, dataKeys, indexKeys),
  }
}

/** Sends a change behind its hold; null when the hold found a key changed, and so nothing was done. */
async function sendHeld(
  send: Send,
  holds: number,
  steps: () => Iterable<Step>,
): Promise<StatementResult[] | null> {
  try {
    return (await send(steps)).slice(holds)
  } catch (error) {
    if (error instanceof BatchFailure && error.step < holds && isKeysChanged(error.cause)) return null
    throw error
  }
}

function isKeysChanged(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && cause.code === KEYS_CHANGED
}

function holdStep(sealing: readonly RecalledKey[], indexing: readonly RecalledKey[]): Step {
  return { ...holdKeys(sealing, indexing), prepare: true }
}

function distinct(keys: readonly RecalledKey[]): RecalledKey[] {
  return [...new Map(keys.map((recalled) => [recalled.row.id, recalled])).values()]
}

/** Parameters with blind indexes made by recalled keys; null when one is not known. */
function recallParameters(
  keys: KeyTree,
  parameters: readonly unknown[],
): { parameters: unknown[]; recalled: RecalledKey[] } | null {
  const recalled = new Map<string, RecalledKey>()
  const filled: unknown[] = []
  for (const parameter of parameters) {
    if (!(parameter instanceof BlindValue)) {
      filled.push(parameter)
      continue
    }
    const found = keys.recallBlindIndexKey(toIndex(parameter))
    if (!found) return null
    recalled.set(found.row.id, found)
    filled.push(blindIndex(found.index, parameter.value as string | number))
  }
  return { parameters: filled, recalled: [...recalled.values()] }
}
