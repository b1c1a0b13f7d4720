import { describeDuration, formatMoment, parseMoment } from '../kernel/index.ts'
import type { ProbeResult, ProbeStarted, PromiseClaim } from './entry.ts'
import { LIMITS } from './limits.ts'
import type { PromiseStanding, PromiseStatus, StatusInterval } from './status.ts'

/** A result with its index in the log. */
export interface NumberedResult {
  readonly index: number
  readonly entry: ProbeResult
}

/**
 * One promise on its way through the log. Time moves only by {@link PromiseTrack.advance}, which lets
 * happen what happens by itself: a result outlives its cadence, a started run misses its deadline.
 */
export class PromiseTrack {
  claim: PromiseClaim
  declaredAt: string
  withdrawnAt: string | null = null
  #status: PromiseStatus = 'unproven'
  #reason = ''
  #history: StatusInterval[] = []
  #deadlines = new Map<string, { startedAt: string; deadlineMs: number }>()
  /** Index of the start of each run that may still speak for the claim in force. */
  #awaited = new Map<string, number>()
  #latest: NumberedResult | null = null
  #decided: NumberedResult | null = null
  #expiresMs: number | null = null
  #failure: NumberedResult | null = null

  constructor(claim: PromiseClaim, at: string, failure: NumberedResult | null = null) {
    this.claim = claim
    this.declaredAt = at
    this.#failure = failure
    this.declare(claim, at)
  }

  /** A track that goes its own way from here. */
  copy(): PromiseTrack {
    const copy = new PromiseTrack(this.claim, this.declaredAt)
    copy.withdrawnAt = this.withdrawnAt
    copy.#status = this.#status
    copy.#reason = this.#reason
    copy.#history = [...this.#history]
    copy.#deadlines = new Map(this.#deadlines)
    copy.#awaited = new Map(this.#awaited)
    copy.#latest = this.#latest
    copy.#decided = this.#decided
    copy.#expiresMs = this.#expiresMs
    copy.#failure = this.#failure
    return copy
  }

  /**
   * Puts a claim in force. No run of an earlier claim speaks for it; it starts unproven, or broken where
   * the claim before it ended broken: a failure cannot be reworded or withdrawn away.
   */
  declare(claim: PromiseClaim, at: string, failure = this.failure): void {
    this.#forget()
    this.claim = claim
    this.declaredAt = at
    this.withdrawnAt = null
    if (failure) {
      this.#latest = this.#decided = failure
      return this.#enter('broken', at, 'found broken before its declaration was changed, not checked since')
    }
    this.#enter('unproven', at, claim.probe === null ? 'no mechanism checks this yet' : 'not checked yet')
  }

  /** The result that shows the promise broken now, or when it was withdrawn. */
  get failure(): NumberedResult | null {
    return this.#status === 'broken' ? this.#decided : this.#failure
  }

  /** Runs started and neither answered nor past their deadline. */
  get pending(): number {
    return this.#deadlines.size
  }

  withdraw(at: string, reason: string): void {
    const { failure } = this
    this.#forget()
    this.#failure = failure
    this.withdrawnAt = at
    this.#enter('unproven', at, reason)
  }

  start(index: number, entry: ProbeStarted): void {
    const startedMs = parseMoment(entry.at)
    const longest = startedMs + LIMITS.maxRunMs
    const deadlineMs = Math.max(startedMs, Math.min(longest, parseMoment(entry.deadline)))
    this.#deadlines.set(entry.run, { startedAt: entry.at, deadlineMs })
    this.#awaited.set(entry.run, index)
  }

  /** True where a run awaits its result under the claim in force. */
  awaits(run: string): boolean {
    return this.#awaited.has(run)
  }

