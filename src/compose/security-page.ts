import { readFile } from 'node:fs/promises'
import type { SuretyConfig } from '../declare/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import type { Clock } from '../kernel/index.ts'
import { parseSecurityPage, type SecurityPage } from '../page/index.ts'
import { claimOf, findPromise, reconcileClaims } from '../promises/index.ts'
import { SuretyStartError } from './errors.ts'
import { claimsInForce } from './prober.ts'

/** The parsed security page of a configuration. @throws SuretyStartError, PageError */
export async function loadSecurityPage(config: SuretyConfig): Promise<SecurityPage> {
  let source: string
  try {
    source = await readFile(config.page, 'utf8')
  } catch (cause) {
    throw new SuretyStartError('ERR_START_PAGE', 'the security page cannot be read', { cause })
  }
  return parseSecurityPage(source, findPromise)
}

/** Brings the log's claims to what the page says now; resolves when the changes are published. */
export async function declareClaims(
  log: EvidenceLog,
  page: SecurityPage,
  config: SuretyConfig,
  clock: Clock,
): Promise<void> {
  const wanted = page.promises.map((promise) => claimOf(promise, config))
  const bodies = reconcileClaims(wanted, claimsInForce(await log.standings(clock.now())))
  if (bodies.length === 0) return
  await log.append(bodies)
  await log.flush()
}
