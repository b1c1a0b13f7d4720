import type { CanaryIntent, CanaryPerson } from '../declare/index.ts'
import type { Target } from './canary-targets.ts'
import type { Intent } from './canary-trial.ts'

/** One request of somebody who has no business with the victim's tenant. */
export interface ForeignAttempt {
  readonly action: Intent
  /** In words: `with another tenant’s id as a filter`. */
  readonly how: string
  /** Without `values`: who asks adds some of their own. */
  readonly intent: CanaryIntent
  /** Ids of the victim that the request says: an answer may repeat them. */
  readonly sent: readonly string[]
  /** An id of no row, to be asked for in the same way: the answers must not differ. */
  readonly unknown?: string
  /** True where the request says no more than any other. */
  readonly isPlain: boolean
}

/** Each action in words, before the name of the resource. */
export const ATTEMPTED: Readonly<Record<Intent, string>> = {
  create: 'making',
  list: 'listing',
  read: 'reading',
  update: 'changing',
  delete: 'deleting',
  export: 'exporting',
}

const IN_WORDS = { path: 'in the path', query: 'as a filter', body: 'in the body' } as const
type Place = keyof typeof IN_WORDS

const PLACES: Readonly<Record<Intent, readonly Place[]>> = {
  create: ['path', 'query', 'body'],
  update: ['path', 'query', 'body'],
  list: ['path', 'query'],
  read: ['path', 'query'],
  export: ['path', 'query'],
  delete: ['path', 'query'],
}

/** Every attempt on one row of the victim's, those that say the least first. */
export function attemptsOn(
  target: Target,
  victim: CanaryPerson,
  own: Target | undefined,
): readonly ForeignAttempt[] {
  const onRow = (['read', 'update', 'delete'] as const).flatMap((action) => [
    ...target.names.flatMap((id) => variants(action, target, victim, id)),
    // One's own row, said to be theirs.
    ...(action === 'update' && own ? variants(action, target, victim, own.id, true) : []),
  ])
  const onAll = (['list', 'export', 'create'] as const).flatMap((action) => variants(action, target, victim))
  return [...onAll, ...onRow]
}

function variants(
  action: Intent,
  { resource }: Target,
  victim: CanaryPerson,
  id?: string,
  isOwn = false,
): ForeignAttempt[] {
  const base: CanaryIntent = { action, resource: resource.name, ...(id !== undefined && { id }) }
  const isTheirs = id !== undefined && !isOwn
  const said = isTheirs ? [id] : []
  const row = isTheirs ? 'by its id' : isOwn ? 'of its own' : 'as anybody does'
  const plain: ForeignAttempt = {
    action,
    how: row,
    intent: base,
    sent: said,
    isPlain: true,
    ...(isTheirs && { unknown: nearlySame(id) }),
  }
  // Names are guessed where ids choose among rows, or move one: a row that is named is chosen.
  const more = [...foreignIds(action, victim), ...(isTheirs ? [] : guesses(action, resource, victim))]
  return [
    // One's own row, changed as anybody does, is no attempt.
    ...(isOwn ? [] : [plain]),
    ...more.map(({ how, sent, ...manner }) => ({
      action,
      how: id === undefined ? how : `${row}, ${how}`,
      intent: { ...base, ...manner },
      sent: [...said, ...sent],
      isPlain: false,
    })),
  ]
}

type Manner = Pick<CanaryIntent, 'foreign' | 'undeclared'> & Pick<ForeignAttempt, 'how' | 'sent'>

/** Ids where the app itself takes ids, as its canary functions know. */
function foreignIds(action: Intent, { tenant, id: person }: CanaryPerson): Manner[] {
  const ids = [
    { what: 'another tenant’s id', ids: { tenant } },
    { what: 'the id of somebody elsewhere', ids: { person } },
    { what: 'ids of another tenant and of somebody in it', ids: { tenant, person } },
  ]
  return PLACES[action].flatMap((place) =>
    ids.map(({ what, ids }) => ({
      how: `with ${what} ${IN_WORDS[place]}`,
      foreign: { place, ...ids },
      sent: Object.values(ids),
    })),
  )
}

/** The same under names that an attacker would guess: the columns', and what is often made of them. */
function guesses(action: Intent, resource: Target['resource'], victim: CanaryPerson): Manner[] {
  const owners = [
    ...(resource.tenant === null ? [] : [[resource.tenant, victim.tenant] as const]),
    ...resource.subjects.map(({ column }) => [column, victim.id] as const),
  ]
  const places = PLACES[action].filter((place) => place !== 'path')
  return places.flatMap((place) =>
    owners.flatMap(([column, value]) =>
      namesLike(column).map((name) => ({
        how: `with another’s ${name} ${IN_WORDS[place]}`,
        undeclared: { place, name, value },
        sent: [value],
      })),
    ),
  )
}

/** `teamId`, `team_id`, `team`. */
function namesLike(column: string): readonly string[] {
  const snake = column.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return [...new Set([column, snake, snake.replace(/_id$/, '')])]
}

/** An id of the same kind and time that nothing has. */
function nearlySame(id: string): string {
  return `${id.slice(0, -12)}${crypto.randomUUID().slice(-12)}`
}
