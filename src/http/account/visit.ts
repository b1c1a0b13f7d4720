import type { Context } from 'hono'
import type { AuditEvent } from '../../log/index.ts'
import {
  accountPages,
  IdentityError,
  returnPath,
  showsSecondFactor,
  type Client,
  type Identity,
  type Session,
} from '../../identity/index.ts'
import { SuretyError, type Clock } from '../../kernel/index.ts'
import { renderMarkup, type Markup } from '../../ui/index.ts'
import { addressOfClient } from '../client-address.ts'
import type { SuretyEnv } from '../context.ts'
import { HttpError } from '../errors.ts'
import { islandEntry } from '../island-modules.ts'
import { readBody, requireFormToken, requireSameOrigin } from '../own-form.ts'
import { problemDetails, withRetry } from '../problem.ts'
import { ACCOUNT_PROBLEMS } from './account-problems.ts'
import type { AccountProviders } from './provider-routes.ts'

export const { ACCOUNT_PATHS, FORM_TOKEN } = accountPages

/** What the account routes stand on; `surety.ts` connects it. */
export interface AccountRoutesDeps {
  readonly identity: Identity
  /** Name of the product. */
  readonly name: string
  /** Public address of the app. The `Host` header decides nothing. */
  readonly url: () => string
  readonly clock: Clock
  /** Identity providers that people sign in through. Default none. */
  readonly providers?: AccountProviders
  /** Where people go after sign-in unless they were going somewhere. Default `/account/security`. */
  readonly home?: string
  /** Told what happened. Must not throw. */
  readonly audit: (event: AuditEvent) => void
}

export type AccountContext = Context<SuretyEnv>

/** Somebody in the middle of a request: their session and its token. */
export interface Visitor {
  readonly session: Session
  readonly token: string
}

/** One request to an account page: who sends it, what its form says, how it is answered. */
export class Visit {
  readonly c: AccountContext
  readonly deps: AccountRoutesDeps

  constructor(c: AccountContext, deps: AccountRoutesDeps) {
    this.c = c
    this.deps = deps
  }

  get client(): Client {
    const { req } = this.c
    return {
      address: addressOfClient(req.raw),
      userAgent: req.header('user-agent') ?? null,
      device: this.deps.identity.devices.read(req.raw),
    }
  }

  get home(): string {
    return this.deps.home ?? ACCOUNT_PATHS.security
  }

  /** The page that the person was going to, as far as it is of this site. */
  next(given: unknown = this.c.req.query('next')): string {
    return returnPath(given, this.home)
  }

  /** The live session, one that waits for a second factor included; null for nobody. */
  async visitor(): Promise<Visitor | null> {
    const { identity } = this.deps
    const token = identity.cookie.read(this.c.req.raw)
    const session = token === null ? null : await identity.sessions.find(token)
    return session && token !== null ? { session, token } : null
  }

  /** @throws IdentityError `ERR_IDENTITY_SIGNED_OUT`, `ERR_IDENTITY_SECOND_FACTOR` */
  async signedIn(): Promise<Visitor> {
    const visitor = await this.visitor()
    if (!visitor) throw new IdentityError('ERR_IDENTITY_SIGNED_OUT', 'nobody is signed in')
    if (visitor.session.pending)
      throw new IdentityError('ERR_IDENTITY_SECOND_FACTOR', 'the session waits for a second factor')
    return visitor
  }

  /** As {@link signedIn}, for what is sensitive. @throws IdentityError `ERR_IDENTITY_STEP_UP` */
  async fresh(): Promise<Visitor> {
    const visitor = await this.signedIn()
    const { clock, identity } = this.deps
    const { personId, methods, freshAt } = visitor.session
    if (freshAt === null || clock.now() - freshAt > identity.policy.freshMs)
      throw new IdentityError('ERR_IDENTITY_STEP_UP', 'the last proof is too old for this')
    // A session from before there was a second factor has not shown it.
    if (showsSecondFactor(methods) || !(await identity.secondFactors.has(personId))) return visitor
    throw new IdentityError('ERR_IDENTITY_STEP_UP', 'this session showed no second factor')
  }

