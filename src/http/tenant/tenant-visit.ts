import type { Context } from 'hono'
import type { Principal } from '../../access/index.ts'
import type { SuretyConfig } from '../../declare/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { FORM_FIELD, type NewKey, type TenantFrame, type Tenants } from '../../tenants/index.ts'
import type { Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { readBody, requireFormToken, requireSameOrigin } from '../own-form.ts'
import type { PublicProblem } from '../problem.ts'

/** Who is looking at their organisation. */
export interface TenantVisit {
  /** As `tenants.principalOf` made it for this request. */
  readonly principal: Principal
  /** The session's token, which each form must bring back. */
  readonly form: string
  /** The client's address, as the server sees it. */
  readonly address: string | null
}

/** What the pages of an organisation stand on. */
export interface TenantRoutesDeps {
  readonly site: { readonly name: string; readonly url: string }
  readonly config: Pick<SuretyConfig, 'resources' | 'roles'>
  readonly tenants: Tenants
  readonly clock: Clock
  /** Null where nobody is signed in. */
  visit(request: Request): Promise<TenantVisit | null>
  /** Path of the sign-in page; the path that was sought follows as `next`. */
  readonly signInPath: string
  /** What people are called, as far as it is known. Others are shown by the beginning of their pseudonym. */
  namesOf?(personIds: readonly string[]): Promise<ReadonlyMap<string, string>>
}

export interface Visited {
  readonly c: Context<SuretyEnv>
  readonly visit: TenantVisit
  readonly deps: TenantRoutesDeps
}

/** What a page shows beside what is stored. */
export interface Extra {
  readonly problem?: PublicProblem & { readonly code?: string }
  /** What was sent and refused, to be mended. */
  readonly form?: FormData
  readonly made?: NewKey
}

export interface TenantPage {
  readonly path: string
  show(visited: Visited, extra?: Extra): Promise<Markup>
  /** By the last part of their path. What one returns is shown at once, on the page of its form. */
  readonly changes: Readonly<Record<string, (visited: Visited, form: FormData) => Promise<Extra | void>>>
}

/** What a page of this site sent in the visitor's session. @throws HttpError `ERR_HTTP_FOREIGN_FORM`, `ERR_HTTP_FORM` */
export async function ownForm({ c, visit, deps }: Visited): Promise<FormData> {
  requireSameOrigin(c.req.raw, deps.site.url)
  const form = await readBody(() => c.req.formData())
  requireFormToken(visit.form, form.get(FORM_FIELD))
  return form
}

export function textOf(form: FormData | undefined, name: string): string {
  const value = form?.get(name)
  return typeof value === 'string' ? value : ''
}

export function textsOf(form: FormData | undefined, name: string): string[] {
  return form?.getAll(name).filter((value) => typeof value === 'string') ?? []
}

export function frameOf({ c, visit, deps }: Visited, { problem }: Extra = {}): TenantFrame {
  return {
    site: deps.site,
    nonce: c.get('nonce'),
    form: visit.form,
    nameOf: (personId) => `Person ${personId.slice(0, 8)}`,
    ...c.get('navigation'),
    ...(problem && { problem }),
  }
}

/**
 * As {@link frameOf}, with what people are called and with what waits for who looks.
 * @param people of whom the page shows something
 */
export async function frameWith(
  found: Visited,
  people: readonly string[],
  extra?: Extra,
): Promise<TenantFrame> {
  const { visit, deps } = found
  const frame = frameOf(found, extra)
  const names = await deps.namesOf?.([...new Set(people)])
  const waiting = await deps.tenants.reviews.waiting(visit.principal)
  return {
    ...frame,
    nameOf: (personId) => names?.get(personId) ?? frame.nameOf(personId),
    ...(waiting && {
      waiting: { open: waiting.open, dueAt: waiting.dueAt.getTime(), now: deps.clock.now() },
    }),
  }
}
