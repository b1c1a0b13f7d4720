import { VerifyRunError } from './errors.ts'

/** Names that never lead to a stranger's site: this machine, an address, a private or reserved zone. */
const LOCAL = /^\[|^[0-9.]+$|^[^.]+$|\.(?:localhost|local|internal|lan|test|home\.arpa)$/

/**
 * Refuses a log that speaks for another site. The evidence of an honest site is public: whoever copies
 * it whole could show it as their own, so that a key learned from the site itself counts only where the
 * origin it names is the site's host, a part of it, or what it is a part of. Local addresses may serve
 * any origin.
 *
 * @param keyName name of the log's verifier key, `<origin>/evidence`
 * @throws VerifyRunError `ERR_VERIFY_RUN_ORIGIN`
 */
export function checkOwnLog(siteUrl: string, keyName: string): void {
  const host = new URL(siteUrl).hostname.replace(/\.$/, '')
  if (LOCAL.test(host) || belongTogether(host, hostOf(keyName))) return
  throw new VerifyRunError(
    'ERR_VERIFY_RUN_ORIGIN',
    `the log served at ${host} is the log of ${keyName}: nothing but the site’s own word ties the two`,
  )
}

function hostOf(keyName: string): string {
  return keyName
    .slice(0, keyName.indexOf('/'))
    .replace(/:[0-9]+$/, '')
    .toLowerCase()
}

/** The same host, or one below the other; a bare top-level name ties nothing. */
function belongTogether(a: string, b: string): boolean {
  if (a === b) return true
  const shorter = a.length < b.length ? a : b
  return shorter.includes('.') && (a.endsWith(`.${b}`) || b.endsWith(`.${a}`))
}
