import { defineErrors } from '../kernel/index.ts'

/** What sign-in refuses or cannot do. Never names an address, a password or a token. */
export const IdentityError = defineErrors('IdentityError', {
  ERR_IDENTITY_CREDENTIALS: 'check the e-mail address and the password; both are compared as they were given',
  ERR_IDENTITY_EMAIL:
    'give an address of ASCII letters, digits and the usual signs before the @, with a real domain behind it',
  ERR_IDENTITY_NAME: 'give a name of 1 to 120 characters',
  ERR_IDENTITY_PASSWORD_LENGTH: 'give a password of 8 characters to 4,096 bytes',
  ERR_IDENTITY_PASSWORD_WEAK: 'use a longer password, or several words that do not belong together',
  ERR_IDENTITY_PASSWORD_BREACHED: 'choose a password that is on no list of stolen ones',
  ERR_IDENTITY_BREACH_CHECK:
    'check that the range service of signIn.breachedPasswords answers, or set onOutage: "list-only"',
  ERR_IDENTITY_PRIVATE_ADDRESS:
    'give a service with a public address, or list its network under privateNetworks beside it',
  ERR_IDENTITY_BUSY: 'try again in a moment: too many passwords are being checked',
  ERR_IDENTITY_LOCKED: 'wait for the time given, or sign in with a device that you used before',
  ERR_IDENTITY_GUARD: 'bring the database back, or what signIn.attempts names: until then nobody signs in',
  ERR_IDENTITY_SIGNED_OUT: 'sign in first',
  ERR_IDENTITY_SECOND_FACTOR: 'give a code of your authenticator, a recovery code, or a passkey',
  ERR_IDENTITY_CODE: 'give the code that the authenticator shows now; each is taken once',
  ERR_IDENTITY_PASSKEY: 'start again, and confirm with a passkey that belongs to this account and this site',
  ERR_IDENTITY_STEP_UP: 'confirm with your password or a second factor first',
  ERR_IDENTITY_LAST_FACTOR: 'add another second factor first: your role requires one',
  ERR_IDENTITY_LINK:
    'ask for another letter, and open its link while signed in to the account that it is for',
  ERR_IDENTITY_MAIL: 'name in the configuration what takes letters over: mail: smtpMail({ … })',
  ERR_IDENTITY_QUERY: 'look accounts up by an id or by a field with a blind index',
  ERR_IDENTITY_CONFIG: 'correct signIn in surety.config: spread accountResources into resources',
})
