import { PERSONS, TENANTS } from './people.ts'
import type { Column, Domain, Kind, Table, Value } from './query.ts'
import type { Random } from './random.ts'

/** The columns that the suite asks for, as every test map declares them; `createdAt` and a few kinds are left out. */
export const COLUMNS: Readonly<
  Record<Table, readonly (readonly [name: string, kind: Kind, domain: Domain])[]>
> = {
  heartbeats: [
    ['id', 'clear', 'heartbeats'],
    ['personId', 'clear', 'person'],
    ['teamId', 'clear', 'tenant'],
    ['language', 'clear', 'word'],
    ['seconds', 'clear', 'number'],
    ['project', 'indexed', 'project'],
    ['lines', 'sealed', 'secret'],
    ['entity', 'sealed', 'secret'],
  ],
  people: [
    ['id', 'clear', 'people'],
    ['personId', 'clear', 'person'],
    ['email', 'indexed', 'email'],
    ['locale', 'clear', 'word'],
  ],
  teams: [
    ['id', 'clear', 'teams'],
    ['teamId', 'clear', 'tenant'],
    ['name', 'indexed', 'team'],
    ['seats', 'clear', 'number'],
  ],
  notes: [
    ['id', 'clear', 'notes'],
    ['teamId', 'clear', 'tenant'],
    ['title', 'clear', 'word'],
    ['rank', 'clear', 'number'],
  ],
  rates: [
    ['id', 'clear', 'rates'],
    ['currency', 'clear', 'word'],
    ['value', 'clear', 'number'],
  ],
}

/** Indexed under the tenant's key: whoever reads several tenants cannot compare them. */
export const TENANT_INDEXED: readonly Domain[] = ['project', 'team']
/** May be null in `heartbeats`; every other column always has a value. */
const OPTIONAL: readonly string[] = ['language', 'seconds', 'project', 'lines']

export const WORDS = ['ada', 'go', 'sql', 'zig'] as const
const PROJECTS = ['apollo', 'gemini', 'soyuz'] as const
const EMAILS = ['a@example.com', 'b@example.com', 'c@example.com'] as const
const NUMBERS_BELOW = 6

export function columnsOf(table: Table, alias: string): Column[] {
  return COLUMNS[table].map(([name, kind, domain]) => ({ is: 'column', alias, name, kind, domain }))
}

/** A value of the domain, of whichever tenant; `ids` are those of the rows by table. */
export function randomValue(
  random: Random,
  domain: Domain,
  ids: Readonly<Record<Table, readonly string[]>>,
): Value {
  switch (domain) {
    case 'number':
      return random.below(NUMBERS_BELOW)
    case 'word':
      return random.pick(WORDS)
    case 'project':
    case 'team':
      return random.pick(PROJECTS)
    case 'email':
      return random.pick(EMAILS)
    case 'person':
      return random.pick(Object.values(PERSONS))
    case 'tenant':
      return random.pick(Object.values(TENANTS))
    case 'secret':
      return `secret ${random.below(20)}`
    default:
      return random.pick(ids[domain])
  }
}

/** Values for every column but the id and the owner. */
export function randomDraft(random: Random, table: Table): Record<string, Value> {
  const drafted = COLUMNS[table].filter(([name]) => !['id', 'personId', 'teamId'].includes(name))
  return Object.fromEntries(
    drafted.map(([name, , domain]) => {
      if (OPTIONAL.includes(name) && table === 'heartbeats' && random.chance(0.15)) return [name, null]
      return [name, name === 'lines' ? random.below(100) : randomValue(random, domain, NO_IDS)]
    }),
  )
}

const NO_IDS: Readonly<Record<Table, readonly string[]>> = {
  heartbeats: [],
  people: [],
  teams: [],
  notes: [],
  rates: [],
}
