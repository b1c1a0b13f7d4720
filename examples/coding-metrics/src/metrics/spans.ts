/** Silence longer than this ends a stretch of work, in milliseconds: 15 minutes, as other clients count. */
export const KEYSTROKE_TIMEOUT_MS = 15 * 60_000

/** What of a heartbeat time is computed from. */
export interface Beat {
  readonly time: Date
  readonly entity: string
  readonly project: string | null
  readonly branch: string | null
  readonly language: string | null
  readonly category: string | null
  readonly machine: string | null
  readonly userAgent: string | null
  readonly dependencies: readonly string[] | null
}

/** Time spent on what one heartbeat says, in Unix milliseconds, `end` excluded. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly beat: Beat
}

/**
 * The time between heartbeats, in order: each heartbeat holds until the next one, unless the next
 * comes after the timeout, when nothing counts. So the last heartbeat of a stretch adds nothing, the
 * same heartbeat twice adds nothing, and no instant counts twice, whatever a client sends again.
 */
export function spansOf(beats: readonly Beat[], timeoutMs: number = KEYSTROKE_TIMEOUT_MS): Span[] {
  const ordered = beats.toSorted((a, b) => a.time.getTime() - b.time.getTime())
  const spans: Span[] = []
  for (const [i, beat] of ordered.entries()) {
    const start = beat.time.getTime()
    const end = ordered[i + 1]?.time.getTime() ?? start
    if (end > start && end - start <= timeoutMs) spans.push({ start, end, beat })
  }
  return spans
}

/** The parts of the spans that lie in `[from, until)`. */
export function clipSpans(spans: readonly Span[], from: number, until: number): Span[] {
  return spans.flatMap((span) => {
    const start = Math.max(span.start, from)
    const end = Math.min(span.end, until)
    return end > start ? [{ ...span, start, end }] : []
  })
}

/** Total length in seconds. */
export function totalSeconds(spans: readonly Span[]): number {
  return spans.reduce((ms, { start, end }) => ms + (end - start), 0) / 1000
}

/** A stretch of work on one thing. */
export interface Stretch {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Adjoining spans under the same name, joined. */
export function stretchesOf(spans: readonly Span[], nameOf: (beat: Beat) => string): Stretch[] {
  const stretches: { name: string; start: number; end: number }[] = []
  for (const { start, end, beat } of spans) {
    const name = nameOf(beat)
    const last = stretches.at(-1)
    if (last && last.name === name && last.end === start) last.end = end
    else stretches.push({ name, start, end })
  }
  return stretches
}
