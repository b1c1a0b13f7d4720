import {
  button,
  card,
  html,
  link,
  exactTime,
  notice,
  pageHeading,
  postForm,
  textField,
  type Markup,
} from '../../ui/index.ts'
import type { AccountView } from '../identity.ts'
import type { EnrolledFactors } from '../second-factors/second-factors.ts'
import type { Session } from '../sessions.ts'
import { deviceName, methodNames } from './device-name.ts'
import { ACCOUNT_PATHS, accountPage, FORM_TOKEN, type AccountFrame } from './account-page.ts'
import { addressCard } from './letter-views.ts'
import { qrCode } from './qr-code.ts'
import { passkeyButton } from './sign-in-view.ts'

const PATH = ACCOUNT_PATHS.security

/** What can be done on the page, by the last part of its path. */
export type SecurityAction =
  | 'authenticator'
  | 'authenticator-confirm'
  | 'authenticator-remove'
  | 'recovery-codes'
  | 'passkey-remove'
  | 'password'

export interface SecurityView extends AccountFrame {
  readonly formToken: string
  readonly account: AccountView
  readonly factors: EnrolledFactors
  readonly hasPassword: boolean
  /** Whether something takes letters over. */
  readonly offersMail: boolean
  /** True where a role demands a second factor and there is none: nothing else opens until then. */
  readonly mustEnrol: boolean
  readonly news?: string
  readonly problem?: string
}

export function securityView(view: SecurityView): Markup {
  const { account, news, problem, mustEnrol, factors } = view
  return accountPage(view, {
    title: 'Sign-in and security',
    current: PATH,
    usesPasskeys: true,
    content: [
      pageHeading({ title: 'Sign-in and security', lead: html`${account.name}, ${account.email}` }),
      problem ? notice('bad', problem) : null,
      news ? notice('good', news) : null,
      mustEnrol
        ? notice(
            'unsure',
            'Your role asks for a second factor',
            'Set one up here; until then nothing else opens.',
          )
        : null,
      passkeysCard(view),
      authenticatorCard(view),
      factors.authenticator || factors.passkeys.length > 0 ? recoveryCard(view) : null,
      view.hasPassword ? passwordCard(view) : null,
      addressCard({ ...view, email: account.email, isConfirmed: account.emailVerified }),
    ],
  })
}

function action(
  view: SecurityView,
  to: SecurityAction,
  body: Parameters<typeof postForm>[0]['body'],
  more = {},
): Markup {
  return postForm({ action: `${PATH}/${to}`, hidden: { [FORM_TOKEN]: view.formToken, ...more }, body })
}

function passkeysCard(view: SecurityView): Markup {
  const { passkeys } = view.factors
  const rows = passkeys.map(
    ({ id, name, createdAt, lastUsedAt }) => html`<li><div><p>${name}</p>
<p>Added ${exactTime(createdAt)}${lastUsedAt === null ? null : html`, last used ${exactTime(lastUsedAt)}`}</p></div>
${action(view, 'passkey-remove', button('Remove', { look: 'danger' }), { id })}</li>`,
  )
  return card({
    title: 'Passkeys',
    body: [
      html`<p>A passkey stays on your device and cannot be given away by mistake.</p>`,
      passkeys.length > 0 ? html`<ul class="rows">${rows}</ul>` : null,
      passkeyButton('Add a passkey', { purpose: 'add', next: PATH, formToken: view.formToken }),
      html`<noscript><p class="small">Passkeys need script; everything else works without.</p></noscript>`,
    ],
  })
}

function authenticatorCard(view: SecurityView): Markup {
  const { authenticator } = view.factors
  return card({
    title: 'Authenticator app',
    body: authenticator
      ? [
          html`<p>Set up. Codes of your app are asked for when you sign in.</p>`,
          action(view, 'authenticator-remove', button('Remove', { look: 'danger' })),
        ]
      : [
          html`<p>An app on your phone shows a new code every 30 seconds.</p>`,
          action(view, 'authenticator', button('Set up an app')),
        ],
  })
}

