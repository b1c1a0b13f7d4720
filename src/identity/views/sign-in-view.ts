import {
  button,
  html,
  notice,
  pageHeading,
  postForm,
  textField,
  type Child,
  type Markup,
} from '../../ui/index.ts'
import { MIN_PASSWORD_CHARACTERS } from '../passwords/password-rules.ts'
import { ACCOUNT_PATHS, accountPage, FORM_TOKEN, type AccountFrame } from './account-page.ts'

export interface SignInView extends AccountFrame {
  /** Where to go afterwards. */
  readonly next: string
  /** The address as it was typed. */
  readonly email?: string
  /** Why it did not work. */
  readonly problem?: string
  /** What has just happened. */
  readonly news?: string
  readonly passwords: boolean
  /** Further ways in, such as buttons of identity providers. */
  readonly further?: Child
}

export function signInView(view: SignInView): Markup {
  const { next, email, problem, news, passwords, further } = view
  return accountPage(view, {
    title: 'Sign in',
    usesPasskeys: true,
    content: html`<div class="narrow">${pageHeading({ title: `Sign in to ${view.name}` })}
${problem ? notice('bad', problem) : null}${news ? notice('good', news) : null}
${further ?? null}
${passwords ? passwordForm(next, email) : null}
${passkeyButton('Sign in with a passkey', { purpose: 'sign-in', next })}
${passwords ? html`<p class="small"><a href="${ACCOUNT_PATHS.reset}">Forgotten your password?</a></p>` : null}
${passwords ? html`<p class="small">No account yet? <a href="${withNext(ACCOUNT_PATHS.signUp, next)}">Create one</a>.</p>` : null}</div>`,
  })
}

function passwordForm(next: string, email: string | undefined): Markup {
  return postForm({
    action: ACCOUNT_PATHS.signIn,
    hidden: { next },
    body: [
      textField({
        label: 'E-mail address',
        name: 'email',
        type: 'email',
        autocomplete: 'username',
        ...(email === undefined ? {} : { value: email }),
      }),
      textField({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password' }),
      button('Sign in', { look: 'primary' }),
    ],
  })
}

/** What the script behind the button does, and where the page goes afterwards. */
export interface PasskeyPurpose {
  readonly purpose: 'sign-in' | 'second-factor' | 'confirm' | 'add'
  readonly next: string
  readonly formToken?: string
}

/** Shown once the script has found that the browser has passkeys. */
export function passkeyButton(label: string, { purpose, next, formToken }: PasskeyPurpose): Markup {
  const token = formToken === undefined ? null : html` data-form="${formToken}"`
  return html`<div class="passkey" hidden data-passkey="${purpose}" data-next="${next}"${token}>
${button(label, { type: 'button' })}<p class="small" role="status"></p></div>`
}

export function withNext(path: string, next: string): string {
  return `${path}?next=${encodeURIComponent(next)}`
}

export interface SignUpView extends AccountFrame {
  readonly next: string
  readonly email?: string
  readonly personName?: string
  /** What is wrong, and with which field. */
  readonly problem?: { readonly field: 'email' | 'name' | 'password'; readonly text: string }
}

export function signUpView(view: SignUpView): Markup {
  const { next, email = '', personName = '', problem } = view
  const problemOf = (field: string) => (problem?.field === field ? { problem: problem.text } : {})
  const fields = [
    textField({
      label: 'Name',
      name: 'name',
      autocomplete: 'name',
      value: personName,
      maxlength: 120,
      ...problemOf('name'),
    }),
    textField({
      label: 'E-mail address',
      name: 'email',
      type: 'email',
      autocomplete: 'username',
      value: email,
      ...problemOf('email'),
    }),
    textField({
      label: 'Password',
      name: 'password',
      type: 'password',
      autocomplete: 'new-password',
      hint: `At least ${MIN_PASSWORD_CHARACTERS} characters. Several unrelated words are easy to keep and hard to guess.`,
      ...problemOf('password'),
    }),
    button('Create the account', { look: 'primary' }),
  ]
  return accountPage(view, {
    title: 'Create an account',
    content: html`<div class="narrow">${pageHeading({ title: 'Create an account' })}
${postForm({ action: ACCOUNT_PATHS.signUp, hidden: { next }, body: fields })}
<p class="small">You have one? <a href="${withNext(ACCOUNT_PATHS.signIn, next)}">Sign in</a>.</p></div>`,
  })
}

export interface SecondFactorView extends AccountFrame {
  readonly formToken: string
  /** `second-factor` ends a sign-in; `confirm` comes before what is sensitive. */
  readonly purpose: 'second-factor' | 'confirm'
  readonly next: string
  readonly problem?: string
  readonly has: { readonly codes: boolean; readonly passkeys: boolean; readonly password: boolean }
  /** Other ways to show who it is, for somebody who has none of these. */
  readonly further?: Child
}

const TITLES = { 'second-factor': 'One more step', confirm: 'Confirm that it is you' } as const
const LEADS = {
  'second-factor': 'Your account asks for a second factor.',
  confirm: 'What comes next changes how your account is protected.',
} as const

/** Asks for a second factor, or for the password of somebody who has none. */
export function secondFactorView(view: SecondFactorView): Markup {
  const { purpose, formToken, next, problem, has, further } = view
  const hidden = { next, [FORM_TOKEN]: formToken }
  const action = purpose === 'confirm' ? ACCOUNT_PATHS.confirm : ACCOUNT_PATHS.secondFactor
  const code = textField({
    label: 'Code',
    name: 'code',
    autocomplete: 'one-time-code',
    hint: 'Six digits of your authenticator app, or one of your recovery codes.',
    maxlength: 40,
  })
  const password = textField({
    label: 'Password',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
  })
  const asked = has.codes ? code : has.password ? password : null
  return accountPage(view, {
    title: TITLES[purpose],
    usesPasskeys: has.passkeys,
    content: html`<div class="narrow">${pageHeading({ title: TITLES[purpose], lead: LEADS[purpose] })}
${problem ? notice('bad', problem) : null}
${has.passkeys ? passkeyButton('Use a passkey', { purpose, next, formToken }) : null}
${asked ? postForm({ action, hidden, body: [asked, button('Continue', { look: 'primary' })] }) : (further ?? null)}</div>`,
  })
}
