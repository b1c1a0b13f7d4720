import { createTransport, type SMTPTransportOptions } from 'nodemailer'
import type { MailPort } from '../declare/index.ts'
import { MailError } from './errors.ts'

/** A mail server that takes letters from this system. */
export interface SmtpOptions {
  readonly host: string
  /** Default 587, or 465 with `tls: 'implicit'`. */
  readonly port?: number
  /**
   * `'starttls'` (default) refuses a server that does not offer it (RFC 3207), `'implicit'` encrypts from the first
   * byte (RFC 8314 §3.3); both check the server's certificate. `'none'` is taken for this machine only.
   */
  readonly tls?: 'starttls' | 'implicit' | 'none'
  /** Certificate of an authority of your own, PEM. Default: those that Node knows. */
  readonly ca?: string
  /** Default: no authentication. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Whom letters are from: `no-reply@codetime.example`, or `Codetime <no-reply@codetime.example>`. */
  readonly from: string
}

/** Domains that nobody has (RFC 2606 §2, RFC 6761 §6): a probe's account, a made-up person. */
const RESERVED = /[@.](?:example|invalid|test|localhost)$/i

const CONNECT_MS = 10_000
const SILENCE_MS = 30_000

/**
 * Hands letters to a mail server, one connection for each. `send` rejects with the server's refusal. Letters to
 * domains that are reserved for examples and tests are dropped.
 *
 * @throws MailError `ERR_MAIL_CONFIG`
 */
export function smtpMail(options: SmtpOptions): MailPort {
  checkOptions(options)
  const transport = createTransport(transportOptions(options))
  return {
    async send({ to, subject, text }) {
      if (RESERVED.test(to)) return
      await transport.sendMail({
        from: options.from,
        to: { name: '', address: to },
        subject,
        text,
        // No answering machine answers it (RFC 3834 §5.1).
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
    },
  }
}

function transportOptions({ host, port, tls = 'starttls', ca, user }: SmtpOptions): SMTPTransportOptions {
  return {
    host,
    port: port ?? (tls === 'implicit' ? 465 : 587),
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    ...(user && { auth: { user: user.name, pass: user.password } }),
    disableFileAccess: true,
    disableUrlAccess: true,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
  }
}

function checkOptions({ host, port, tls = 'starttls', from }: SmtpOptions): void {
  const refuse = (problem: string): never => {
    throw new MailError('ERR_MAIL_CONFIG', `smtpMail: ${problem}`)
  }
  if (!/^[A-Za-z0-9.:-]+$/.test(host)) refuse('host is no host name')
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) refuse('port is no port')
  if (tls === 'none' && !/^(localhost|127\.[0-9.]+|::1)$/.test(host))
    refuse("tls: 'none' would send links to accounts in the clear over a network")
  if (!/^(?:[^<>\p{Cc}]+ <)?[^\s<>@]+@[^\s<>@]+>?$/u.test(from) || from.includes('<') !== from.endsWith('>'))
    refuse("from is no address such as 'Codetime <no-reply@codetime.example>'")
}