function recoveryCard(view: SecurityView): Markup {
  const { recoveryCodes } = view.factors
  return card({
    title: 'Recovery codes',
    body: [
      html`<p>${recoveryCodes === 0 ? 'You have none.' : `${recoveryCodes} left.`} Each lets you in once when your second factor is out of reach.</p>`,
      action(view, 'recovery-codes', button('Make new ones')),
    ],
  })
}

function passwordCard(view: SecurityView): Markup {
  return card({
    title: 'Password',
    body: action(view, 'password', [
      textField({ label: 'New password', name: 'password', type: 'password', autocomplete: 'new-password' }),
      html`<p class="small">All your other sessions end.</p>`,
      button('Change the password'),
    ]),
  })
}

export interface AuthenticatorView extends AccountFrame {
  readonly formToken: string
  readonly secret: string
  /** The same as apps read it from a QR code. */
  readonly uri: string
  readonly problem?: string
}

/** The secret to scan or to type into the app, and the field for its first code. */
export function authenticatorView(view: AuthenticatorView): Markup {
  const { formToken, secret, uri, problem } = view
  return accountPage(view, {
    title: 'Set up an authenticator app',
    current: PATH,
    content: html`<div class="narrow">${pageHeading({ title: 'Set up an authenticator app' })}
${problem ? notice('bad', problem) : null}
<p>Scan this with the app:</p>
${qrCode(uri, 'QR code of the key that stands below')}
<p>Or choose there to enter a key by hand, by time. The key is</p>
<p class="key">${secret.match(/.{4}/g)!.join(' ')}</p>
${postForm({
  action: `${PATH}/authenticator-confirm`,
  hidden: { [FORM_TOKEN]: formToken },
  body: [
    textField({
      label: 'Code that the app shows',
      name: 'code',
      autocomplete: 'one-time-code',
      numeric: true,
      maxlength: 10,
    }),
    button('Confirm', { look: 'primary' }),
  ],
})}
<p class="small">${link(PATH, 'Leave it as it was')}</p></div>`,
  })
}

export interface RecoveryCodesView extends AccountFrame {
  readonly codes: readonly string[]
}

/** New recovery codes, shown this once. */
export function recoveryCodesView(view: RecoveryCodesView): Markup {
  return accountPage(view, {
    title: 'Recovery codes',
    current: PATH,
    content: html`<div class="narrow">${pageHeading({ title: 'Recovery codes', lead: 'Print them or write them down: they are shown only now. Each lets you in once.' })}
<ul class="code-list">${view.codes.map((code) => html`<li>${code}</li>`)}</ul>
<p>${link(PATH, 'I have kept them')}</p></div>`,
  })
}

export interface SessionsView extends AccountFrame {
  readonly formToken: string
  readonly sessions: readonly Session[]
  readonly currentId: string
  readonly news?: string
}

export function sessionsView(view: SessionsView): Markup {
  const { sessions, currentId, formToken, news } = view
  const hidden = { [FORM_TOKEN]: formToken }
  const rows = sessions.map(
    ({ id, userAgent, address, usedAt, authenticatedAt, methods }) => html`<li><div>
<p dir="auto">${deviceName(userAgent)}${id === currentId ? html` <strong>(this one)</strong>` : null}</p>
<p>${address ? html`From ${address}, s` : 'S'}igned in ${exactTime(authenticatedAt)} with ${methodNames(methods)}, last used ${exactTime(usedAt)}</p></div>
${id === currentId ? null : postForm({ action: `${ACCOUNT_PATHS.sessions}/end`, hidden: { ...hidden, id }, body: button('End') })}</li>`,
  )
  return accountPage(view, {
    title: 'Where you are signed in',
    current: ACCOUNT_PATHS.sessions,
    content: [
      pageHeading({ title: 'Where you are signed in' }),
      news ? notice('good', news) : null,
      card({ body: html`<ul class="rows">${rows}</ul>` }),
      postForm({
        action: `${ACCOUNT_PATHS.sessions}/end-all`,
        hidden,
        body: button('Sign out everywhere', { look: 'danger' }),
      }),
    ],
  })
}
