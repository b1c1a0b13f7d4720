import {
  button,
  card,
  html,
  link,
  notice,
  pageHeading,
  postForm,
  textField,
  type Markup,
} from '../../ui/index.ts'
import { MIN_PASSWORD_CHARACTERS } from '../passwords/password-rules.ts'
import { ACCOUNT_PATHS, accountPage, FORM_TOKEN, type AccountFrame } from './account-page.ts'

export interface AddressCard {
  readonly formToken: string
  readonly email: string
  readonly isConfirmed: boolean
  /** Whether something takes letters over. */
  readonly offersMail: boolean
}

/** On the page of one's own sign-in: the address, whether it is confirmed, and another one in its place. */
export function addressCard({ formToken, email, isConfirmed, offersMail }: AddressCard): Markup {
  const hidden = { [FORM_TOKEN]: formToken }
  const state = html`<p><span dir="auto">${email}</span>: ${isConfirmed ? 'confirmed.' : 'not confirmed yet.'}</p>`
  const again = html`<p class="small">Until it is, nobody can invite you by it, and no other way of signing in joins this account.</p>
${postForm({ action: `${ACCOUNT_PATHS.address}/send`, hidden, body: button('Send the letter again') })}`
  const change = postForm({
    action: `${ACCOUNT_PATHS.address}/change`,
    hidden,
    body: [
      textField({
        label: 'New address',
        name: 'email',
        type: 'email',
        autocomplete: 'email',
        hint: 'It becomes yours with the link that we send there. The old one is told.',
      }),
      button('Change the address'),
    ],
  })
  const absent = html`<p class="small">This site sends no mail: here an address can be neither confirmed nor changed.</p>`
  return card({
    title: 'E-mail address',
    body: offersMail ? [state, isConfirmed ? null : again, change] : [state, absent],
  })
}

export interface ConfirmAddressView extends AccountFrame {
  readonly formToken: string
  readonly token: string
}

/** Behind the link of a letter. Opening it changes nothing: readers of mail open links by themselves. */
export function confirmAddressView(view: ConfirmAddressView): Markup {
  return accountPage(view, {
    title: 'Confirm your address',
    content: html`<div class="narrow">${pageHeading({ title: 'Confirm your address', lead: 'The link came to your address, and you are signed in: one step is left.' })}
${postForm({
  action: ACCOUNT_PATHS.address,
  hidden: { [FORM_TOKEN]: view.formToken, token: view.token },
  body: button('This address is mine', { look: 'primary' }),
})}</div>`,
  })
}

/** A link that no longer opens anything, and where to get another. */
export function spentLinkView(
  view: AccountFrame,
  again: { readonly href: string; readonly label: string },
): Markup {
  return accountPage(view, {
    title: 'This link has ended',
    content: html`<div class="narrow">${pageHeading({ title: 'This link has ended', lead: 'It was used, is too old, or is for another account than the one that you are signed in to.' })}
<p>${link(again.href, again.label)}</p></div>`,
  })
}

export interface AskResetView extends AccountFrame {
  /** False where no mail is configured: then the page only says so. */
  readonly isOffered: boolean
  /** True once it was asked for. */
  readonly isAsked?: boolean
  readonly email?: string
  readonly problem?: string
}

/** Asks for the address to which the link for a new password goes. */
export function askResetView(view: AskResetView): Markup {
  const { isOffered, isAsked, email, problem } = view
  const title = 'Forgotten password'
  const back = html`<p class="small">${link(ACCOUNT_PATHS.signIn, 'Back to sign-in')}</p>`
  const field = textField({
    label: 'E-mail address',
    name: 'email',
    type: 'email',
    autocomplete: 'username',
    ...(email === undefined ? {} : { value: email }),
    ...(problem === undefined ? {} : { problem }),
  })
  const form = postForm({
    action: ACCOUNT_PATHS.reset,
    body: [field, button('Send the letter', { look: 'primary' })],
  })
  const asked = notice(
    'good',
    'If the address has an account, a letter is on its way',
    'It comes within a few minutes, with a link that works for an hour. If none comes, look among the unwanted mail, then ask again.',
  )
  const absent = notice(
    'unsure',
    'Not offered here',
    'This site sends no mail, so a forgotten password cannot be replaced by yourself. Ask whoever runs it.',
  )
  const lead = isOffered && !isAsked ? { lead: 'We send a link with which you set a new one.' } : {}
  return accountPage(view, {
    title,
    content: html`<div class="narrow">${pageHeading({ title, ...lead })}
${isOffered ? (isAsked ? asked : form) : absent}${back}</div>`,
  })
}

export interface ResetPasswordView extends AccountFrame {
  readonly token: string
  readonly problem?: string
}

/** Behind the link of a letter: the new password. */
export function resetPasswordView(view: ResetPasswordView): Markup {
  const { token, problem } = view
  return accountPage(view, {
    title: 'A new password',
    content: html`<div class="narrow">${pageHeading({ title: 'A new password', lead: 'All your sessions end with it. A second factor stays, and is asked for when you sign in.' })}
${postForm({
  action: ACCOUNT_PATHS.resetPassword,
  hidden: { token },
  body: [
    textField({
      label: 'New password',
      name: 'password',
      type: 'password',
      autocomplete: 'new-password',
      hint: `At least ${MIN_PASSWORD_CHARACTERS} characters. Several unrelated words are easy to keep and hard to guess.`,
      ...(problem === undefined ? {} : { problem }),
    }),
    button('Set the password', { look: 'primary' }),
  ],
})}</div>`,
  })
}
