import type { Action, CanaryIntent, CanaryPerson, Resource } from '../declare/index.ts'
import type { Canaries } from './canaries.ts'
import { markedRow, ownerOf, storedAbout, type Mark, type Target } from './canary-targets.ts'
import type { ProbeContext } from './probe-context.ts'

export type Intent = CanaryIntent['action']
export const READING = ['list', 'read', 'export'] as const satisfies readonly Intent[]

/** What a permission must allow for the intent to be let through. */
export const ACTION_OF: Readonly<Record<Intent, Action>> = {
  create: 'write',
  update: 'write',
  list: 'read',
  read: 'read',
  export: 'read',
  delete: 'delete',
}

/** Where trials over HTTP are made, and by whom. */
export interface TrialPlace {
  readonly context: ProbeContext
  readonly canaries: Canaries
}

/** What the app gave back: status, headers and body as one text to be searched. */
export interface Answer {
  readonly status: number
  readonly ok: boolean
  /** False where the app was overloaded or failed: nothing is known then of what it lets through. */
  readonly answered: boolean
  readonly text: string
}

/** Null where the app has no route for the intent. */
export async function ask(
  canaries: Canaries,
  person: CanaryPerson,
  intent: CanaryIntent,
): Promise<Answer | null> {
  return readAnswer(await canaries.request(person, intent))
}

export async function readAnswer(response: Response | null): Promise<Answer | null> {
  if (response === null) return null
  const { status, statusText, ok } = response
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`)
  return {
    status,
    ok,
    answered: status < 500 && status !== 429,
    text: [`${status} ${statusText}`, ...headers, '', await response.text()].join('\n'),
  }
}

/** What came of one trial. */
export interface Outcome extends Answer {
  /** True when the row was shown, made, changed or gone: what the person had asked for was done. */
  readonly done: boolean
  /** Marks of the row that were shown. */
  readonly shown: readonly Mark[]
}

/** What is said beside the intent and its row. */
export type Manner = Pick<CanaryIntent, 'foreign' | 'headers' | 'undeclared'>

/**
 * Asks to see, to change or to delete one row, and looks at the answer or at what is stored. Null where
 * the app has no such route.
 */
export async function tryTarget(
  { context, canaries }: TrialPlace,
  person: CanaryPerson,
  intent: Exclude<Intent, 'create'>,
  target: Target & { readonly owner: CanaryPerson },
  manner: Manner = {},
): Promise<Outcome | null> {
  const { resource, owner } = target
  const values = intent === 'update' ? { values: markedRow(resource, ownerOf(owner), context.clock).row } : {}
  const isReading = ACTION_OF[intent] === 'read'
  const before = isReading ? null : await storedAbout(context, resource, owner)
  let last: Outcome | null = null
  for (const id of intent === 'list' || intent === 'export' ? [undefined] : target.names) {
    const named = id === undefined ? {} : { id }
    const about = { action: intent, resource: resource.name, ...named, ...values, ...manner }
    const answer = await ask(canaries, person, about)
    if (answer === null) return null
    const shown = target.marks.filter(({ text }) => answer.text.includes(text))
    const changed = before !== null && (await hasChanged(context, target, before))
    const isThere = shown.length > 0 || (target.marks.length === 0 && showsName(answer, target, about))
    last = { ...answer, shown, done: isReading ? answer.ok && isThere : changed }
    if (last.done) return last
  }
  return last
}

/** What was sent is no sign: an app may say it again. */
function showsName(answer: Answer, { names }: Target, { id }: Pick<CanaryIntent, 'id'>): boolean {
  return names.some((name) => name !== id && answer.text.includes(name))
}

async function hasChanged(
  context: ProbeContext,
  { resource, id, owner }: Target & { readonly owner: CanaryPerson },
  before: ReadonlyMap<string, string>,
): Promise<boolean> {
  return (await storedAbout(context, resource, owner)).get(id) !== before.get(id)
}

/**
 * Asks to make a row that is the owner's, and looks whether it is stored as theirs. Where the owner is
 * somebody else, the manner says how the app is made to believe it.
 */
export async function tryCreation(
  { context, canaries }: TrialPlace,
  person: CanaryPerson,
  resource: Resource,
  owner: CanaryPerson = person,
  manner: Manner = {},
): Promise<Outcome | null> {
  const { row: values } = markedRow(resource, ownerOf(person), context.clock)
  const before = await storedAbout(context, resource, owner, person)
  const answer = await ask(canaries, person, {
    action: 'create',
    resource: resource.name,
    values,
    ...manner,
  })
  if (answer === null) return null
  const after = await storedAbout(context, resource, owner, person)
  return { ...answer, shown: [], done: [...after].some(([id, row]) => before.get(id) !== row) }
}
