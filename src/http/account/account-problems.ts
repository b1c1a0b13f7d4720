import type { PublicProblems } from '../problem.ts'

/** What people may know of a sign-in that was refused. Wording and status are chosen here only. */
export const ACCOUNT_PROBLEMS: PublicProblems = {
  ERR_IDENTITY_CREDENTIALS: { status: 401, title: 'The address or the password is not right' },
  ERR_IDENTITY_EMAIL: { status: 422, title: 'This address cannot be taken' },
  ERR_IDENTITY_NAME: { status: 422, title: 'Give a name of 1 to 120 characters' },
  ERR_IDENTITY_PASSWORD_LENGTH: {
    status: 422,
    title: 'The password has fewer than 8 characters, or too many',
  },
  ERR_IDENTITY_PASSWORD_WEAK: { status: 422, title: 'This password would be guessed: take a longer one' },
  ERR_IDENTITY_PASSWORD_BREACHED: {
    status: 422,
    title: 'This password is on a list of stolen ones: take another',
  },
  ERR_IDENTITY_BREACH_CHECK: { status: 503, title: 'New passwords cannot be checked at the moment' },
  ERR_IDENTITY_BUSY: { status: 503, title: 'Too many people are signing in: try again in a moment' },
  ERR_IDENTITY_LOCKED: { status: 429, title: 'Too many tries' },
  ERR_IDENTITY_GUARD: { status: 503, title: 'Nobody can sign in at the moment: try again later' },
  ERR_IDENTITY_SIGNED_OUT: { status: 401, title: 'Sign in first' },
  ERR_IDENTITY_SECOND_FACTOR: { status: 401, title: 'A second factor is needed' },
  ERR_IDENTITY_CODE: { status: 401, title: 'The code is not right, or was taken before' },
  ERR_IDENTITY_PASSKEY: { status: 401, title: 'This passkey was not accepted' },
  ERR_IDENTITY_STEP_UP: { status: 403, title: 'Confirm that it is you first' },
  ERR_IDENTITY_LAST_FACTOR: {
    status: 409,
    title: 'Your role demands a second factor: add another one first',
  },
  ERR_IDENTITY_LINK: { status: 409, title: 'This link was used, has ended, or is for another account' },
  ERR_IDENTITY_MAIL: { status: 503, title: 'This site sends no mail' },
}
