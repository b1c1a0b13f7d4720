import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Clock } from '../../kernel/index.ts'
import { createChallenges, type Challenges } from '../challenges.ts'
import type { AccountStore } from '../database.ts'
import { IdentityError } from '../errors.ts'

/** A passkey as its owner sees it. */
export interface PasskeyView {
  readonly id: string
  readonly name: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** Passkeys (WebAuthn Level 3). The device checks the person (user verification), so one counts as two factors. */
export interface Passkeys {
  /** What the browser needs to make one. */
  beginAdding(person: {
    readonly id: string
    readonly email: string
  }): Promise<PublicKeyCredentialCreationOptionsJSON>
  /** @throws IdentityError `ERR_IDENTITY_PASSKEY` for an answer to another challenge, origin or site, or a replay */
  add(personId: string, name: string, response: RegistrationResponseJSON): Promise<void>
  /** What the browser needs to sign with one; with a person, only theirs. */
  beginSigning(personId: string | null): Promise<PublicKeyCredentialRequestOptionsJSON>
  /**
   * Whose passkey signed.
   * @throws IdentityError `ERR_IDENTITY_PASSKEY`, also for a passkey of somebody else than was asked
   */
  check(response: AuthenticationResponseJSON): Promise<string>
  list(personId: string): Promise<PasskeyView[]>
  /** False where the person has none of that id. */
  remove(personId: string, id: string): Promise<boolean>
}

export interface PasskeysOptions {
  readonly store: AccountStore
  readonly clock: Clock
  /** Seals challenges. */
  readonly secret: string
  /** Name of the product, shown by the device. */
  readonly name: string
  readonly url: () => string
}

/** A challenge is answered within five minutes (WebAuthn Level 3 §15.1 recommends up to ten). */
const CHALLENGE_MS = 300_000
const NAME_MAX = 60
/** EdDSA, ES256, RS256 (COSE): what devices have and every platform verifies. */
const ALGORITHMS = [-8, -7, -257] as const
/** Nobody needs more, and each is looked at. */
const MOST_PASSKEYS = 20

export function createPasskeys(options: PasskeysOptions): Passkeys {
  return new StoredPasskeys(options)
}

class StoredPasskeys implements Passkeys {
  readonly #options: PasskeysOptions
  readonly #challenges: Challenges

  constructor(options: PasskeysOptions) {
    this.#options = options
    this.#challenges = createChallenges({ ...options, lifeMs: CHALLENGE_MS })
  }

  async beginAdding({ id, email }: { readonly id: string; readonly email: string }) {
    const { generateRegistrationOptions } = await import('@simplewebauthn/server')
    const have = await this.#rows(id)
    if (have.length >= MOST_PASSKEYS) throw refused('there are as many passkeys as an account may have')
    return generateRegistrationOptions({
      challenge: this.#challenges.give(ADD, id),
      rpName: this.#options.name,
      rpID: this.#site().hostname,
      userName: email,
      userID: new TextEncoder().encode(id),
      attestationType: 'none',
      supportedAlgorithmIDs: [...ALGORITHMS],
      excludeCredentials: have.map(({ credentialId }) => ({ id: credentialId })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })
  }

  async add(personId: string, name: string, response: RegistrationResponseJSON): Promise<void> {
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const verified = await verify(() =>
      verifyRegistrationResponse({
        response,
        expectedChallenge: async (challenge) => (await this.#challenges.take(ADD, challenge)) === personId,
        expectedOrigin: this.#site().origin,
        expectedRPID: this.#site().hostname,
        requireUserVerification: true,
        supportedAlgorithmIDs: [...ALGORITHMS],
      }),
    )
    if (!verified.verified) throw refused('the answer of the device does not hold')
    const { credential } = verified.registrationInfo
    if (await this.#find(credential.id)) throw refused('this passkey is set up already')
    await this.#table()
      .insertInto('passkeys')
      .values({
        personId,
        credentialId: credential.id,
        publicKey: credential.publicKey,
        counter: credential.counter,
        transports: [...(credential.transports ?? [])],
        name: name.trim().slice(0, NAME_MAX) || 'Passkey',
      })
      .execute()
  }

  async beginSigning(personId: string | null) {
    const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
    const own = personId === null ? [] : await this.#rows(personId)
    return generateAuthenticationOptions({
      challenge: this.#challenges.give(SIGN, personId ?? ANYBODY),
      rpID: this.#site().hostname,
      userVerification: 'required',
      allowCredentials: own.map(({ credentialId, transports }) => ({
        id: credentialId,
        transports: transports as AuthenticatorTransport[],
      })),
    })
  }

  async check(response: AuthenticationResponseJSON): Promise<string> {
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const row = typeof response?.id === 'string' ? await this.#find(response.id) : null
    if (!row) throw refused('no account has this passkey')
    const verified = await verify(() =>
      verifyAuthenticationResponse({
        response,
        expectedChallenge: async (challenge) => {
          const asked = await this.#challenges.take(SIGN, challenge)
          return asked === ANYBODY || asked === row.personId
        },
        expectedOrigin: this.#site().origin,
        expectedRPID: this.#site().hostname,
        requireUserVerification: true,
        credential: {
          id: row.credentialId,
          publicKey: Uint8Array.from(row.publicKey),
          counter: row.counter,
          transports: row.transports as AuthenticatorTransport[],
        },
      }),
    )
    if (!verified.verified) throw refused('the signature does not hold')
    await this.#table()
      .updateTable('passkeys')
      .set({
        counter: verified.authenticationInfo.newCounter,
        lastUsedAt: new Date(this.#options.clock.now()),
      })
      .where('id', '=', row.id)
      .execute()
    return row.personId
  }

  async list(personId: string): Promise<PasskeyView[]> {
    return (await this.#rows(personId)).map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      createdAt: createdAt.getTime(),
      lastUsedAt: lastUsedAt?.getTime() ?? null,
    }))
  }

  async remove(personId: string, id: string): Promise<boolean> {
    const own = (await this.#rows(personId)).some((row) => row.id === id)
    if (own) await this.#table().deleteFrom('passkeys').where('id', '=', id).execute()
    return own
  }

  #table() {
    return this.#options.store('passkey', ['passkeys'])
  }

  #rows(personId: string) {
    return this.#table()
      .selectFrom('passkeys')
      .selectAll()
      .where('personId', '=', personId)
      .orderBy('id')
      .execute()
  }

  async #find(credentialId: string) {
    const query = this.#table().selectFrom('passkeys').selectAll().where('credentialId', '=', credentialId)
    return (await query.executeTakeFirst()) ?? null
  }

  #site(): URL {
    return new URL(this.#options.url())
  }
}

/** What a challenge may be answered with: a new passkey, or a signature of one. */
const [ADD, SIGN] = ['passkey-add', 'passkey-sign']
/** Stands for a challenge that any account's passkey may answer. */
const ANYBODY = 'anybody'

/** What the library finds wrong is one refusal to the outside. */
async function verify<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new IdentityError('ERR_IDENTITY_PASSKEY', 'the answer of the device does not hold', { cause })
  }
}

function refused(why: string): Error {
  return new IdentityError('ERR_IDENTITY_PASSKEY', why)
}
