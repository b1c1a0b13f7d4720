import { field, resource, type TablesOf } from '../declare/index.ts'
import { mailResources } from '../mail/index.ts'

const BASE = { basis: 'contract', undeclared: 'refuse' } as const
const PERSON = 'random identifier of the person, never an e-mail address'
const TOKEN_MAX = 8_192

/** Who can sign in. The person's other data lies where the app declares it, under the same pseudonym. */
const accounts = resource({
  ...BASE,
  name: 'accounts',
  subject: 'personId',
  purpose: 'know who signs in and how to reach them',
  retention: 'account',
  fields: {
    personId: field.id(PERSON),
    email: field.text('e-mail address the person signs in with', { max: 254, index: 'blind-installation' }),
    emailVerified: field.boolean('whether the person has shown that the address is theirs'),
    name: field.text('name shown to the person and those they work with', { max: 255 }),
    image: field.text('address of a picture, from the identity provider', { max: 2_048, optional: true }),
    disabledAt: field.timestamp('since when the person may no longer sign in', { optional: true }),
    updatedAt: field.timestamp('when the account last changed'),
  },
})

/**
 * One address, one account: a unique set begins with the tenant, so all claims share {@link REALM}.
 * The database refuses the second of two sign-ups that race.
 */
const signInNames = resource({
  ...BASE,
  name: 'sign_in_names',
  subject: 'personId',
  tenant: 'realmId',
  purpose: 'make sure that an e-mail address belongs to one account',
  retention: 'account',
  unique: [['email']],
  fields: {
    personId: field.id(PERSON),
    realmId: field.id('the same for all accounts of this installation'),
    email: field.text('e-mail address of the account', { max: 254, index: 'blind' }),
  },
})

/** How a person proves who they are: a password's hash, or a link to an identity provider. */
const credentials = resource({
  ...BASE,
  name: 'credentials',
  subject: 'personId',
  purpose: 'check that whoever signs in is the person',
  retention: 'account',
  fields: {
    personId: field.id(PERSON),
    providerId: field.text('identity provider, or the word credential for a password', {
      max: 255,
      index: 'blind-installation',
    }),
    accountId: field.text('identifier of the person at that provider', {
      max: 1_024,
      index: 'blind-installation',
    }),
    password: field.text('Argon2id hash of the password', { max: 512, optional: true }),
    accessToken: field.text('token of the identity provider', { max: TOKEN_MAX, optional: true }),
    refreshToken: field.text('token of the identity provider', { max: TOKEN_MAX, optional: true }),
    idToken: field.text('statement of the identity provider about the person', {
      max: TOKEN_MAX,
      optional: true,
    }),
    accessTokenExpiresAt: field.timestamp('when that token ends', { optional: true }),
    refreshTokenExpiresAt: field.timestamp('when that token ends', { optional: true }),
    scope: field.text('what the tokens allow', { max: 2_048, optional: true }),
    updatedAt: field.timestamp('when the credential last changed'),
  },
})

const METHODS_MOST = 8

/** Browsers that are signed in. */
const signInSessions = resource({
  ...BASE,
  name: 'sign_in_sessions',
  subject: 'personId',
  purpose: 'keep the person signed in, and let them see and end where they are',
  retention: '90d',
  fields: {
    personId: field.id(PERSON),
    token: field.text('SHA-256 of the token in the browser’s cookie', {
      max: 64,
      index: 'blind-installation',
    }),
    expiresAt: field.timestamp('when the session ends unless it is used'),
    endsAt: field.timestamp('when the session ends in any case'),
    authenticatedAt: field.timestamp('when the person last proved who they are'),
    freshAt: field.timestamp('when the person last showed that it is still them', { optional: true }),
    methods: field.list('how the person proved it, such as password or totp', {
      max: METHODS_MOST,
      itemMax: 32,
    }),
    provider: field.text('identity provider that vouched for the person', { max: 64, optional: true }),
    pending: field.boolean('whether a second factor is still to come'),
    ipAddress: field.text('network address the session was opened from', { max: 64, optional: true }),
    userAgent: field.text('browser and system as the browser named them', { max: 512, optional: true }),
    updatedAt: field.timestamp('when the session was last used'),
  },
})

