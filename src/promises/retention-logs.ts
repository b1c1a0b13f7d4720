import { z } from 'zod'
import { describeDuration, isDuration, parseDuration } from '../kernel/index.ts'
import { definePromise, type Measurement } from './definition.ts'
import type { ProbeContext } from './probe-context.ts'

const LEAST_MS = parseDuration('12d')
const REHEARSE_EVERY_MS = parseDuration('7d')

/** Audit events and log files end in time; what was pruned is closed for good and still proven. */
export const retentionLogs = definePromise({
  id: 'retention.logs',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '24h',
  parameters: z.strictObject({
    /** How long audit and access logs are kept at most: `1y`, `90d`; at least `12d`. */
    atMost: z
      .string()
      .refine(
        (text) => isDuration(text) && parseDuration(text) >= LEAST_MS,
        'write a duration of 12d or more',
      )
      .default('1y'),
  }),
  compare(before, after) {
    const [old, now] = [parseDuration(before.atMost), parseDuration(after.atMost)]
    return now === old ? 'reworded' : now > old ? 'weakened' : 'strengthened'
  },
  check: () => [],

  cannotProve: () => [
    'Logs that the host, a network device or a provider keeps.',
    'Copies of log files that somebody made, and log lines that the app sends elsewhere.',
    'Bodies of audit events in backups can be opened only with a key that is destroyed in time; the word of the key provider stands for that.',
  ],

  async probe(context, { atMost }) {
    const limitMs = parseDuration(atMost)
    const ages = await readAges(context)
    const pruning = await checkPruning(context)
    const { periods, nextPruneAt } = await context.audit.retention()
    const now = context.clock.now()
    const values = {
      limitDays: days(limitMs),
      oldestBodyDays: days(ages.bodyMs),
      oldestLogFileDays: days(ages.fileMs),
      logFiles: ages.files,
      periods: periods.length,
      prunedPeriods: periods.filter(({ prunedEntries }) => prunedEntries !== null).length,
      prunedProven: pruning.proven,
      ...(nextPruneAt === null ? {} : { nextPruneAt: new Date(nextPruneAt).toISOString() }),
    }
    const late = periods.filter(
      ({ destroyedAt, firstEventAt }) => destroyedAt === null && now - firstEventAt > limitMs,
    )
    const problem =
      pruning.problem ??
      (late.length > 0
        ? `a key of audit events lives ${describeDuration(limitMs)} after its first one`
        : null) ??
      tooOld('an audit event', ages.bodyMs, limitMs) ??
      tooOld(`the log file ${ages.oldestFile}`, ages.fileMs, limitMs)
    return judge(problem, values)
  },
})

function judge(problem: string | null, values: Measurement['values']): Measurement {
  if (problem) return { outcome: 'broken', summary: `What was found: ${problem}.`, values }
  const summary = `The oldest audit event is ${values['oldestBodyDays']} days old, the oldest line of ${values['logFiles']} log files ${values['oldestLogFileDays']}, of ${values['limitDays']} at most; pruned entries closed and still proven: ${values['prunedProven']}.`
  return { outcome: 'kept', summary, values }
}

function tooOld(what: string, ageMs: number, limitMs: number): string | null {
  return ageMs > limitMs ? `${what} is ${describeDuration(ageMs)} old` : null
}

function days(ms: number): number {
  return Math.floor(ms / 86_400_000)
}

interface Ages {
  readonly bodyMs: number
  readonly fileMs: number
  readonly files: number
  readonly oldestFile: string
}

async function readAges({ audit, clock }: ProbeContext): Promise<Ages> {
  const now = clock.now()
  const { oldestBodyAt } = await audit.backlog()
  const files = (await audit.logFiles()).toSorted((a, b) => a.oldestAt - b.oldestAt)
  const ageOf = (at: number | null | undefined): number => (at === null || at === undefined ? 0 : now - at)
  return {
    bodyMs: ageOf(oldestBodyAt),
    fileMs: ageOf(files[0]?.oldestAt),
    files: files.length,
    oldestFile: files[0]?.name ?? '',
  }
}

/** Rehearses the end of a period once a week; otherwise the entries of those that ended must still be proven. */
async function checkPruning({
  audit,
  clock,
}: ProbeContext): Promise<{ readonly problem: string | null; readonly proven: number }> {
  const { periods } = await audit.retention()
  const recent = periods.some(({ destroyedAt }) => clock.now() - (destroyedAt ?? 0) < REHEARSE_EVERY_MS)
  if (!recent) {
    const { openedBefore, openedAfter, copyOpenedAfter, provenAfter } = await audit.rehearsePruning()
    if (!openedBefore) return { problem: 'an audit event that was just sealed did not open', proven: 0 }
    if (openedAfter) return { problem: 'a pruned audit event could still be opened', proven: 0 }
    if (copyOpenedAfter) return { problem: 'a copy of a destroyed key still opened', proven: 0 }
    if (!provenAfter) return { problem: 'a pruned audit event is no longer in the log', proven: 0 }
  }
  let proven = 0
  for (const { prunedLeaf } of (await audit.retention()).periods) {
    if (prunedLeaf === null) continue
    if (!(await audit.prove(prunedLeaf)))
      return { problem: 'a pruned audit event is no longer in the log', proven }
    proven += 1
  }
  return { problem: null, proven }
}
