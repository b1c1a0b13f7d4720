import type { MailMessage, MailPort } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import type { Logger } from '../database/index.ts'

/** Writes letters and hands them over, behind the back of whoever asked for one. */
export interface Outbox {
  /**
   * Finds out what to write, and to whom, once the caller has gone on; null where there is nothing to write.
   * Neither its time nor its failure reaches the caller. Lost where too many are waiting, which is logged.
   */
  post(write: () => Promise<MailMessage | null>): void
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>
  /** Takes no more letters; those that it has go out, as far as that takes ten seconds at most. */
  close(): Promise<void>
}

export interface OutboxOptions {
  readonly port: MailPort
  readonly logger: Pick<Logger, 'warn' | 'error'>
  /** How long a letter may take, from being written to being handed over, in milliseconds. Default a minute. */
  readonly timeoutMs?: number
}

const AT_ONCE = 4
const MOST_WAITING = 1_000
const TIMEOUT_MS = 60_000
const CLOSE_MS = 10_000

export function openOutbox(options: OutboxOptions): Outbox {
  return new BackgroundOutbox(options)
}

class BackgroundOutbox implements Outbox {
  readonly #options: OutboxOptions
  readonly #waiting: (() => Promise<MailMessage | null>)[] = []
  #underWay = 0
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  post(write: () => Promise<MailMessage | null>): void {
    if (this.#isClosed || this.#waiting.length >= MOST_WAITING) {
      this.#options.logger.warn({ waiting: this.#waiting.length }, 'a letter was not taken')
      return
    }
    this.#waiting.push(write)
    // The caller's answer comes first.
    setImmediate(() => this.#next())
  }

  idle(): Promise<void> {
    if (this.#waiting.length === 0 && this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const late = Promise.withResolvers<void>()
    const timeout = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([this.idle(), late.promise])
    clearTimeout(timeout)
    this.#waiting.length = 0
  }

  #next(): void {
    if (this.#underWay >= AT_ONCE) return
    const write = this.#waiting.shift()
    if (!write) return
    this.#underWay++
    void this.#handOver(write).then(() => {
      this.#underWay--
      if (this.#waiting.length > 0) this.#next()
      else if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve()
    })
  }

  async #handOver(write: () => Promise<MailMessage | null>): Promise<void> {
    const { port, logger, timeoutMs = TIMEOUT_MS } = this.#options
    const timer = Promise.withResolvers<never>()
    const timeout = setTimeout(() => timer.reject(new TypeError('out of time')), timeoutMs)
    const work = async (): Promise<void> => {
      const message = await write()
      if (message) await port.send(message)
    }
    try {
      await Promise.race([work(), timer.promise])
    } catch (error) {
      logger.error(whatFailed(error), 'a letter could not be handed over')
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
