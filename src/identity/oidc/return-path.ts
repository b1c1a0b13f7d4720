/** A base that nobody can own: RFC 2606 reserves it. */
const NOWHERE = 'http://surety.invalid'
const MAX_LENGTH = 1_024

/**
 * Where to go after a sign-in: the path, query and fragment that were asked for if they lie on this
 * site, else `/`. What a browser would take for another host (`//host`, `/\host`, tabs in between) does not.
 */
export function returnPath(asked: string | null | undefined): string {
  if (!asked || asked.length > MAX_LENGTH) return '/'
  // The URL Standard drops tabs and line breaks anywhere and reads a backslash as a slash (§4.4).
  // oxlint-disable-next-line no-control-regex
  if (!asked.startsWith('/') || /[\u0000-\u0020\u007f\\]/.test(asked)) return '/'
  const url = URL.parse(asked, NOWHERE)
  if (url?.origin !== NOWHERE) return '/'
  const path = `${url.pathname}${url.search}${url.hash}`
  return path.startsWith('//') ? '/' : path
}
