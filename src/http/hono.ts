/**
 * `surety/hono`: what a Hono app takes beside `surety.protect()` and `surety.routes()`. The types of the
 * context that `protect` fills, and answers to errors that show nothing of the inside. `surety.routes()`
 * answers for its own routes; the app's own need them on the app.
 */
export { addressOfClient } from './client-address.ts'
export type { HttpLogger, SuretyEnv, SuretyVariables } from './context.ts'
export { notFoundHandler, problemDetails, problemHandler } from './problem.ts'
export type { ProblemOptions, PublicProblem, PublicProblems } from './problem.ts'
export { allowAnyone } from './security-headers.ts'
