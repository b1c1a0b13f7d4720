/** What every coded error carries besides its message. */
export interface ErrorOptionsWithMend {
  /** The command or configuration line that mends it; defaults to the mend of the code's table. */
  mend?: string
  cause?: unknown
  /** Milliseconds until the same can be asked again, where that is known. */
  retryAfterMs?: number
}

/**
 * Base of all errors this library throws on purpose.
 *
 * `code` is stable and closed per capability (`ERR_<CAPABILITY>_<WHAT>`), `message` names what the
 * operator can act on, `mend` says what to do. Neither ever holds a person's data or a secret.
 */
export abstract class SuretyError<Code extends string = string> extends Error {
  readonly code: Code
  readonly mend: string
  /** Milliseconds until the same can be asked again; null where nothing is known of that. */
  readonly retryAfterMs: number | null

  constructor(
    code: Code,
    message: string,
    { mend, cause, retryAfterMs }: ErrorOptionsWithMend & { mend: string },
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.mend = mend
    this.retryAfterMs = retryAfterMs ?? null
  }

  toJSON(): { code: Code; message: string; mend: string } {
    return { code: this.code, message: this.message, mend: this.mend }
  }
}

export interface SuretyErrorClass<Code extends string> {
  new (code: Code, message: string, options?: ErrorOptionsWithMend): SuretyError<Code>
  readonly prototype: SuretyError<Code>
}

/**
 * Makes the error class of one capability from its closed table of codes and default mends.
 *
 * @example
 * export const KeysError = defineErrors('KeysError', { ERR_KEYS_UNWRAP: 'check the key folder' })
 * throw new KeysError('ERR_KEYS_UNWRAP', 'data key 7 does not open')
 */
export function defineErrors<Code extends `ERR_${string}`>(
  name: string,
  mends: Readonly<Record<Code, string>>,
): SuretyErrorClass<Code> {
  class CodedError extends SuretyError<Code> {
    override readonly name: string = name

    constructor(code: Code, message: string, options: ErrorOptionsWithMend = {}) {
      super(code, message, { ...options, mend: options.mend ?? mends[code] })
    }
  }
  Object.defineProperty(CodedError, 'name', { value: name })
  return CodedError
}

/** True for an error of this library with the given code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof SuretyError && error.code === code
}
