import { PromiseError } from './errors.ts'
import type { ProbeContext } from './probe-context.ts'

/** The running app's address, for probes that have nothing to measure without it. */
export function siteOf({ site }: Pick<ProbeContext, 'site'>): string {
  if (site) return site
  throw new PromiseError('ERR_PROMISE_SITE', 'this probe asks the running app over HTTP, and none is running')
}
