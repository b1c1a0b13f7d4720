import type { Kysely } from 'kysely'
import { effectiveGrant, systemPrincipal, type Principal, type RelyingParty } from '../access/index.ts'
import {
  asConnection,
  listStrangers,
  poolBeside,
  type Database,
  type Logger,
  type Stranger,
} from '../database/index.ts'
import type { ResourceMap, StaffConfig, SuretyConfig } from '../declare/index.ts'
import type { AccountTables, Accounts } from '../identity/index.ts'
import type { Clock } from '../kernel/index.ts'
import { createTicker, type AuditLog } from '../log/index.ts'
import type { AnyTables, StaffView } from '../promises/index.ts'
import {
  createMarks,
  createStaff,
  type BrokenGlass,
  type StaffPorts,
  type StaffRoom,
  type StaffTables,
} from '../staff/index.ts'
import { createStore, type OperatorGate, type StoreOptions } from '../store/index.ts'
import type { SystemFolder } from './system-folder.ts'

export interface SystemStaffOptions {
  readonly config: SuretyConfig
  /** What the system's store is made of. */
  readonly store: StoreOptions<ResourceMap>
  readonly database: Database
  readonly audit: AuditLog
  /** Public address of the app; asked for when a passkey is looked at. */
  readonly url: () => string
  readonly alarm?: ((alarm: BrokenGlass) => void) | undefined
  readonly folder: Pick<SystemFolder, 'staff'>
  /** Where staff sign in elsewhere: then their accounts are not looked at. Default: with the library, if anywhere. */
  readonly visitor?: unknown
  /** A tool looks for nobody at the database: the server does. */
  readonly mode: 'server' | 'tool'
  readonly clock: Clock
  readonly logger: Logger
}

/** A system's staff room, and what probes see of it. */
export interface SystemStaff {
  readonly room: StaffRoom
  readonly view: StaffView
  close(): Promise<void>
}

/** Connections for staff's own records: never those of operators' statements, which wait for them. */
const RECORD_CONNECTIONS = 4

/** Opens the staff room; null where the configuration declares no staff. @throws StaffError `ERR_STAFF_CONFIG` */
export function openSystemStaff(options: SystemStaffOptions): SystemStaff | null {
  const { config, store, database, alarm, logger, folder, visitor } = options
  if (!config.staff) return null
  const pool = poolBeside(database.app, RECORD_CONNECTIONS, logger)
  const own = createStore({ ...store, pool })
  const as = <Tables>(task: string, tables: readonly string[]) =>
    own.as(systemPrincipal(task, tables)).db as unknown as Kysely<Tables>
  try {
    const room = createStaff({
      ...options,
      alarm: (told) => alarm?.(told),
      config: config.staff,
      resources: config.resources,
      get passkeys() {
        return relyingParty(config.staff!, options.url())
      },
      data: (...tables) => as<StaffTables>('staff', tables),
      marks: createMarks(folder.staff),
      enabled: config.signIn && !visitor ? enabledAmong(() => as('staff.accounts', ['accounts'])) : undefined,
      erased: (owners) => erasedAmong(database, owners),
      count: (resource, groupBy, least) =>
        countPeople(as<AnyTables>('staff.count', [resource]), config, resource, groupBy, least),
    })
    const watch = options.mode === 'server' ? watchStrangers(options) : null
    const close = async (): Promise<void> => {
      await watch?.close()
      await pool.end()
    }
    return { room, view: createView(options, room), close }
  } catch (error) {
    void pool.end()
    throw error
  }
}

/** Looks at accounts of the library's own sign-in. */
function enabledAmong(accounts: () => Kysely<AccountTables>): StaffPorts['enabled'] {
  return async (people) => {
    if (people.length === 0) return new Set()
    const rows = await accounts()
      .selectFrom('accounts')
      .select(['personId', 'disabledAt'])
      .where('personId', 'in', [...people])
      .execute()
    return new Set(rows.filter(({ disabledAt }) => disabledAt === null).map(({ personId }) => personId))
  }
}

/** Looks at tombstones of data keys. */
async function erasedAmong({ owner }: Database, owners: readonly string[]): Promise<Set<string>> {
  const { rows } = await owner.query<{ subject: string }>(
    'select distinct subject from surety.data_keys where subject = any($1::uuid[]) and erased_at is not null',
    [owners],
  )
  return new Set(rows.map(({ subject }) => subject))
}

