import type { MailMessage, MailPort } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import type { Logger } from '../database/index.ts'
import { MailError } from './errors.ts'
import type {
  ClaimedLetter,
  LetterFacts,
  LetterQueue,
  OpenTransaction,
  WaitingLetter,
} from './letter-queue.ts'

/**
 * Finds out what to write, and to whom; null where there is nothing to write any more.
 * @param again whether it was tried before
 */
export type LetterWriter = (about: LetterFacts, again: boolean) => Promise<MailMessage | null>

/** Stores letters with what causes them, writes them and hands them over, behind the back of whoever asked. */
export interface Outbox {
  /** Who writes letters of a kind. The last one who says so does. */
  writes(kind: string, write: LetterWriter): void
  /**
   * Stores that a letter is to be sent. Neither what it says nor whether it goes out reaches the caller.
   * @param open the transaction of its cause: the letter is sent if that commits; call {@link wake} then
   */
  post(letter: WaitingLetter, open?: OpenTransaction): Promise<void>
  /** Sends what is due now, rather than within a minute. */
  wake(): void
  /** Where letters are stored. Those that are waiting there go out. */
  start(queue: LetterQueue): void
  /** Resolves when nothing is due and nothing is under way. */
  idle(): Promise<void>
  /** Sends no more letters; those under way go out, as far as that takes ten seconds at most. The others wait. */
  close(): Promise<void>
}

export interface OutboxOptions {
  readonly port: MailPort
  readonly logger: Pick<Logger, 'warn' | 'error'>
  /** False where another process sends what this one stores. Default true. */
  readonly sends?: boolean
  /** How long a letter may take, from being written to being handed over, in milliseconds. Default a minute. */
  readonly timeoutMs?: number
}

const AT_ONCE = 4
const LOOK_MS = 60_000
const TIMEOUT_MS = 60_000
const CLOSE_MS = 10_000

export function openOutbox(options: OutboxOptions): Outbox {
  return new BackgroundOutbox(options)
}

class BackgroundOutbox implements Outbox {
  readonly #options: OutboxOptions
  readonly #writers = new Map<string, LetterWriter>()
  #queue: LetterQueue | null = null
  #looking: NodeJS.Timeout | undefined
  #underWay = 0
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  writes(kind: string, write: LetterWriter): void {
    this.#writers.set(kind, write)
  }

  async post(letter: WaitingLetter, open?: OpenTransaction): Promise<void> {
    if (!this.#queue) throw new MailError('ERR_MAIL_CONFIG', 'there is nowhere to store letters')
    await this.#queue.add(letter, open)
    if (!open) this.wake()
  }

  wake(): void {
    const { sends = true } = this.#options
    if (!sends || this.#isClosed || !this.#queue || this.#underWay >= AT_ONCE) return
    this.#underWay++
    const queue = this.#queue
    // The caller's answer comes first.
    setImmediate(() => void this.#sendDue(queue))
  }

  start(queue: LetterQueue): void {
    this.#queue = queue
    // After a crash, for those that were not taken, and for what other processes store.
    this.#looking = setInterval(() => this.wake(), LOOK_MS).unref()
    this.wake()
  }

  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#looking)
    const late = Promise.withResolvers<void>()
    const timeout = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([this.idle(), late.promise])
    clearTimeout(timeout)
  }

  async #sendDue(queue: LetterQueue): Promise<void> {
    try {
      for (;;) {
        const letter = this.#isClosed ? null : await queue.claim()
        if (!letter) return
        // One more looks beside this one, until as many do as may.
        this.wake()
        await this.#send(queue, letter)
      }
    } catch (error) {
      this.#options.logger.error(whatFailed(error), 'letters could not be read')
    } finally {
      this.#underWay--
      if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  async #send(queue: LetterQueue, letter: ClaimedLetter): Promise<void> {
    const { logger } = this.#options
    const { kind, tries } = letter
    if (letter.hasExpired) {
      logger.warn({ kind, tries }, 'a letter was given up')
      await queue.remove(letter.id)
      return
    }
    try {
      await this.#inTime(() => this.#handOver(letter))
      await queue.remove(letter.id)
    } catch (error) {
      logger.error({ kind, tries, ...whatFailed(error) }, 'a letter could not be handed over')
    }
  }

  async #handOver({ kind, about, tries }: ClaimedLetter): Promise<void> {
    const write = this.#writers.get(kind)
    if (!write) throw new MailError('ERR_MAIL_KIND', `nobody writes letters of the kind ${kind}`)
    const message = await write(about, tries > 0)
    if (message) await this.#options.port.send(message)
  }

  async #inTime(work: () => Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>()
    const { timeoutMs = TIMEOUT_MS } = this.#options
    const timeout = setTimeout(() => late.reject(new TypeError('out of time')), timeoutMs)
    try {
      await Promise.race([work(), late.promise])
    } finally {
      clearTimeout(timeout)
    }
  }
}

/** A mail server's words quote the address that it refuses: only names and codes are logged. */
function whatFailed(error: unknown): Readonly<Record<string, string | number>> {
  if (!(error instanceof Error)) return { error: typeof error }
  if (error instanceof SuretyError) return { error: error.name, code: error.code }
  const told: Record<string, string | number> = { error: error.name }
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  if (typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code)) told['code'] = code
  if (typeof responseCode === 'number') told['responseCode'] = responseCode
  return told
}
