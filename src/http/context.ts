import type { Child, NavLink } from '../ui/index.ts'

/** The bar over the pages of an account, of an organisation and about staff. */
export interface Navigation {
  /** What this visitor may open. */
  readonly links: readonly NavLink[]
  /** What stands at the end of the bar. */
  readonly end: Child
}

/** What the middleware of this room puts into every request's context. */
export interface SuretyVariables {
  /** CSP nonce of this response, base64. */
  nonce: string
  /** UUIDv7 of the request; stands in the log line, the response header and error pages. */
  requestId: string
  /** Who visits decides what stands there; left out where nobody is signed in. */
  navigation?: Navigation
}

export interface SuretyEnv {
  Variables: SuretyVariables
}

/** The part of a pino logger that this room uses. */
export interface HttpLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