/** The same accounts: whoever is switched off or removed loses what they were granted as staff, for good. */
export function endingGrants(accounts: Accounts, { grants }: Pick<StaffRoom, 'grants'>): Accounts {
  return {
    ...accounts,
    async setEnabled(personId, enabled) {
      await accounts.setEnabled(personId, enabled)
      if (!enabled) await grants.endAllOf(personId)
    },
    async remove(personId) {
      await accounts.remove(personId)
      await grants.endAllOf(personId)
    },
  }
}

function relyingParty({ passkeys }: StaffConfig, url: string): RelyingParty {
  const { hostname, origin } = new URL(url)
  return passkeys ?? { id: hostname, origins: [origin] }
}

async function countPeople(
  db: Kysely<AnyTables>,
  { resources }: SuretyConfig,
  resource: string,
  groupBy: readonly string[],
  least: number,
) {
  const person = resources[resource]!.subjects[0]!.column
  const counted = db
    .selectFrom(resource)
    .select([...groupBy])
    .select((select) => select.fn.count(person).distinct().as('people'))
    .having((having) => having.fn.count(person).distinct(), '>=', least)
  const rows = await (groupBy.length > 0 ? counted.groupBy([...groupBy]) : counted).execute()
  return rows.map(({ people, ...group }) => ({ ...group, people: Number(people) }))
}

function createView({ config, store, database, clock }: SystemStaffOptions, room: StaffRoom): StaffView {
  return {
    standing: () => room.standing(),
    strangers: () => strangersOf(database, config),
    shownTo: (person) => room.accesses.ofPerson(person),
    compare: (ignored) => room.accesses.compare(ignored),
    rehearse({ operator, scope, resource, recorded }) {
      // A grant of this process alone: no request reaches it, and it opens an invented person's rows.
      const grant = effectiveGrant('rehearsal', {
        ...{
          v: 1,
          kind: 'support',
          purpose: 'a probe reads a row that it made',
          ticket: 'probe',
          role: 'probe',
        },
        ...{ requester: operator, scope, resources: { [resource]: null }, actions: ['read'], delay: null },
        ...{ from: clock.now(), until: clock.now() + 60_000, nonce: '0'.repeat(32) },
      })
      const gate: OperatorGate = {
        check: () => Promise.resolve(grant),
        record: recorded
          ? room.gate.record
          : () => Promise.reject(new RangeError('a record that fails on purpose')),
      }
      const asking: Principal = {
        kind: 'operator',
        id: operator,
        tenant: null,
        roles: ['probe'],
        grant: grant.id,
      }
      return createStore({ ...store, operators: gate }).as(asking).db as unknown as Kysely<AnyTables>
    },
  }
}

function strangersOf({ owner, kind }: Database, { staff }: SuretyConfig): Promise<Stranger[]> {
  // The embedded server's own superuser, whose password lies in the data folder alone.
  const own = kind === 'embedded' ? ['postgres'] : []
  return listStrangers(asConnection(owner), [...own, ...(staff?.databaseRoles ?? [])])
}

const WATCH_EVERY_MS = 60_000

/** Looks once a minute, and records each direct session and undeclared role once in the audit log. */
export function watchStrangers({
  config,
  database,
  audit,
  clock,
  logger,
}: Pick<SystemStaffOptions, 'config' | 'database' | 'audit' | 'clock' | 'logger'>): {
  close(): Promise<void>
} {
  let known = new Set<string>()
  const look = async (): Promise<void> => {
    try {
      const found = await strangersOf(database, config)
      for (const one of found) {
        if (known.has(nameOf(one))) continue
        const { kind, role, program } = one
        audit.note({ kind: `database.${kind}-noticed`, role, program })
        logger.warn({ kind, role, program }, 'somebody is at the database directly')
      }
      known = new Set(found.map(nameOf))
    } catch (err) {
      logger.warn({ err }, 'direct sessions of the database could not be listed')
    }
  }
  const ticker = createTicker(look, { clock, pauseMs: WATCH_EVERY_MS, pollMs: WATCH_EVERY_MS })
  ticker.wake()
  return ticker
}

function nameOf({ kind, role, pid }: Stranger): string {
  return `${kind}/${role}/${pid}`
}
