import type { Counter } from 'prom-client'
import type { Clock } from '../kernel/index.ts'
import type { DroppedCount } from '../page/index.ts'

/** Counts members that callers sent and nothing declares. Names are not kept: they come from outside. */
export interface DroppedCounter {
  count(resource: string, names: readonly string[]): void
  read(): DroppedCount[]
}

export function createDroppedCounter(clock: Clock, metric: Counter<'resource'>): DroppedCounter {
  const since = clock.now()
  const counts = new Map<string, number>()
  return {
    count(resource, names) {
      counts.set(resource, (counts.get(resource) ?? 0) + names.length)
      metric.inc({ resource }, names.length)
    },
    read: () => [...counts].map(([resource, count]) => ({ resource, count, since })),
  }
}
