import type { Context } from 'hono'
import type { Markup } from 'surety/ui'
import type { Service } from './api-request.ts'

/** What Surety's middleware puts into a request's context. */
export type PageEnv = { Variables: { nonce: string; requestId: string } }

/** Name of the field that carries a session's form token. */
export const FORM_TOKEN = 'form'

/** A page of a person's own: no cache keeps it. */
export function show(
  c: Context<PageEnv>,
  page: Markup,
  status: 200 | 400 | 401 | 403 | 404 | 409 | 413 | 415 | 500 | 503 = 200,
) {
  c.header('Cache-Control', 'no-store')
  return c.html(page, status)
}

/** Sent by another site, or in another session. */
export class ForeignForm extends Error {}

/**
 * The fields of a form that a page of this site sent in the visitor's session.
 * @throws ForeignForm
 */
export async function ownForm(c: Context<PageEnv>, { signIn }: Service): Promise<FormData> {
  requireFromHere(c)
  const form = await c.req.formData().catch(() => new FormData())
  const token = await signIn.formToken(c.req.raw)
  if (token === null || form.get(FORM_TOKEN) !== token) throw new ForeignForm()
  return form
}

/**
 * Browsers say where a form comes from (Fetch Metadata); one that does not names at least the origin.
 * @throws ForeignForm
 */
export function requireFromHere(c: Context<PageEnv>): void {
  const site = c.req.header('sec-fetch-site')
  if (site === 'same-origin' || site === 'none') return
  const origin = c.req.header('origin')
  const isHere = origin === undefined || URL.parse(origin)?.host === c.req.header('host')
  if (site !== undefined || !isHere) throw new ForeignForm()
}
