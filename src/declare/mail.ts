import type { DefinitionCheck } from './definition.ts'

/** One letter: plain text, for one reader. */
export interface MailMessage {
  /** An address in its canonical form: ASCII, no name, nothing to escape. */
  readonly to: string
  /** One line. */
  readonly subject: string
  /** Lines divided by `\n`. */
  readonly text: string
}

/**
 * What takes letters over: a mail server (`smtpMail` of `surety/smtp`), or an API of a sender of your choice. Probes
 * sign up as `…@canary.example`: what goes to a reserved domain (RFC 2606) can be dropped.
 */
export interface MailPort {
  /**
   * Resolves when somebody else answers for the letter. It is called outside any request, a few letters at once, and
   * given up after a minute. A letter that it did not take is given to it again, each time later, for a day at most
   * (a new password: an hour), written anew, so that the link in an earlier one ends. That is logged without the
   * address.
   */
  send(message: MailMessage): Promise<void>
}

export function checkMail(check: DefinitionCheck, mail: MailPort): void {
  check.onlyKnown(mail, ['send'])
  check.that(
    typeof mail.send === 'function',
    'mail.send',
    'is no function',
    'write mail: smtpMail({ … }), or { send: async ({ to, subject, text }) => … }',
  )
}
