import { timingSafeEqual } from 'node:crypto'
import { HttpError } from './errors.ts'

/**
 * Refuses what no page of this site has sent. Browsers say where a request comes from (Fetch Metadata);
 * those that do not say name the origin. Who says neither is no browser that shows our pages.
 *
 * @param url public address of the app: the `Host` header decides nothing
 * @throws HttpError `ERR_HTTP_FOREIGN_FORM`
 */
export function requireSameOrigin({ headers }: Request, url: string): void {
  const site = headers.get('sec-fetch-site')
  const isOwn = site === null ? headers.get('origin') === new URL(url).origin : site === 'same-origin'
  if (!isOwn) throw foreign('the request comes from another site')
}

/**
 * Refuses a form that does not carry the token of the session that sends it.
 * @param own the session's token; empty fits nothing
 * @throws HttpError `ERR_HTTP_FOREIGN_FORM`
 */
export function requireFormToken(own: string, given: unknown): void {
  const [ours, theirs] = [Buffer.from(own), Buffer.from(typeof given === 'string' ? given : '')]
  if (ours.length > 0 && ours.length === theirs.length && timingSafeEqual(ours, theirs)) return
  throw foreign('the form belongs to no session or to another')
}

/** A body as `read` understands it. @throws HttpError `ERR_HTTP_FORM` for one that is not what its type says */
export async function readBody<Body>(read: () => Promise<Body>): Promise<Body> {
  try {
    return await read()
  } catch (cause) {
    throw new HttpError('ERR_HTTP_FORM', 'the body is not what its type says', { cause })
  }
}

function foreign(why: string): Error {
  return new HttpError('ERR_HTTP_FOREIGN_FORM', why)
}
