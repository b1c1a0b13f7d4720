import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { HTTPException } from 'hono/http-exception'
import { SuretyError } from '../kernel/index.ts'
import { renderMarkup } from '../ui/index.ts'
import { errorView } from '../page/index.ts'
import type { HttpLogger } from './context.ts'

/** What the outside gets to see of an error. */
export interface PublicProblem {
  readonly status: ContentfulStatusCode
  readonly title: string
  readonly detail?: string
}

/** Coded errors that a client may learn about; every other one is a 500 without a word. */
export type PublicProblems = Readonly<Record<string, PublicProblem>>

export const HTTP_PROBLEMS: PublicProblems = {
  ERR_HTTP_BODY_TOO_LARGE: { status: 413, title: 'The request is too large' },
  ERR_HTTP_FOREIGN_FORM: {
    status: 403,
    title: 'This form is not from here',
    detail: 'It came from elsewhere, or the session has ended. Load its page again.',
  },
  ERR_HTTP_FORM: { status: 400, title: 'The form is not complete' },
  ERR_HTTP_EVIDENCE_MOVING: {
    status: 503,
    title: 'The evidence log is busy',
    detail: 'Ask again in a moment.',
  },
  ERR_KEYS_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: 'Not available at the moment',
    detail: 'Nothing was stored. Please try again later.',
  },
}

const NOT_FOUND: PublicProblem = {
  status: 404,
  title: 'There is no such page',
  detail: 'The address may be misspelt, or what it named is gone.',
}
const INTERNAL: PublicProblem = {
  status: 500,
  title: 'Something went wrong',
  detail: 'It has been recorded. Nothing was half-stored.',
}

export interface ProblemOptions {
  readonly name: string
  readonly hasSecurityTxt: boolean
  readonly logger: HttpLogger
  /** Further public errors, by code. */
  readonly problems?: PublicProblems
}

/**
 * The answer for a refused or failed request: a page for browsers, else problem details (RFC 9457).
 * `code` is a coded error that the table of public problems lists.
 */
export function problemResponse(
  c: Context,
  problem: PublicProblem,
  options: Pick<ProblemOptions, 'name' | 'hasSecurityTxt'>,
  code?: string,
): Response | Promise<Response> {
  const { status, title, detail } = problem
  const requestId: string = c.get('requestId') ?? ''
  if (wantsHtml(c)) {
    const frame = {
      site: { name: options.name },
      nonce: (c.get('nonce') as string | undefined) ?? '',
      hasSecurityTxt: options.hasSecurityTxt,
    }
    return c.html(renderMarkup(errorView({ ...frame, title, detail: detail ?? '', requestId })), status)
  }
  return problemDetails(c, problem, code)
}

/**
 * The problem as it is said of this error: when to ask again, where the error knows, for people and in
 * `Retry-After` (RFC 9110 §10.2.3).
 */
export function withRetry(c: Context, problem: PublicProblem, { retryAfterMs }: SuretyError): PublicProblem {
  if (retryAfterMs === null) return problem
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  c.header('Retry-After', String(seconds))
  const wait =
    seconds < 120 ? `${seconds} second${seconds === 1 ? '' : 's'}` : `${Math.ceil(seconds / 60)} minutes`
  return { ...problem, detail: [problem.detail, `Try again in ${wait}.`].filter(Boolean).join(' ') }
}

/** Problem details as JSON, whatever the client accepts (RFC 9457 §3). */
export function problemDetails(
  c: Context,
  { status, title, detail }: PublicProblem,
  code?: string,
): Response {
  const requestId: string = c.get('requestId') ?? ''
  const body = {
    type: 'about:blank',
    title,
    status,
    ...(detail && { detail }),
    ...(code && { code }),
    requestId,
  }
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/problem+json' })
}

function wantsHtml(c: Context): boolean {
  return (c.req.header('Accept') ?? '').includes('text/html')
}

/** For `app.onError` of an app with `protect`, whatever else its context holds: logs what happened, answers with what the outside may know. */
export function problemHandler(options: ProblemOptions): ErrorHandler {
  const known: PublicProblems = { ...HTTP_PROBLEMS, ...options.problems }
  return (error, c) => {
    if (error instanceof SuretyError && known[error.code]) {
      return problemResponse(c, withRetry(c, known[error.code]!, error), options, error.code)
    }
    if (error instanceof HTTPException && error.status < 500) {
      return problemResponse(
        c,
        { status: error.status as ContentfulStatusCode, title: 'The request was refused' },
        options,
      )
    }
    options.logger.error({ requestId: c.get('requestId'), err: error }, 'request failed')
    return problemResponse(c, INTERNAL, options)
  }
}

/** For `app.notFound`. */
export function notFoundHandler(options: Pick<ProblemOptions, 'name' | 'hasSecurityTxt'>): NotFoundHandler {
  return (c) => problemResponse(c, NOT_FOUND, options)
}
