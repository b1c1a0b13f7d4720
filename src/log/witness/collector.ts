import type { Logger } from '../../database/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { SuretyError, utf8 } from '../../kernel/index.ts'
import {
  formatWitnessKey,
  LIMITS,
  parseCheckpoint,
  parseNote,
  readCosignatures,
  witnessedPath,
} from '../../verify/index.ts'
import type { VerifierKey, WitnessKey } from '../../verify/index.ts'
import { LogError } from '../errors.ts'
import { createLogFolder } from '../folder.ts'
import type { LogFolder } from '../folder.ts'
import { readPublished } from '../published.ts'
import type { PublishedCheckpoint } from '../published.ts'
import { createTicker } from '../ticker.ts'
import { askWitness } from './ask-witness.ts'
import { writeCosigned } from './cosigned-note.ts'

/** A witness, and where it answers. */
export interface WitnessAddress {
  /** Its submission prefix: `add-checkpoint` is below it. */
  readonly url: string
  readonly key: WitnessKey
}

/** What became of asking one witness. */
export interface WitnessStanding {
  readonly name: string
  /** Text of its key. */
  readonly vkey: string
  /** Entries of the largest tree it has cosigned; null while it has cosigned none. */
  readonly size: number | null
  /** When it says it did, in Unix milliseconds. */
  readonly cosignedAt: number | null
  /**
   * Why it has not cosigned the newest checkpoint: it did not answer, would not, or has seen another log;
   * null while all is well.
   */
  readonly problem: 'silent' | 'refused' | 'conflict' | null
}

export interface CollectorOptions {
  /** The log's folder: checkpoints are read from it, cosigned ones written below it. */
  readonly folder: string
  /** The log's key. */
  readonly key: VerifierKey
  readonly witnesses: readonly WitnessAddress[]
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  /** How long a witness has to answer, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number
}

export interface CosignatureCollector {
  /** One for each witness, in the order given. */
  standings(): readonly WitnessStanding[]
  /** Ends what is under way, and resolves when nothing runs any more. */
  close(): Promise<void>
}

const PAUSE_MS = 200
const POLL_MS = 500
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 300_000

/**
 * Takes every published checkpoint to the witnesses, in the background, the newest only. Each witness has
 * a loop of its own: one that hangs or lies holds up neither the log nor another witness.
 */
export async function collectCosignatures(options: CollectorOptions): Promise<CosignatureCollector> {
  const loops = await Promise.all(options.witnesses.map((witness) => startLoop(options, witness)))
  return {
    standings: () => loops.map((loop) => loop.standing()),
    async close() {
      await Promise.all(loops.map((loop) => loop.close()))
    },
  }
}

interface Loop {
  standing(): WitnessStanding
  close(): Promise<void>
}

/** The newest note that a witness has cosigned. */
interface Cosigned {
  readonly text: string
  readonly size: number
  readonly atMs: number
}

async function startLoop(options: CollectorOptions, { url, key }: WitnessAddress): Promise<Loop> {
  const { clock, logger, timeoutMs = 10_000 } = options
  const folder = createLogFolder(options.folder)
  const closing = new AbortController()
  let last = await readLast(folder, key)
  let problem: WitnessStanding['problem'] = null
  let retryMs = FIRST_RETRY_MS
  let notBefore = 0

  const round = async (): Promise<void> => {
    if (clock.monotonic() < notBefore) return
    // What is wrong with the log's own folder is said by the log; no witness is to blame.
    const published = await readPublished(folder, options.key).catch(() => null)
    if (published === null || last?.text === parseNote(utf8(published.note)).text) return
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
    const line = await askWitness({
      url,
      key,
      folder,
      published,
      log: options.key,
      knownSize: last?.size ?? 0,
      signal,
    })
    const cosigned = await checkLine(published, line, key, clock)
    await writeCosigned(folder, key, published.note, line)
    last = cosigned
    if (problem !== null) logger.info({ witness: key.name }, 'the witness cosigns again')
    problem = null
    retryMs = FIRST_RETRY_MS
  }
  const job = async (): Promise<void> => {
    try {
      await round()
    } catch (error) {
      if (closing.signal.aborted) return
      const now = problemOf(error)
      if (now !== problem)
        logger[now === 'conflict' ? 'error' : 'warn']({ witness: key.name, err: error }, WORDS[now])
      problem = now
      notBefore = clock.monotonic() + retryMs
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)
    }
  }
  const ticker = createTicker(job, { clock, pauseMs: PAUSE_MS, pollMs: POLL_MS })
  ticker.wake()
  return {
    standing: () => ({
      name: key.name,
      vkey: formatWitnessKey(key),
      size: last?.size ?? null,
      cosignedAt: last?.atMs ?? null,
      problem,
    }),
    async close() {
      closing.abort()
      await ticker.close()
    },
  }
}

const WORDS = {
  silent: 'a witness does not answer; the log goes on unwitnessed by it',
  refused: 'a witness refuses to cosign',
  conflict: 'a witness has seen another log than this one',
} as const

function problemOf(error: unknown): keyof typeof WORDS {
  if (!(error instanceof SuretyError)) return 'silent'
  return error.code === 'ERR_LOG_WITNESS_CONFLICT' ? 'conflict' : 'refused'
}

/** Believes no line before it verifies over this very checkpoint. */
async function checkLine(
  published: PublishedCheckpoint,
  line: string,
  key: WitnessKey,
  clock: Clock,
): Promise<Cosigned> {
  const note = utf8(published.note + line)
  const [cosignature] = await readCosignatures(note, [key])
  const atMs = cosignature?.atMs ?? Infinity
  if (atMs > clock.now() + LIMITS.maxFutureMs) {
    throw new LogError('ERR_LOG_WITNESS', `the cosignature of ${key.name} is dated in the future`)
  }
  return { text: parseNote(note).text, size: published.size, atMs }
}

/** What an earlier process collected; a file that does not hold is as good as none. */
async function readLast(folder: LogFolder, key: WitnessKey): Promise<Cosigned | null> {
  const bytes = await folder.read(witnessedPath(key))
  if (bytes === null) return null
  try {
    const [cosignature] = await readCosignatures(bytes, [key])
    const { text } = parseNote(bytes)
    return cosignature ? { text, size: parseCheckpoint(text).size, atMs: cosignature.atMs } : null
  } catch (error) {
    if (error instanceof SuretyError) return null
    throw error
  }
}
