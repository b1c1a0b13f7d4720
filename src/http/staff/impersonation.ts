import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import type { EffectiveGrant, Principal } from '../../access/index.ts'
import { cookieOf } from '../../identity/index.ts'
import { isId, SuretyError, type Clock } from '../../kernel/index.ts'
import { staffPages, type StaffRoom } from '../../staff/index.ts'
import { renderMarkup, type Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import type { StaffVisitor } from './staff-visit.ts'

/** A request of a staff member who sees the product as somebody else. */
export interface Impersonation {
  /** For the store: the staff member under the grant. Reads only, unless the grant says otherwise. */
  readonly principal: Principal
  /** As whom they see it. */
  readonly personId: string
  readonly tenant: string | null
  /** Unix milliseconds. */
  readonly until: number
  /** Stands over every page; `protect()` puts it into those that lack it. */
  readonly banner: Markup
}

/** Staff who see the product as somebody else, recognised by a cookie that is worth nothing alone. */
export interface Impersonations {
  /** Null for everybody else, and once the grant, the session or the account has ended. */
  of(request: Request): Promise<Impersonation | null>
  /** A `Set-Cookie` value: the visitor's browser uses that grant from now on. Throws where it is not in force. */
  begin(visitor: StaffVisitor, grant: string): Promise<string>
  /** A `Set-Cookie` value that takes it away. */
  end(): string
}

export interface ImpersonationOptions {
  readonly staff: StaffRoom
  /** Name of the system: browsers do not tell the ports of one host apart. */
  readonly system: string
  readonly url: () => string
  readonly visitor: (request: Request) => Promise<StaffVisitor | null>
  readonly secret: string
  readonly clock: Clock
}

/**
 * The cookie names a grant and is signed for one session: in another session, or after its end, it says
 * nothing. What it opens is the grant's to say, at each statement.
 */
export function createImpersonations(options: ImpersonationOptions): Impersonations {
  const { staff, url, clock } = options
  const known = new WeakMap<Request, Promise<Impersonation | null>>()
  const secure = (): boolean => url().startsWith('https:')
  const name = (): string => `${secure() ? '__Host-' : ''}${options.system}-as`
  const attributes = (): string => `Path=/; HttpOnly; SameSite=Lax${secure() ? '; Secure' : ''}`
  const find = async (request: Request): Promise<Impersonation | null> => {
    const [grant, given] = (cookieOf(request, name()) ?? '').split('.')
    if (!isId(grant) || given === undefined) return null
    const visitor = await options.visitor(request)
    if (!visitor || !isEqual(given, signatureOf(options.secret, visitor, grant))) return null
    const principal = await staff.principal(visitor.personId, grant)
    const effective = await staff.impersonation(principal).catch(endedOrThrow)
    return effective && toImpersonation(effective, principal, visitor)
  }
  return {
    of(request) {
      const found = known.get(request) ?? find(request)
      known.set(request, found)
      return found
    },
    async begin(visitor, grant) {
      const effective = await staff.impersonation(await staff.principal(visitor.personId, grant))
      const left = Math.max(0, Math.ceil(((effective?.until ?? 0) - clock.now()) / 1_000))
      const value = `${grant}.${signatureOf(options.secret, visitor, grant)}`
      return effective ? `${name()}=${value}; Max-Age=${left}; ${attributes()}` : this.end()
    },
    end: () => `${name()}=; Max-Age=0; ${attributes()}`,
  }
}

function toImpersonation(
  grant: EffectiveGrant,
  principal: Principal,
  { formToken }: StaffVisitor,
): Impersonation | null {
  const { subject, tenant } = grant.scope
  if (subject === null) return null
  const banner = staffPages.impersonationBanner(grant, formToken)
  return { principal, personId: subject, tenant, until: grant.until, banner }
}

function signatureOf(secret: string, { personId, formToken }: StaffVisitor, grant: string): string {
  return createHmac('sha256', secret)
    .update(`impersonation\n${personId}\n${formToken}\n${grant}`)
    .digest('base64url')
}

function isEqual(given: string, own: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(own)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function endedOrThrow(error: unknown): null {
  if (error instanceof SuretyError && /^ERR_(STAFF|ACCESS)_/.test(error.code)) return null
  throw error
}

/** Puts the banner into every page that is sent while it lasts, whoever made the page. */
export function withBanner(
  inner: MiddlewareHandler<SuretyEnv>,
  { of }: Pick<Impersonations, 'of'>,
): MiddlewareHandler<SuretyEnv> {
  return (c, next) =>
    inner(c, async () => {
      // Before the page: one that ends meanwhile was shown under it still.
      const impersonation = await of(c.req.raw)
      await next()
      if (impersonation) await insertBanner(c, renderMarkup(impersonation.banner))
    })
}

async function insertBanner(c: Context<SuretyEnv>, banner: string): Promise<void> {
  if (!(c.res.headers.get('Content-Type') ?? '').startsWith('text/html') || c.res.body === null) return
  const page = await c.res.text()
  const { status, headers } = c.res
  headers.delete('Content-Length')
  headers.delete('ETag')
  const body = /<body[^>]*>/i.exec(page)
  const at = body ? body.index + body[0].length : 0
  const shown = page.includes(staffPages.BANNER_START)
    ? page
    : `${page.slice(0, at)}${banner}${page.slice(at)}`
  c.res = undefined
  c.res = new Response(shown, { status, headers })
}
