import type { ParsedHeartbeat } from './heartbeat.ts'
import type { Refusal } from './refusal.ts'

/** What became of one heartbeat: stored (or known already) under an id, or refused. */
export type Outcome =
  | { readonly id: string; readonly heartbeat: Pick<ParsedHeartbeat, 'entity' | 'type' | 'time'> }
  | { readonly refusal: Refusal }

/** One entry of `responses`: a body and its status. */
export type ItemReply = readonly [
  { readonly data: ReplyData } | { readonly error: string; readonly code: string },
  201 | 400,
]

interface ReplyData {
  readonly id: string
  readonly entity: string
  readonly type: string
  readonly time: number
}

/** The reply to one heartbeat. Refused ones always say 400: see `refusal.ts`. */
export function replyToItem(outcome: Outcome): ItemReply {
  if ('refusal' in outcome) return [{ error: outcome.refusal.message, code: outcome.refusal.code }, 400]
  const { entity, type, time } = outcome.heartbeat
  return [{ data: { id: outcome.id, entity, type, time: time.getTime() / 1000 } }, 201]
}

/** The body of the bulk reply: one entry per heartbeat, in the order they were sent. */
export function bulkReply(outcomes: readonly Outcome[]): { responses: ItemReply[] } {
  return { responses: outcomes.map(replyToItem) }
}
