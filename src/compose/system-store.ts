import type { Database, Logger } from '../database/index.ts'
import type { ResourceMap, SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { OpenKeyTree } from '../keys/index.ts'
import type { AuditLog } from '../log/index.ts'
import type { StoreOptions } from '../store/index.ts'
import { createAuditTrail } from './audit-trail.ts'
import type { DroppedCounter } from './dropped-counter.ts'

export interface SystemStoreParts<Resources extends ResourceMap> {
  readonly config: SuretyConfig<Resources>
  readonly database: Database
  readonly tree: OpenKeyTree
  readonly audit: AuditLog
  readonly dropped: DroppedCounter
  readonly clock: Clock
  readonly logger: Logger
}

/** What a system's governed stores are made of, the app's own and those of the library's rooms. */
export function storeOptionsOf<Resources extends ResourceMap>({
  config,
  database,
  tree,
  audit,
  dropped,
  clock,
  logger,
}: SystemStoreParts<Resources>): StoreOptions<Resources> {
  const { resources, roles } = config
  const trail = createAuditTrail(audit)
  return { resources, roles, pool: database.app, keys: tree, clock, logger, onDropped: dropped.count, trail }
}
