import { Kysely } from 'kysely'
import { governedDialect, type Backend } from './dialect.ts'
import type { Policy } from './plan/authority.ts'
import { PlanCache } from './plan/plan-cache.ts'
import { notOffered } from './transport.ts'

/**
 * A Kysely that knows who is asking. It builds queries as any other; each is planned for its
 * principal or refused with an `ERR_STORE_…` code.
 *
 * Refused as a whole: `schema`, `introspection`, `withSchema`, streaming, merging, explaining, raw
 * SQL, `destroy`.
 */
export class GovernedKysely<DB> extends Kysely<DB> {
  /** @param cache plans of the whole store; default: none are shared */
  constructor(policy: Policy, backend: Backend, cache: PlanCache = new PlanCache()) {
    super({ dialect: governedDialect(policy, backend, cache) })
  }

  override async destroy(): Promise<void> {
    throw notOffered('destroy')
  }
}
