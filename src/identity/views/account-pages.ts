import { ACCOUNT_LINKS, ACCOUNT_PATHS, FORM_TOKEN, signOutForm } from './account-page.ts'
import { askResetView, confirmAddressView, resetPasswordView, spentLinkView } from './letter-views.ts'
import { CONFIRMING, confirmLinks, PROVIDER_PATH, providerLinks } from './provider-links.ts'
import { authenticatorView, recoveryCodesView, securityView, sessionsView } from './security-view.ts'
import { secondFactorView, signInView, signUpView } from './sign-in-view.ts'

/** The pages of one's own account, as functions of what they show. */
export const accountPages = {
  ACCOUNT_LINKS,
  ACCOUNT_PATHS,
  FORM_TOKEN,
  signOutForm,
  PROVIDER_PATH,
  providerLinks,
  confirmLinks,
  CONFIRMING,
  signIn: signInView,
  signUp: signUpView,
  secondFactor: secondFactorView,
  security: securityView,
  authenticator: authenticatorView,
  recoveryCodes: recoveryCodesView,
  sessions: sessionsView,
  confirmAddress: confirmAddressView,
  askReset: askResetView,
  resetPassword: resetPasswordView,
  spentLink: spentLinkView,
} as const
