/** What the middleware of this room puts into every request's context. */
export interface SuretyVariables {
  /** CSP nonce of this response, base64. */
  nonce: string
  /** UUIDv7 of the request; stands in the log line, the response header and error pages. */
  requestId: string
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