/** What lives for minutes between two steps of a sign-in. */
const signInChallenges = resource({
  ...BASE,
  name: 'sign_in_challenges',
  tenant: 'realmId',
  seal: 'tenant',
  purpose: 'join the steps of one sign-in, each used once',
  retention: '1d',
  fields: {
    realmId: field.id('the same for all accounts of this installation'),
    identifier: field.text('SHA-256 of what the step is found by', { max: 64, index: 'blind-installation' }),
    value: field.text('what the next step needs to know', { max: 16_384 }),
    expiresAt: field.timestamp('when the step can no longer be taken', {
      clear: 'ended steps are removed in SQL',
    }),
    updatedAt: field.timestamp('when it was last written'),
  },
})

/** Sign-ins through a provider that came back, and challenges that were answered: of two that race, or of a copied one, the first counts. */
const finishedSignIns = resource({
  ...BASE,
  name: 'finished_sign_ins',
  tenant: 'realmId',
  seal: 'tenant',
  purpose: 'take each answer of an identity provider or a passkey once',
  retention: '1d',
  unique: [['transaction']],
  fields: {
    realmId: field.id('the same for all accounts of this installation'),
    transaction: field.text('SHA-256 of the random id of the sign-in or challenge', {
      max: 64,
      index: 'blind',
    }),
    expiresAt: field.timestamp('when it could no longer be finished in any case', {
      clear: 'what has ended is removed in SQL',
    }),
  },
})

/** An authenticator app (RFC 6238). */
const authenticators = resource({
  ...BASE,
  name: 'authenticators',
  subject: 'personId',
  purpose: 'check the codes of the person’s authenticator app',
  retention: 'account',
  unique: [['personId']],
  fields: {
    personId: field.id(PERSON),
    secret: field.text('secret shared with the authenticator app, base32', { max: 64 }),
    confirmedAt: field.timestamp('when a first code showed that the app has it', { optional: true }),
    // Authenticated by the row's envelope like every clear column: turned back in SQL, the row opens no more.
    lastStep: field.integer('time step of the last code taken', {
      min: 0,
      clear: 'a step is claimed once, in SQL',
    }),
  },
})

const recoveryCodes = resource({
  ...BASE,
  name: 'recovery_codes',
  subject: 'personId',
  purpose: 'let the person in once without their second factor',
  retention: 'account',
  fields: {
    personId: field.id(PERSON),
    codeHash: field.text('SHA-256 of the code', { max: 64, index: 'blind-installation' }),
  },
})

/** WebAuthn credentials. */
const passkeys = resource({
  ...BASE,
  name: 'passkeys',
  subject: 'personId',
  purpose: 'check signatures of the person’s passkeys',
  retention: 'account',
  fields: {
    personId: field.id(PERSON),
    credentialId: field.text('identifier of the passkey', { max: 1_400, index: 'blind-installation' }),
    publicKey: field.bytes('public key of the passkey (COSE)', { max: 4_096 }),
    counter: field.integer('signatures the passkey has counted', { min: 0 }),
    transports: field.list('how the device speaks to the browser', { max: 8, itemMax: 32 }),
    name: field.text('what the person calls it', { max: 60 }),
    lastUsedAt: field.timestamp('when it was last used', { optional: true }),
  },
})

/** Links that letters carry: to confirm an address, or to set another password. */
const mailLinks = resource({
  ...BASE,
  name: 'mail_links',
  subject: 'personId',
  purpose: 'let the person show once that a letter to their e-mail address reached them',
  retention: '2d',
  fields: {
    personId: field.id(PERSON),
    purpose: field.choice('what the link does', ['confirm-address', 'change-address', 'reset-password']),
    email: field.text('e-mail address that the letter goes to', { max: 254 }),
    secretHash: field.text('SHA-256 of the random part of the link', {
      max: 64,
      index: 'blind-installation',
    }),
    expiresAt: field.timestamp('when the link ends', { clear: 'ended links are removed in SQL' }),
  },
})

/** Tenant of what belongs to the installation as a whole: one constant, so that unique sets hold across people. */
export const REALM = '5e1f5e7a-0000-4000-8000-000000000001'

/** What the library's own sign-in stores; an app's configuration spreads it into its resources. */
export const accountResources = {
  accounts,
  sign_in_names: signInNames,
  credentials,
  sign_in_sessions: signInSessions,
  sign_in_challenges: signInChallenges,
  finished_sign_ins: finishedSignIns,
  authenticators,
  recovery_codes: recoveryCodes,
  passkeys,
  mail_links: mailLinks,
  ...mailResources,
}

export type AccountTables = TablesOf<typeof accountResources>