  /**
   * As {@link fresh}, for setting up a second factor. Whoever signs in through a provider that asks nobody anew, and
   * has neither password nor factor, could show nothing more: for them a sign-in of a moment ago is enough.
   */
  async enrolling(): Promise<Visitor> {
    const visitor = await this.signedIn()
    const { clock, identity, providers } = this.deps
    const { personId, authenticatedAt, provider } = visitor.session
    const vouching = providers?.offered.find(({ id }) => id === provider)
    const isRecent = clock.now() - authenticatedAt <= identity.policy.freshMs
    if (!vouching || vouching.asksAnew || !isRecent) return this.fresh()
    const canShowMore =
      (await identity.secondFactors.has(personId)) || (await identity.passwords.has(personId))
    return canShowMore ? this.fresh() : visitor
  }

  /**
   * The fields of a form that a page of this site sent; of a session, with that session's token.
   * @throws HttpError `ERR_HTTP_FOREIGN_FORM`
   */
  async form(visitor: Visitor | null): Promise<Readonly<Record<string, string>>> {
    requireSameOrigin(this.c.req.raw, this.deps.url())
    const body = await readBody(() => this.c.req.parseBody())
    const fields = Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === 'string'))
    this.#requireToken(visitor, fields[FORM_TOKEN])
    return fields as Record<string, string>
  }

  /** The same for JSON, which scripts send. @throws HttpError `ERR_HTTP_FOREIGN_FORM`, `ERR_HTTP_FORM` */
  async json(visitor: Visitor | null): Promise<Readonly<Record<string, unknown>>> {
    requireSameOrigin(this.c.req.raw, this.deps.url())
    const body: unknown = await this.c.req.json().catch(() => null)
    if (typeof body !== 'object' || body === null)
      throw new HttpError('ERR_HTTP_FORM', 'the request holds no JSON object')
    const fields = body as Record<string, unknown>
    this.#requireToken(visitor, fields[FORM_TOKEN])
    return fields
  }

  #requireToken(visitor: Visitor | null, given: unknown): void {
    if (visitor) requireFormToken(this.deps.identity.forms.of(visitor.session.id), given)
  }

  frame(visitor: Visitor | null) {
    const { identity, name } = this.deps
    return {
      name,
      nonce: this.c.get('nonce'),
      formToken: visitor && identity.forms.of(visitor.session.id),
      links: this.c.get('navigation')?.links ?? accountPages.ACCOUNT_LINKS,
      island: { module: islandEntry('identity/island/passkey') },
    }
  }

  page(markup: Markup, status: 200 | 401 | 409 | 422 | 429 | 503 = 200): Response | Promise<Response> {
    return this.c.html(renderMarkup(markup), status)
  }

  setToken(token: string): void {
    this.c.header('Set-Cookie', this.deps.identity.cookie.set(token), { append: true })
  }

  /** From now on this device's sign-ins do not wait for what others do to the account. */
  async rememberDevice(personId: string): Promise<void> {
    const cookie = await this.deps.identity.devices.admit(this.c.req.raw, personId)
    this.c.header('Set-Cookie', cookie, { append: true })
  }

  /** What others could have used to get in waits like a stranger's from now on. */
  async forgetOtherDevices(personId: string): Promise<void> {
    await this.deps.identity.devices.forget(personId)
    await this.rememberDevice(personId)
  }

  clearToken(): void {
    this.c.header('Set-Cookie', this.deps.identity.cookie.clear(), { append: true })
  }

  /** By 303, so that going back sends no form again. */
  goTo(path: string): Response {
    return this.c.redirect(path, 303)
  }

  /** What was refused: for browsers the page again, saying so; for others problem details. */
  refusal(error: unknown, page: (why: string) => Markup): Response | Promise<Response> {
    const known = error instanceof SuretyError ? ACCOUNT_PROBLEMS[error.code] : undefined
    if (!(error instanceof SuretyError) || !known || known.status === 403) throw error
    const problem = withRetry(this.c, known, error)
    const html = (this.c.req.header('Accept') ?? '').includes('text/html')
    if (!html) return problemDetails(this.c, problem, error.code)
    const { title, detail, status } = problem
    return this.page(page(detail === undefined ? title : `${title}. ${detail}`), status as 401)
  }

  note(
    kind: 'sign-in.succeeded' | 'sign-in.failed' | 'sign-in.ended',
    subject: string | null,
    method: string,
  ): void {
    this.deps.audit({ kind, subject, tenant: null, method, request: this.c.get('requestId') })
  }

  changed(subject: string, what: string): void {
    this.deps.audit({ kind: 'account.changed', subject, what, request: this.c.get('requestId') })
  }
}