  result(index: number, entry: ProbeResult): void {
    const begun = this.#awaited.get(entry.run) ?? index
    this.#deadlines.delete(entry.run)
    this.#awaited.delete(entry.run)
    if (entry.outcome === 'kept' && this.#status === 'broken' && begun < (this.#decided?.index ?? 0)) {
      return this.#undecide(entry.at, 'only a check that began before has answered')
    }
    this.#latest = { index, entry }
    this.#expiresMs = null
    if (entry.outcome === 'undecided') return this.#undecide(entry.at, 'the last check could not decide')
    this.#decided = this.#latest
    if (entry.outcome === 'broken') return this.#enter('broken', entry.at, 'the check found it broken')
    this.#expiresMs = parseMoment(entry.at) + (this.claim.cadenceSeconds ?? 0) * 1000
    this.#enter('kept', entry.at, 'the check found it kept')
  }

  /** Lets everything happen that was due strictly before `toMs`. */
  advance(toMs: number): void {
    for (;;) {
      const lapse = this.#nextLapse()
      const expiresMs = this.#status === 'kept' ? (this.#expiresMs ?? Infinity) : Infinity
      const dueMs = Math.min(expiresMs, lapse?.deadlineMs ?? Infinity)
      if (!(dueMs < toMs)) return
      if (lapse && lapse.deadlineMs === dueMs) {
        this.#deadlines.delete(lapse.run)
        this.#undecide(
          formatMoment(dueMs),
          `a check started at ${lapse.startedAt} gave no result by its deadline`,
        )
      } else {
        this.#enter('unproven', formatMoment(dueMs), `not checked again within ${this.#cadence()}`)
      }
    }
  }

  standing(nowMs: number): PromiseStanding {
    const proven = this.#status !== 'unproven'
    const shown = proven ? this.#decided : this.#latest
    return {
      claim: this.claim,
      status: this.#status,
      reason: this.#reasonAt(nowMs),
      declaredAt: this.declaredAt,
      observed: shown?.entry.observed ?? null,
      checkedAt: shown?.entry.at ?? null,
      validUntil: this.#expiresMs === null ? null : formatMoment(this.#expiresMs),
      entryIndex: proven ? (this.#decided?.index ?? null) : null,
      history: this.#history.map((interval) => ({ ...interval })),
      withdrawnAt: this.withdrawnAt,
    }
  }

  #reasonAt(nowMs: number): string {
    const expired = this.#status === 'unproven' && this.#expiresMs !== null && this.#expiresMs < nowMs
    if (!expired || this.#latest === null) return this.#reason
    const age = describeDuration(nowMs - Date.parse(this.#latest.entry.at))
    return `last checked ${age} ago, its cadence is ${this.#cadence()}`
  }

  #cadence(): string {
    return describeDuration((this.claim.cadenceSeconds ?? 0) * 1000)
  }

  /** A failure cannot be waited away, nor covered by a check that did not answer. */
  #undecide(at: string, reason: string): void {
    if (this.#status === 'broken') {
      this.#reason = `found broken; since then, ${reason}`
      return
    }
    this.#expiresMs = null
    this.#enter('unproven', at, reason)
  }

  #enter(status: PromiseStatus, at: string, reason: string): void {
    const last = this.#history.at(-1)
    this.#status = status
    this.#reason = reason
    if (last?.status === status && (status !== 'unproven' || last.reason === reason)) return
    if (last) this.#history[this.#history.length - 1] = { ...last, until: at }
    this.#history.push({ status, from: at, until: null, reason })
  }

  #forget(): void {
    this.#deadlines.clear()
    this.#awaited.clear()
    this.#latest = null
    this.#decided = null
    this.#expiresMs = null
    this.#failure = null
  }

  #nextLapse(): { run: string; startedAt: string; deadlineMs: number } | null {
    let next: { run: string; startedAt: string; deadlineMs: number } | null = null
    for (const [run, { startedAt, deadlineMs }] of this.#deadlines) {
      if (next === null || deadlineMs < next.deadlineMs) next = { run, startedAt, deadlineMs }
    }
    return next
  }
}
