import type { Hono } from 'hono'
import type { SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import {
  staffRoutes,
  type HttpLogger,
  type Impersonations,
  type StaffVisitor,
  type SuretyEnv,
} from '../http/index.ts'
import type { Site } from '../page/index.ts'
import type { SystemStaff } from './system-staff.ts'

export interface StaffSiteParts {
  readonly config: SuretyConfig
  readonly site: Site
  readonly staff: SystemStaff | null
  readonly log: Pick<EvidenceLog, 'standings'>
  /** Who sends a request; left out where sign-in is not connected. */
  readonly visitor: ((request: Request) => Promise<StaffVisitor | null>) | undefined
  readonly impersonations: Impersonations | null
  /** Where the library signs people in. */
  readonly signInPath?: string
  readonly clock: Clock
  readonly logger: HttpLogger
}

/** The pages about staff access, where there is staff and somebody says who visits. */
export function staffSite({
  config,
  site,
  staff,
  log,
  visitor,
  impersonations,
  signInPath,
  clock,
  logger,
}: StaffSiteParts): Hono<SuretyEnv>[] {
  if (!staff || !visitor) return []
  const promises = async () => {
    const standings = await log.standings(clock.now())
    const inForce = standings.filter(({ withdrawnAt }) => withdrawnAt === null)
    return inForce.map(({ claim, status }) => ({ sentence: claim.sentence, status }))
  }
  return [
    staffRoutes({
      staff: staff.room,
      name: site.name,
      url: () => site.url,
      hasSecurityTxt: config.disclosure !== undefined,
      strangers: () => staff.view.strangers(),
      ...{ visitor, impersonations, promises, clock, logger },
      ...(signInPath !== undefined && { signInPath }),
    }),
  ]
}
