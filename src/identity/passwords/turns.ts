import { IdentityError } from '../errors.ts'
import type { Standing } from '../sign-in-guard.ts'

/** For whom a password is hashed or checked. */
export interface Caller {
  /** Where the request comes from, as wide as one site or small provider; null where that is not known. */
  readonly network: string | null
  readonly standing: Standing
}

export interface TurnsOptions {
  /** How many run at once. Default 2: more would only wait for each other's memory and cores. */
  readonly atOnce?: number
  /** How many wait. Default 64. */
  readonly mostWaiting?: number
  /** How long one waits. Default 10 seconds. */
  readonly mostWaitMs?: number
}

/** Runs the work when it is the caller's turn. @throws IdentityError `ERR_IDENTITY_BUSY` */
export type Turns = <T>(caller: Caller, work: () => Promise<T>) => Promise<T>

/** Who comes first. What goes beyond the share of its network comes last, whoever it is. */
const RANKS: Readonly<Record<Standing, number>> = { known: 0, calm: 1, stranger: 2 }
const BEYOND_SHARE = 3
/** Part of the places that one network has before that. */
const SHARES = 4
const RETRY_MS = 2_000

interface Waiter {
  readonly network: string | null
  readonly rank: number
  readonly enter: () => void
  readonly leave: (why: Error) => void
}

/**
 * Lets a few in at a time. Known devices come first, then accounts on which nobody has failed lately, then the
 * others; of equals the network that was served least recently. Where all places are taken, whoever comes before
 * the last one has its place, and so does one of a network that has fewer: so a network, or many strangers, cannot
 * fill the queue for everybody else.
 */
export function createTurns(options: TurnsOptions = {}): Turns {
  const queue = new FairQueue(options)
  return async (caller, work) => {
    await queue.enter(caller)
    try {
      return await work()
    } finally {
      queue.leave()
    }
  }
}

class FairQueue {
  readonly #atOnce: number
  readonly #mostWaiting: number
  readonly #mostWaitMs: number
  /** In the order of their coming. */
  readonly #waiting: Waiter[] = []
  /** Of networks that wait: which of them was served last, the higher the later. */
  readonly #served = new Map<string | null, number>()
  #running = 0
  #serial = 0

  constructor({ atOnce = 2, mostWaiting = 64, mostWaitMs = 10_000 }: TurnsOptions) {
    this.#atOnce = atOnce
    this.#mostWaiting = mostWaiting
    this.#mostWaitMs = mostWaitMs
  }

  async enter({ network, standing }: Caller): Promise<void> {
    if (this.#running < this.#atOnce) {
      this.#running += 1
      return
    }
    const isWithin = this.#crowd(network) < this.#mostWaiting / SHARES
    const rank = isWithin ? RANKS[standing] : BEYOND_SHARE
    if (this.#waiting.length >= this.#mostWaiting) this.#displaceFor(network, rank)
    const turn = Promise.withResolvers<void>()
    const waiter: Waiter = { network, rank, enter: turn.resolve, leave: turn.reject }
    const late = setTimeout(
      () => this.#dismiss(waiter, 'nobody waits longer for a password'),
      this.#mostWaitMs,
    )
    this.#waiting.push(waiter)
    try {
      await turn.promise
    } finally {
      clearTimeout(late)
    }
  }

  /** Whoever leaves hands its place on, so that nobody overtakes. */
  leave(): void {
    const next = this.#next()
    if (!next) {
      this.#running -= 1
      return
    }
    this.#served.set(next.network, ++this.#serial)
    this.#remove(next)
    next.enter()
  }

  #next(): Waiter | undefined {
    const servedAt = ({ network }: Waiter): number => this.#served.get(network) ?? 0
    return this.#waiting.toSorted((a, b) => a.rank - b.rank || servedAt(a) - servedAt(b))[0]
  }

  /** Makes room by dismissing the last of all, unless that is who comes. */
  #displaceFor(network: string | null, rank: number): void {
    const crowd = ({ network: of }: Waiter): number => this.#crowd(of)
    const last = this.#waiting.toReversed().toSorted((a, b) => b.rank - a.rank || crowd(b) - crowd(a))[0]!
    const comesBefore = rank < last.rank || (rank === last.rank && this.#crowd(network) + 1 < crowd(last))
    if (!comesBefore) throw busy('all places are taken')
    this.#dismiss(last, 'others come first')
  }

  #dismiss(waiter: Waiter, why: string): void {
    if (this.#remove(waiter)) waiter.leave(busy(why))
  }

  #remove(waiter: Waiter): boolean {
    const at = this.#waiting.indexOf(waiter)
    if (at < 0) return false
    this.#waiting.splice(at, 1)
    if (this.#crowd(waiter.network) === 0) this.#served.delete(waiter.network)
    return true
  }

  /** How many of a network wait. */
  #crowd(network: string | null): number {
    return this.#waiting.filter((one) => one.network === network).length
  }
}

function busy(why: string): Error {
  return new IdentityError('ERR_IDENTITY_BUSY', why, { retryAfterMs: RETRY_MS })
}
