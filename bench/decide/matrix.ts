import { freezePrincipal, parseRoles, type Principal } from '../../src/access/index.ts'
import { field, resource, type Action, type Resource } from '../../src/declare/index.ts'

export type Reach = 'own' | 'tenant'

/** One question: may this principal do that to those rows. */
export interface Question {
  readonly person: number
  readonly resource: Resource
  readonly action: Action
  readonly reach: Reach
}

/** The same matrix for every contender: roles × resources × (three actions on own or the tenant's rows). */
export interface Matrix {
  readonly resources: readonly Resource[]
  /** By role: what it may do, such as `r7 read tenant`. `tenant` stands beside `own`. */
  readonly allowed: ReadonlyMap<string, readonly Allowed[]>
  readonly people: readonly Principal[]
  readonly questions: readonly Question[]
}

export interface Allowed {
  readonly resource: string
  readonly action: Action
  readonly reach: Reach
}

const ACTIONS: readonly Action[] = ['read', 'write', 'delete']
const ROLES = 50
const RESOURCES = 40

export function createMatrix(people: number, questions: number): Matrix {
  const random = mulberry32(20_261_122)
  const pick = (most: number): number => Math.floor(random() * most)
  const resources = Array.from({ length: RESOURCES }, (_, i) => table(`r${i}`))
  const allowed = new Map(
    Array.from({ length: ROLES }, (_, i) => [
      `role-${i}`,
      resources.flatMap(({ name }) =>
        ACTIONS.flatMap((action): Allowed[] => {
          const draw = random()
          if (draw > 0.5) return []
          const own = { resource: name, action, reach: 'own' } as const
          return draw > 0.2 ? [own] : [own, { ...own, reach: 'tenant' }]
        }),
      ),
    ]),
  )
  return {
    resources,
    allowed,
    people: Array.from({ length: people }, (_, i) => person(i, rolesOf(pick))),
    questions: Array.from({ length: questions }, () => ({
      person: pick(people),
      resource: resources[pick(RESOURCES)]!,
      action: ACTIONS[pick(3)]!,
      reach: pick(2) === 0 ? 'own' : 'tenant',
    })),
  }
}

/** Our form of it. */
export function compileRoles({ allowed }: Matrix): ReturnType<typeof parseRoles> {
  return parseRoles(
    Object.fromEntries(
      [...allowed].map(([role, list]) => [
        role,
        list.map(({ resource: name, action, reach }) => `${name}:${action}:${reach}`),
      ]),
    ),
  )
}

/** One role or two. */
function rolesOf(pick: (most: number) => number): string[] {
  const numbers = [...new Set([pick(ROLES), pick(ROLES)])].toSorted((a, b) => a - b)
  return numbers.map((i) => `role-${i}`)
}

function person(i: number, roles: readonly string[]): Principal {
  const id = `018f3c1e-0000-7000-8000-${i.toString(16).padStart(12, '0')}`
  const tenant = `018f3c1e-0000-7000-9000-${(i % 5_000).toString(16).padStart(12, '0')}`
  return freezePrincipal({ kind: 'user', id, tenant, roles })
}

function table(name: string): Resource {
  return resource({
    name,
    subject: 'personId',
    tenant: 'teamId',
    purpose: 'to be asked about',
    basis: 'contract',
    retention: 'account',
    fields: { personId: field.id(), teamId: field.id(), note: field.text('a note', { max: 9 }) },
  })
}

/** The same numbers in every run. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
