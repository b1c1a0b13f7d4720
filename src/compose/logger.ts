import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** Keys whose values never reach a log line, wherever they stand in an object up to four levels deep. */
const REDACTED = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'key',
  'email',
  'query',
  'body',
  'values',
  'parameters',
  'detail',
  'where',
]
const DEPTHS = ['', '*.', '*.*.', '*.*.*.']

export interface LoggerOptions {
  /** Name of the system, on every line. */
  readonly name: string
  /** Default `SURETY_LOG`, else `info`. */
  readonly level?: string
  /** Default: standard output. */
  readonly destination?: DestinationStream
}

/**
 * Structured log lines (one JSON object each). What could be a person's data or a secret is redacted
 * by key; error objects keep type, code and stack, never the values that a database puts beside them.
 */
export function createLogger({ name, level, destination }: LoggerOptions): PinoLogger {
  const options = {
    name,
    level: level ?? process.env['SURETY_LOG'] ?? 'info',
    base: { name },
    redact: { paths: redactedPaths(), censor: '[redacted]' },
    serializers: { err: serializeError, error: serializeError },
  }
  return destination ? pino(options, destination) : pino(options)
}

/** Type, code and where it happened. Messages of errors that are not ours may quote data: they are left out. */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code } = error as { code?: unknown }
  const ours = typeof code === 'string' && code.startsWith('ERR_')
  const frames = error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')) ?? []
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(ours ? { message: error.message } : {}),
    stack: frames.slice(0, 12).map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  }
}

function redactedPaths(): string[] {
  return DEPTHS.flatMap((depth) =>
    REDACTED.map((key) => (depth === '' ? `["${key}"]` : `${depth.slice(0, -1)}["${key}"]`)),
  )
}
