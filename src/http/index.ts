/**
 * HTTP: the thin edge. Routes, headers, limits, errors, and the adapter to Node's server.
 *
 * Promise: every response carries a strict CSP with a fresh nonce; an error shows nothing of the inside;
 * a log line holds no path, query, header or body; only files found at start are ever handed out.
 * How: Hono; `protection` stands before the routes, `createRoutes` makes the public ones over ports
 * that `surety.ts` connects. Status codes and public wording are chosen here and nowhere else.
 * Not here: attack detection, TLS; of sign-in only its routes (`account/`), the rest is `identity`'s.
 */
export { accountRoutes, type AccountSiteDeps } from './account/account-routes.ts'
export { addressOfClient, trustedProxies, type TrustedProxies } from './client-address.ts'
export { DEFAULT_MAX_BODY_BYTES, limitBody } from './body-limit.ts'
export type { HttpLogger, Navigation, SuretyEnv, SuretyVariables } from './context.ts'
export { HttpError } from './errors.ts'
export type { EvidenceReader } from './evidence-source.ts'
export { requestMetrics } from './metrics.ts'
export { navigationRoutes } from './navigation.ts'
export { serveNode } from './node.ts'
export type { RunningServer, ServeOptions } from './node.ts'
export { notFoundHandler, problemDetails, problemHandler, problemResponse } from './problem.ts'
export type { ProblemOptions, PublicProblem, PublicProblems } from './problem.ts'
export { protection } from './protection.ts'
export type { ProtectionOptions } from './protection.ts'
export { providerCallbackPath } from './account/provider-routes.ts'
export type { AccountProviders } from './account/provider-routes.ts'
export { scimRoutes } from './scim/scim-routes.ts'
export type { ScimClient, ScimDeps } from './scim/scim-routes.ts'
export { requestLog } from './request-log.ts'
export type { FinishedRequest } from './request-log.ts'
export { createRoutes } from './routes.ts'
export type { RoutesDeps } from './routes.ts'
export { allowAnyone, contentSecurityPolicy, securityHeaders } from './security-headers.ts'
export type { SecurityHeaderOptions } from './security-headers.ts'
export {
  createImpersonations,
  withBanner,
  type Impersonation,
  type Impersonations,
} from './staff/impersonation.ts'
export { staffRoutes, type StaffSiteDeps, type StaffVisitor } from './staff/staff-routes.ts'
export { TENANT_PROBLEMS } from './tenant/tenant-problems.ts'
export { tenantRoutes } from './tenant/tenant-routes.ts'
export type { TenantRoutesDeps, TenantVisit } from './tenant/tenant-visit.ts'
