import type { AuditLog, EvidenceLog } from '../log/index.ts'
import { recordedTrail, type AuditView } from '../promises/index.ts'
import { readLogFiles, type LogFilePlaces } from './log-files.ts'

/** What probes see of the audit log, of what the evidence log said of it, and of the log files. */
export function createAuditView(
  audit: AuditLog,
  evidence: Pick<EvidenceLog, 'entries'>,
  places: LogFilePlaces,
): AuditView {
  return {
    ...audit,
    recorded: async () => recordedTrail(await evidence.entries()),
    logFiles: () => readLogFiles(places),
  }
}
