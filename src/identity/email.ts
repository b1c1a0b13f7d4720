import { domainToASCII } from 'node:url'
import { IdentityError } from './errors.ts'

/** RFC 5321 §4.5.3.1: 64 octets before the @, 254 in all (RFC 3696 erratum 1690). */
const MAX_LOCAL = 64
const MAX_ADDRESS = 254
/** RFC 5322 `dot-atom`: what real mailboxes are made of; quoted local parts are refused. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/**
 * The one form in which an address is stored, compared and shown; case does not count.
 *
 * Before the @ only ASCII is taken, as it was given: a letter of another script that looks the same, or
 * that becomes the same when it is normalised or put into lower case, is another mailbox (RFC 6531), and
 * whoever proved that one has not proved this one. A domain becomes its ASCII form (IDNA, `xn--…`), in
 * which a look-alike looks like what it is.
 *
 * @throws IdentityError `ERR_IDENTITY_EMAIL`
 */
export function canonicalEmail(typed: string): string {
  // Nothing longer than this is an address, however it is written.
  const address = typed.length > 4 * MAX_ADDRESS ? '' : typed.trim()
  const at = address.lastIndexOf('@')
  const [local, host] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)]
  const domain = domainToASCII(host)
  const canonical = `${local.toLowerCase()}@${domain}`
  const fits = local.length <= MAX_LOCAL && canonical.length <= MAX_ADDRESS
  if (at > 0 && fits && LOCAL.test(local) && DOMAIN.test(domain)) return canonical
  throw new IdentityError('ERR_IDENTITY_EMAIL', 'this is not an e-mail address that can be taken')
}
