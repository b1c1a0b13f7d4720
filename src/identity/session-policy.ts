import { parseDuration, type Duration } from '../kernel/index.ts'

/** How long sessions last. */
export interface SessionPolicy {
  /** A session ends when it was not used for so long, in milliseconds. */
  readonly idleMs: number
  /** A session ends so long after it was opened, used or not, in milliseconds. */
  readonly absoluteMs: number
  /** What is sensitive asks for a proof no older than this, in milliseconds. */
  readonly freshMs: number
}

/** Defaults: 8 hours without use, 7 days in all, 10 minutes for what is sensitive. */
export function sessionPolicy(
  configured: { readonly idle?: Duration; readonly absolute?: Duration; readonly fresh?: Duration } = {},
): SessionPolicy {
  const { idle = '8h', absolute = '7d', fresh = '10m' } = configured
  return { idleMs: parseDuration(idle), absoluteMs: parseDuration(absolute), freshMs: parseDuration(fresh) }
}
