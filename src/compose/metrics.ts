import { Counter, Gauge, Registry } from 'prom-client'
import type { Clock } from '../kernel/index.ts'
import type { EvidenceLog } from '../log/index.ts'
import { countStandings } from '../verify/index.ts'

export interface Metrics {
  readonly registry: Registry
  readonly undeclaredMembers: Counter<'resource'>
}

/** The system's own figures, for `/metrics`: counts only, never a name that came from outside. */
export function createMetrics(log: Pick<EvidenceLog, 'standings' | 'checkpoint'>, clock: Clock): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const undeclaredMembers = new Counter({
    name: 'surety_undeclared_members_total',
    help: 'Members that callers sent, that nothing declares, and that were not stored',
    labelNames: ['resource'],
    registers,
  })
  new Gauge({
    name: 'surety_promises',
    help: 'Promises in force by their status now',
    labelNames: ['status'],
    registers,
    async collect() {
      for (const [status, count] of Object.entries(countStandings(await log.standings(clock.now()))))
        this.set({ status }, count)
    },
  })
  new Gauge({
    name: 'surety_evidence_log_entries',
    help: 'Entries under the newest published checkpoint of the evidence log',
    registers,
    async collect() {
      this.set((await log.checkpoint())?.size ?? 0)
    },
  })
  return { registry, undeclaredMembers }
}
