import { Kysely, type Dialect } from 'kysely'
import { notOffered } from './transport.ts'

/**
 * A Kysely that knows who is asking. It builds queries as any other; each is planned for its
 * principal or refused with an `ERR_STORE_…` code.
 *
 * Refused as a whole: `schema`, `introspection`, `withSchema`, streaming, merging, explaining, raw
 * SQL, `destroy`.
 */
export class GovernedKysely<DB> extends Kysely<DB> {
  /** @param dialect one of the store's own, made for one principal */
  constructor(dialect: Dialect) {
    super({ dialect })
  }

  override async destroy(): Promise<void> {
    throw notOffered('destroy')
  }
}
