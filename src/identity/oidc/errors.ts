import { defineErrors } from '../../kernel/index.ts'

const AGAIN = 'begin the sign-in again'
const REFUSE = 'begin the sign-in again; if it happens every time, compare the provider with signIn.providers'

/** A sign-in through a provider that came to nothing. Never says anything about the person. */
export const ProviderSignInError = defineErrors('ProviderSignInError', {
  ERR_IDENTITY_PROVIDER_UNKNOWN: 'use one of the providers listed under signIn.providers',
  ERR_IDENTITY_PROVIDER_SECRET: 'put the client secret where signIn.providers says that it is',
  ERR_IDENTITY_PROVIDER_AWAY:
    'try again; if it lasts, look whether the provider answers at its issuer address',
  ERR_IDENTITY_PROVIDER_METADATA: 'compare the issuer with what the provider says of itself',
  ERR_IDENTITY_PROVIDER_REFUSED: AGAIN,
  ERR_IDENTITY_PROVIDER_ANSWER: REFUSE,
  ERR_IDENTITY_PROVIDER_TOKEN: REFUSE,
  ERR_IDENTITY_PROVIDER_STEP_UP:
    'confirm with a second factor; for a provider that asks nobody anew write asksAnew: false in signIn.providers, so that people can set one up',
  ERR_IDENTITY_PROVIDER_EMAIL:
    'confirm an e-mail address at the provider first, and allow it to be passed on',
  ERR_IDENTITY_PROVIDER_LINK:
    'sign in as before and confirm the address of the account; then the provider can be joined to it',
  ERR_IDENTITY_DISABLED: 'ask an administrator to switch the account on again',
  ERR_IDENTITY_SIGN_IN_LOST: 'begin the sign-in again, in the same browser and within ten minutes',
  ERR_IDENTITY_SIGN_IN_USED: AGAIN,
})
