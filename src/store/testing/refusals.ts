import type { Kysely } from 'kysely'
import { parseRoles, systemPrincipal } from '../../access/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import { governedDialect, type Backend } from '../dialect.ts'
import { GovernedKysely } from '../governed-kysely.ts'
import { testResources, testRoles, user, type TestTables } from '../testing.ts'
import type { Policy } from '../plan/authority.ts'
import { PlanCache } from '../plan/plan-cache.ts'

/** Queries here are only planned: a database would be one too many. */
const never = (): never => {
  throw new RangeError('a refused query reached the database')
}
const backend: Backend = { connect: never, execute: never }
const planOnly = (policy: Policy) => governedDialect(policy, backend, new PlanCache())

export const policy: Policy = {
  principal: user(createPseudonym()),
  roles: parseRoles({ ...testRoles, member: [...testRoles.member, 'notes:*:tenant'] }),
  resources: new Map(Object.entries(testResources)),
  predicates: true,
}

export const db: Kysely<TestTables> = new GovernedKysely<TestTables>(planOnly(policy))

/** The same for a task that reaches every tenant. */
export const everywhere: Kysely<TestTables> = new GovernedKysely<TestTables>(
  planOnly({ ...policy, principal: systemPrincipal('tests', Object.keys(testResources)) }),
)

/** Builders as careless or hostile code would use them: without their types. */
export type Loose = any // oxlint-disable-line typescript/no-explicit-any -- the point of these queries is that no type stops them
export const loose: Loose = new GovernedKysely<TestTables>(planOnly(policy))
export const compile = (query: Loose): unknown => query.compile()

/** What is refused, the ends of the codes allowed for it, and how it is built. */
export type Refusal = [what: string, codes: string, build: () => unknown]

/** `refused`, or what came instead of one of the allowed codes. */
export function verdict(codes: string, build: () => unknown): unknown {
  const allowed = codes
    .split('|')
    .map((code) => (code === 'READONLY' ? 'ERR_VALUE_READONLY' : `ERR_STORE_${code}`))
  const refusal = refusalOf(build)
  return allowed.some((code) => code === refusal) ? 'refused' : refusal
}

/** The code that `work` is refused with; what it returns when it is not refused. */
export function refusalOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
