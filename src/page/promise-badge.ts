import { canonicalJson } from '../kernel/index.ts'
import { absoluteDate, absoluteTime, badgeImage } from '../ui/index.ts'
import type { Tone } from '../ui/index.ts'
import type { PromiseStanding, PromiseStatus } from '../verify/index.ts'
import type { EvidenceSnapshot } from './evidence.ts'
import { STATUS_TONE, STATUS_WORD } from './words.ts'
import { xmlDocument } from './xml.ts'

/** Characters of the root's base64 in the title: 72 bits, enough to tell two checkpoints apart. */
const ROOT_PREFIX = 12

interface Stand {
  readonly status: PromiseStatus | 'withdrawn'
  readonly word: string
  readonly tone: Tone
  /** UTC, as in the log. */
  readonly since: string
}

/** Path of a promise's badge. */
export function badgePath(key: string): string {
  return `/security/badges/${encodeURIComponent(key)}.svg`
}

/**
 * The badge of one promise as an SVG document, or null where the log never had it. A withdrawn promise
 * keeps a badge that says so: a page that shows it must not lose the news.
 *
 * The title names size and root of the checkpoint it was made from; `<metadata>` holds the same and the
 * signed checkpoint itself as JSON (RFC 8785), format 1.
 */
export function promiseBadge(evidence: EvidenceSnapshot, key: string, now: number): string | null {
  const standing = evidence.standings.find((candidate) => candidate.claim.key === key)
  if (!standing) return null
  const { claim } = standing
  const { status, word, tone, since } = standOf(standing)
  const at = Date.parse(since)
  const params = Object.entries(claim.params).map(([name, value]) => `${name} ${value}`)
  return xmlDocument(
    badgeImage({
      label: [claim.id, ...params].join(' · '),
      tone,
      words: `${word} since ${absoluteDate(at)}`,
      title: `${claim.sentence} — ${word} since ${absoluteTime(at)}. ${madeFrom(evidence)}`,
      metadata: canonicalJson({
        ...{ schema: 1, key, status, since, generatedAt: new Date(now).toISOString() },
        ...{ checkpoint: evidence.checkpoint, size: evidence.size, rootHash: evidence.rootHash },
      }),
    }),
  )
}

function standOf({ status, withdrawnAt, history, declaredAt }: PromiseStanding): Stand {
  if (withdrawnAt !== null)
    return { status: 'withdrawn', word: 'Withdrawn', tone: 'neutral', since: withdrawnAt }
  // One status can last over several stretches that differ in their reason.
  const before = history.findLast((interval) => interval.status !== status)
  const since = before?.until ?? history[0]?.from ?? declaredAt
  return { status, word: STATUS_WORD[status], tone: STATUS_TONE[status], since }
}

function madeFrom({ checkpoint, size, rootHash }: EvidenceSnapshot): string {
  if (checkpoint === null || rootHash === null) return 'The evidence log has no checkpoint yet.'
  return `Made from the checkpoint of ${size} entries with root ${rootHash.slice(0, ROOT_PREFIX)}.`
}
