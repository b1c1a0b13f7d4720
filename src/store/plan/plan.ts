import { PostgresQueryCompiler, type OperationNode, type RootOperationNode } from 'kysely'
import { grantOf } from '../../access/index.ts'
import type { Resource } from '../../declare/index.ts'
import { StoreError } from '../errors.ts'
import { Authority, ColumnNeeds, Narrowed, type Policy } from './authority.ts'
import { planDelete } from './delete.ts'
import type { Draft } from './draft.ts'
import { fromArrays } from './from-arrays.ts'
import { planInsert } from './insert.ts'
import { kindOf, refuseNode, take } from './nodes.ts'
import { requireTellingRows, tellRows, type ToldTable } from './operator.ts'
import { planSelect } from './select.ts'
import type { Output } from './selections.ts'
import type { Upsert } from './upsert.ts'
import { planUpdate, type LockedUpdate } from './update.ts'

/** SQL whose parameters may be slots (`BlindValue`, `ColumnSlot`, `RowSlot`) that are filled when it runs. */
export interface Template {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** One governed statement, ready to run any number of times for the principal it was planned for. */
export interface Plan {
  readonly action: 'select' | 'insert' | 'update' | 'delete'
  readonly template: Template
  readonly outputs: readonly Output[]
  readonly settings: ReadonlyMap<string, string>
  readonly tables: readonly string[]
  readonly insert: Insert | null
  readonly update: (LockedUpdate & { readonly template: Template }) | null
  readonly upsert: RunnableUpsert | null
  readonly dropped: { readonly resource: string; readonly names: readonly string[] } | null
  /** What a change writes to, for the audit trail. */
  readonly changed: Changed | null
  /** An operator's select: its tables, and the hidden outputs that tell their rows. */
  readonly told: readonly ToldTable[]
  /** True when the text serves other statements, too, so that keeping it prepared pays. */
  readonly recurs: boolean
}

export interface Changed {
  readonly resource: Resource
  /** Declared fields that are written. */
  readonly columns: readonly string[]
  /** Where the rows are told: as they were sealed, in hidden columns, or (after a conflict) nowhere. */
  readonly told: 'stored' | 'returned' | 'nowhere'
}

/** A statement of several that one plan takes. */
export interface Step {
  readonly template: Template
  readonly outputs: readonly Output[]
}

export interface RunnableUpsert extends Upsert {
  readonly find: Step
  readonly write: Step
}

export interface Insert {
  readonly resource: Resource
  readonly drafts: readonly Draft[]
  /** True when the rows must be stored by one statement: a conflict may be resolved by an update. */
  readonly whole: boolean
}

const MOST_PARAMETERS = 65_535

/**
 * Plans a query tree for a principal, or refuses it. Nothing is read from the database.
 * @throws StoreError, ValueError
 */
export function planStatement(policy: Policy, node: RootOperationNode): Plan {
  const kind = kindOf(node)
  if (!Object.hasOwn(PLANNERS, kind)) refuseNode(node)
  const plan = PLANNERS[kind as keyof typeof PLANNERS]
  if (grantOf(policy.principal)) withinTheStack(() => requireTellingRows(node))
  const needs = new ColumnNeeds()
  for (;;) {
    const authority = new Authority(policy, needs)
    try {
      // Settings and tables are known only once everything else is planned.
      const planned = withinTheStack(() => plan(authority, node))
      return { ...planned, settings: authority.settings, tables: authority.tables }
    } catch (error) {
      // Each time one more field is known, so this ends.
      if (!(error instanceof Narrowed)) throw error
    }
  }
}

function withinTheStack<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new StoreError('ERR_STORE_TOO_LARGE', 'the query is nested too deeply')
  }
}

type Planned = Omit<Plan, 'settings' | 'tables'>
const NOTHING_MORE = {
  insert: null,
  update: null,
  upsert: null,
  dropped: null,
  changed: null,
  told: [],
  recurs: false,
} as const

const PLANNERS = {
  SelectQueryNode: (authority: Authority, node: OperationNode): Planned => {
    const select = planSelect(authority, null, new Map(), node, 'root')
    if (authority.principal.kind === 'operator') {
      const { node: telling, ...found } = tellRows(authority, take(node, 'SelectQueryNode'), select)
      return { ...NOTHING_MORE, action: 'select', template: compile(telling), ...found }
    }
    const { node: planned, outputs } = select
    return { ...NOTHING_MORE, action: 'select', template: compile(planned), outputs }
  },
  InsertQueryNode: (authority: Authority, node: OperationNode): Planned => {
    const { node: planned, outputs, resource, drafts, upsert, told, dropped } = planInsert(authority, node)
    return {
      ...NOTHING_MORE,
      action: 'insert',
      template: compile(fromArrays(resource, planned)),
      outputs,
      insert: { resource, drafts, whole: 'onConflict' in planned },
      upsert: upsert && { ...upsert, find: toStep(upsert.find), write: toStep(upsert.write) },
      dropped: droppedFrom(resource, dropped),
      changed: {
        resource,
        columns: [...new Set(drafts.flatMap((draft) => Object.keys(draft)))],
        told,
      },
    }
  },
  UpdateQueryNode: (authority: Authority, node: OperationNode): Planned => {
    const { node: planned, outputs, locked, resource, columns, dropped } = planUpdate(authority, node)
    return {
      ...NOTHING_MORE,
      action: 'update',
      template: compile(planned),
      outputs,
      update: locked && { ...locked, template: compile(locked.select.node) },
      dropped: droppedFrom(resource, dropped),
      changed: { resource, columns, told: locked ? 'stored' : 'returned' },
    }
  },
  DeleteQueryNode: (authority: Authority, node: OperationNode): Planned => {
    const { node: planned, outputs, resource } = planDelete(authority, node)
    const changed = { resource, columns: [], told: 'returned' } as const
    return { ...NOTHING_MORE, action: 'delete', template: compile(planned), outputs, changed }
  },
}

function toStep({ node, outputs }: { node: OperationNode; outputs: readonly Output[] }): Step {
  return { template: compile(node), outputs }
}

function droppedFrom(resource: Resource, names: readonly string[]): Plan['dropped'] {
  return names.length > 0 ? { resource: resource.name, names } : null
}

function compile(node: OperationNode): Template {
  const { sql, parameters } = new PostgresQueryCompiler().compileQuery(node as RootOperationNode, {
    queryId: 'governed',
  })
  if (parameters.length > MOST_PARAMETERS) {
    throw new StoreError('ERR_STORE_TOO_LARGE', `the statement has ${parameters.length} parameters`)
  }
  return { sql, parameters }
}
