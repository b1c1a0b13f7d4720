import type { Context } from 'hono'
import { hasCode, isId, type Clock } from '../../kernel/index.ts'
import { staffPages, StaffError, type StaffRoom } from '../../staff/index.ts'
import { renderMarkup, type Markup } from '../../ui/index.ts'
import type { SuretyEnv } from '../context.ts'
import { HttpError } from '../errors.ts'
import { islandEntry } from '../island-modules.ts'
import { readBody, requireFormToken, requireSameOrigin } from '../own-form.ts'
import type { Impersonations } from './impersonation.ts'

/** Who sends a request, as sign-in knows them. */
export interface StaffVisitor {
  readonly personId: string
  /** The tenant that they act in; null without one. */
  readonly tenant: string | null
  /** True where they decide for that tenant. */
  readonly administers: boolean
  /** The token of their session that forms carry. */
  readonly formToken: string
}

/** What the pages about staff access stand on; `surety.ts` connects it. */
export interface StaffRoutesDeps {
  readonly staff: StaffRoom
  /** Name of the product. */
  readonly name: string
  /** Public address of the app. The `Host` header decides nothing. */
  readonly url: () => string
  /** Null for nobody. Sign-in is another room's: this is its port. */
  readonly visitor: (request: Request) => Promise<StaffVisitor | null>
  /** Staff who see the product as somebody else; null or left out: nobody can. */
  readonly impersonations?: Impersonations | null
  readonly promises: () => Promise<readonly staffPages.ListedPromise[]>
  readonly strangers: () => Promise<readonly staffPages.ListedStranger[]>
  readonly clock: Clock
}

export type Fields = Readonly<Record<string, unknown>>

/** A text that was sent; empty for anything else. */
export function textIn(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}

/** An id out of a path. @throws StaffError `ERR_STAFF_GRANT` for a text that is none */
export function idOf(text: string): string {
  if (isId(text)) return text
  throw new StaffError('ERR_STAFF_GRANT', 'there is nothing of that name')
}

/** One request to a page about staff access: who sends it, what its form says. */
export class StaffVisit {
  readonly c: Context<SuretyEnv>
  readonly deps: StaffRoutesDeps

  constructor(c: Context<SuretyEnv>, deps: StaffRoutesDeps) {
    this.c = c
    this.deps = deps
  }

  /** @throws HttpError `ERR_HTTP_SIGNED_OUT` */
  async visitor(): Promise<StaffVisitor> {
    const visitor = await this.deps.visitor(this.c.req.raw)
    if (visitor) return visitor
    throw new HttpError('ERR_HTTP_SIGNED_OUT', 'nobody is signed in')
  }

  /** An active staff member. @throws HttpError `ERR_HTTP_SIGNED_OUT`; StaffError `ERR_STAFF_ROLE` */
  async member(): Promise<StaffVisitor> {
    const visitor = await this.visitor()
    if (await this.deps.staff.roleOf(visitor.personId)) return visitor
    throw new StaffError('ERR_STAFF_ROLE', 'the visitor is no staff member')
  }

  /** The fields of a form, or members of JSON, that a page of this site sent in this session. @throws HttpError */
  async fields(visitor: StaffVisitor): Promise<Fields> {
    requireSameOrigin(this.c.req.raw, this.deps.url())
    const json = (this.c.req.header('content-type') ?? '').startsWith('application/json')
    const body: unknown = await readBody<unknown>(() => (json ? this.c.req.json() : this.c.req.parseBody()))
    const fields = typeof body === 'object' && body !== null ? (body as Fields) : {}
    requireFormToken(visitor.formToken, fields[staffPages.FORM_TOKEN])
    return fields
  }

  frame({ formToken }: Pick<StaffVisitor, 'formToken'>): staffPages.StaffFrame {
    const island = { module: islandEntry('staff/island/sign') }
    return {
      name: this.deps.name,
      nonce: this.c.get('nonce'),
      formToken,
      island,
      links: staffPages.ACCESS_LINKS,
      ...this.c.get('navigation'),
    }
  }

  page(markup: Markup, status: 200 | 422 = 200): Response | Promise<Response> {
    return this.c.html(renderMarkup(markup), status)
  }

  /** By 303, so that going back sends no form again. */
  goTo(path: string): Response {
    return this.c.redirect(path, 303)
  }

  /** What a browser needs to sign: the challenge, and whose passkeys may answer. */
  async options(member: string, challenge: Uint8Array, keep?: object): Promise<Response> {
    const { staff } = this.deps
    const credentials = (await staff.members.passkeys(member)).map(({ credential }) => credential)
    const text = Buffer.from(challenge).toString('base64url')
    return this.c.json({ challenge: text, site: staff.passkeys.id, credentials, ...(keep && { keep }) })
  }
}

/** The refusals that a form can show in its place. */
export function refusalText(error: unknown): string | null {
  if (hasCode(error, 'ERR_ACCESS_GRANT')) return 'Something in the request cannot be meant as written.'
  if (hasCode(error, 'ERR_ACCESS_GRANT_WIDER')) return 'Your role does not ask for that.'
  if (hasCode(error, 'ERR_STAFF_TOO_MANY')) return 'Too many of your requests wait already.'
  return null
}
