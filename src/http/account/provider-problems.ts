import type { PublicProblem, PublicProblems } from '../problem.ts'

const REFUSED: PublicProblem = {
  status: 403,
  title: 'You are not signed in',
  detail: 'What the identity provider answered could not be verified. Begin again from the sign-in page.',
}
const AGAIN: PublicProblem = {
  status: 400,
  title: 'This sign-in has ended',
  detail:
    'It was finished before, took longer than ten minutes, or began in another browser. Begin it again.',
}
const UNUSABLE: PublicProblem = {
  status: 503,
  title: 'This way to sign in does not work at the moment',
  detail:
    'The identity provider does not answer as it should. Try again in a moment, or sign in another way.',
}

/** What a visitor learns of a sign-in that came to nothing. */
export const PROVIDER_PROBLEMS: PublicProblems = {
  ERR_IDENTITY_PROVIDER_UNKNOWN: { status: 404, title: 'There is no such way to sign in' },
  ERR_IDENTITY_PROVIDER_AWAY: UNUSABLE,
  ERR_IDENTITY_PROVIDER_METADATA: UNUSABLE,
  ERR_IDENTITY_PROVIDER_SECRET: UNUSABLE,
  ERR_IDENTITY_PRIVATE_ADDRESS: UNUSABLE,
  ERR_IDENTITY_PROVIDER_REFUSED: {
    status: 403,
    title: 'You are not signed in',
    detail: 'The identity provider signed nobody in.',
  },
  ERR_IDENTITY_PROVIDER_ANSWER: REFUSED,
  ERR_IDENTITY_PROVIDER_TOKEN: REFUSED,
  ERR_IDENTITY_SIGN_IN_LOST: AGAIN,
  ERR_IDENTITY_SIGN_IN_USED: AGAIN,
  ERR_IDENTITY_PROVIDER_STEP_UP: {
    status: 403,
    title: 'This does not confirm that it is you',
    detail:
      'The identity provider did not show that it asked you anew, and for this account. A second factor confirms instead: if you have none and cannot set one up, those who run this site can allow it.',
  },
  ERR_IDENTITY_PROVIDER_EMAIL: {
    status: 403,
    title: 'You are not signed in',
    detail:
      'The identity provider vouches for no e-mail address of yours. Confirm one there, and allow it to be passed on.',
  },
  ERR_IDENTITY_PROVIDER_LINK: {
    status: 403,
    title: 'You are not signed in',
    detail:
      'An account has your e-mail address and never showed that the address is its own. Whoever made it confirms the address first.',
  },
  ERR_IDENTITY_DISABLED: { status: 403, title: 'This account is switched off' },
}
