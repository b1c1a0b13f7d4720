import type { MailMessage } from '../../declare/index.ts'
import { letter } from '../../mail/index.ts'
import { ACCOUNT_PATHS } from '../views/account-page.ts'
import { LINK_HOURS } from './mail-links.ts'

/** The product, and its public address: the only one that letters link to. */
export interface LetterFrom {
  readonly name: string
  readonly url: string
}

type Letter = (from: LetterFrom, to: string, token: string) => MailMessage
type Notice = (from: LetterFrom, to: string) => MailMessage

const withToken = ({ url }: LetterFrom, path: string, token: string): string => `${url}${path}?token=${token}`

export const confirmAddressLetter: Letter = (from, to, token) =>
  letter({
    from,
    to,
    subject: `Confirm your e-mail address for ${from.name}`,
    paragraphs: [
      `Somebody made an account at ${from.name} with this address. If it was you, confirm the address:`,
      withToken(from, ACCOUNT_PATHS.address, token),
      `The link works once, for ${LINK_HOURS['confirm-address']} hours, while you are signed in to that account.`,
      'If it was not you, there is nothing to do: until it is confirmed, the address counts for nothing.',
    ],
  })

export const changeAddressLetter: Letter = (from, to, token) =>
  letter({
    from,
    to,
    subject: `Confirm your new e-mail address for ${from.name}`,
    paragraphs: [
      `Somebody wants to use this address for their account at ${from.name}. If it was you, confirm it:`,
      withToken(from, ACCOUNT_PATHS.address, token),
      `The link works once, for ${LINK_HOURS['change-address']} hours, while you are signed in to that account.`,
      'If it was not you, there is nothing to do: without the link nothing changes.',
    ],
  })

/** To an address that somebody gave who does not hold its account. */
export const addressTakenLetter: Notice = (from, to) =>
  letter({
    from,
    to,
    subject: `You have an account at ${from.name}`,
    paragraphs: [
      `Somebody gave this address at ${from.name}, where it has an account already. If it was you, sign in:`,
      `${from.url}${ACCOUNT_PATHS.signIn}`,
      'There you can also set a new password. If it was not you, there is nothing to do: nothing has changed.',
    ],
  })

/** To the address that an account had. */
export const addressChangedLetter: Notice = (from, to) =>
  letter({
    from,
    to,
    subject: `Your e-mail address at ${from.name} was changed`,
    paragraphs: [
      `Your account at ${from.name} now has another e-mail address; this one no longer belongs to it.`,
      'If it was not you, somebody else is using your account. Tell us at once; how, stands here:',
      `${from.url}/security`,
    ],
  })

export const resetLetter: Letter = (from, to, token) =>
  letter({
    from,
    to,
    subject: `Set a new password for ${from.name}`,
    paragraphs: [
      `Somebody asked for a new password for your account at ${from.name}. If it was you, set it here:`,
      withToken(from, ACCOUNT_PATHS.resetPassword, token),
      'The link works once, for one hour. A second factor stays as it is, and is asked for when you sign in.',
      'If it was not you, there is nothing to do: your password stays as it is.',
    ],
  })

/** Where no link may be sent: the account was never shown to be the reader's, or has no password. */
export const noResetLetter: Notice = (from, to) =>
  letter({
    from,
    to,
    subject: `No new password for ${from.name}`,
    paragraphs: [
      `Somebody asked for a new password at ${from.name} with this address. A letter cannot set one here:`,
      'the account is signed in to through an identity provider, or whoever made it protected it with a second factor and never confirmed this address.',
      `Sign in another way: ${from.url}${ACCOUNT_PATHS.signIn}`,
    ],
  })

export const passwordResetLetter: Notice = (from, to) =>
  letter({
    from,
    to,
    subject: `Your password at ${from.name} was changed`,
    paragraphs: [
      `Your account at ${from.name} has a new password, set through a letter to this address. All its sessions have ended.`,
      'If it was not you, somebody reads your mail. Secure your mailbox, then set another password:',
      `${from.url}${ACCOUNT_PATHS.reset}`,
    ],
  })
