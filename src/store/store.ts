import type { Kysely } from 'kysely'
import type pg from 'pg'
import { freezePrincipal, parseRoles, type Principal } from '../access/index.ts'
import type { PermissionText, ResourceMap, TablesOf } from '../declare/index.ts'
import type { Logger } from '../database/index.ts'
import type { KeyTree } from '../keys/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { AuditTrail } from './audit-trail.ts'
import { governedDialect } from './dialect.ts'
import { execute } from './execute.ts'
import { GovernedKysely } from './governed-kysely.ts'
import { operatorDialect } from './operator.ts'
import type { OperatorGate } from './operator-gate.ts'
import type { Policy } from './plan/authority.ts'
import { PlanCache } from './plan/plan-cache.ts'
import { toStoreError } from './database-error.ts'
import { Session } from './transport.ts'
import { probeWires, type Wires } from './wires.ts'

/**
 * Leaves the store's own predicates out, so that a test can show row-level security holding alone.
 * A symbol: no configuration file can set it.
 */
export const WITHOUT_PREDICATES: unique symbol = Symbol('surety.store.withoutPredicates')

export interface StoreOptions<Resources extends ResourceMap> {
  readonly resources: Resources
  /** The configuration's roles. */
  readonly roles: { readonly [role: string]: readonly PermissionText[] }
  /** Logs in as `surety_app`: a role that owns nothing and cannot bypass row-level security. */
  readonly pool: pg.Pool
  readonly keys: KeyTree
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Told of undeclared members that an insert or update left out. Names come from callers. Its own
   * failure is logged and changes nothing. Default: nobody.
   */
  readonly onDropped?: (resource: string, names: readonly string[]) => unknown
  /** Records every change, in its transaction. Default: nothing is recorded. */
  readonly trail?: AuditTrail
  /** Decides about operators and records what they see. Default: operators reach nothing. */
  readonly operators?: OperatorGate
  readonly [WITHOUT_PREDICATES]?: true
}

/** What one principal can do with the data. */
export interface Governed<DB> {
  readonly principal: Principal
  readonly db: Kysely<DB>
}

export interface Store<DB> {
  /**
   * The data as `principal` may see it. Cheap: make one per request.
   * @throws AccessError `ERR_ACCESS_PRINCIPAL`, `ERR_ACCESS_SYSTEM`
   */
  as(principal: Principal): Governed<DB>
}

/**
 * The governed store over a data map and its roles.
 * @throws DeclareError `ERR_DECLARE_PERMISSION` for a role that cannot be parsed
 */
export function createStore<const Resources extends ResourceMap>(
  options: StoreOptions<Resources>,
): Store<TablesOf<Resources>> {
  const { pool } = options
  const roles = parseRoles(options.roles)
  const resources = new Map(Object.values(options.resources).map((resource) => [resource.name, resource]))
  const plans = new PlanCache()
  const predicates = options[WITHOUT_PREDICATES] !== true
  const connect = connector(pool, options.logger)
  return {
    as(asking) {
      const principal = freezePrincipal(asking)
      const { trail } = options
      const refused = trail ? { onRefused: (code: string) => trail.refused(principal, code) } : {}
      const policy: Policy = { principal, roles, resources, predicates, ...refused }
      const audited = trail ? { audited: { trail, actor: principal } } : {}
      const execution = { ...options, ...audited }
      const { operators } = options
      const dialect =
        principal.kind === 'operator' && operators
          ? operatorDialect({ connect, policy, execution, gate: operators })
          : governedDialect(policy, { connect, execute: execute.bind(null, execution) }, plans)
      return { principal, db: new GovernedKysely<TablesOf<Resources>>(dialect) }
    },
  }
}

/** Connections of the pool; what they can do is tried at the first. */
function connector(pool: pg.Pool, logger: Logger): () => Promise<Session> {
  let tried: Promise<Wires> | null = null
  const find = async (client: pg.PoolClient): Promise<Wires> => {
    try {
      const wires = await probeWires(client)
      if (!wires.batches)
        logger.warn({}, 'statements cannot be sent in batches: each takes several round trips')
      client.release(!wires.batches)
      return wires
    } catch (error) {
      tried = null
      client.release(true)
      throw error
    }
  }
  return async () => {
    try {
      tried ??= pool.connect().then(find)
      const wires = await tried
      return new Session(await pool.connect(), wires)
    } catch (error) {
      throw toStoreError(error)
    }
  }
}
