import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  readRegistration,
  verifyAssertion,
  type PasskeyAssertion,
  type PasskeyRegistration,
} from './index.ts'
import { createSoftAuthenticator, type Bent } from './testing/soft-authenticator.ts'

const site = {
  id: 'codetime.example',
  origins: ['https://codetime.example', 'https://staff.codetime.example'],
}
const challenge = randomBytes(32)
const refusal = expect.objectContaining({ code: 'ERR_ACCESS_PASSKEY' })

describe.each([-7, -8, -257] as const)('an authenticator of algorithm %i', (algorithm) => {
  const authenticator = createSoftAuthenticator(site, algorithm)
  const passkey = readRegistration(site, challenge, authenticator.create(challenge))
  const asserts = (assertion: PasskeyAssertion) => () => verifyAssertion(site, passkey, challenge, assertion)

  test('is believed where everything fits', () => {
    expect(asserts(authenticator.get(challenge))).not.toThrow()
    expect(asserts(authenticator.get(challenge, { origin: site.origins[1]! }))).not.toThrow()
  })

  const bent: [string, Bent][] = [
    ['without user verification', { flags: 0x01 }],
    ['without a user present', { flags: 0x04 }],
    ['from another origin', { origin: 'https://codetime.example.evil' }],
    ['from a page inside another', { crossOrigin: true }],
    ['for another site', { site: 'example' }],
    ['of another ceremony', { type: 'webauthn.create' }],
  ]
  test.each(bent)('is refused %s', (_what, bend) => {
    expect(asserts(authenticator.get(challenge, bend))).toThrow(refusal)
  })

  test('is refused for another challenge, and with anything changed after signing', () => {
    expect(asserts(authenticator.get(randomBytes(32)))).toThrow(refusal)
    const right = authenticator.get(challenge)
    const data = Buffer.from(right.authenticatorData, 'base64url')
    data[36]! ^= 1
    expect(asserts({ ...right, authenticatorData: data.toString('base64url') })).toThrow(refusal)
    expect(asserts({ ...right, signature: randomBytes(70).toString('base64url') })).toThrow(refusal)
    expect(asserts({ ...right, signature: '' })).toThrow(refusal)
    expect(asserts({ ...right, credential: 'other' })).toThrow(refusal)
    expect(asserts({ ...right, clientData: '%%%' })).toThrow(refusal)
  })

  test('is refused under another’s key', () => {
    const other = createSoftAuthenticator(site, algorithm)
    expect(asserts({ ...other.get(challenge), credential: passkey.credential })).toThrow(refusal)
  })
})

describe('a registration', () => {
  const authenticator = createSoftAuthenticator(site)
  const registers = (registration: PasskeyRegistration) => () =>
    readRegistration(site, challenge, registration)
  const right = authenticator.create(challenge)

  test('is refused with a key of another kind than its algorithm', () => {
    expect(registers({ ...right, algorithm: -257 })).toThrow(refusal)
    expect(registers({ ...right, algorithm: -8 })).toThrow(refusal)
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
      format: 'der',
      type: 'spki',
    })
    expect(registers({ ...right, algorithm: -257, publicKey: weak.toString('base64url') })).toThrow(refusal)
    expect(registers({ ...right, publicKey: 'AAAA' })).toThrow(refusal)
  })

  test('is refused for another credential, challenge, site or ceremony', () => {
    expect(registers({ ...right, credential: randomBytes(16).toString('base64url') })).toThrow(refusal)
    expect(registers(authenticator.create(randomBytes(32)))).toThrow(refusal)
    expect(registers(authenticator.create(challenge, { site: 'evil.example' }))).toThrow(refusal)
    expect(registers(authenticator.create(challenge, { flags: 0x41 }))).toThrow(refusal)
    expect(registers(authenticator.create(challenge, { type: 'webauthn.get' }))).toThrow(refusal)
    expect(
      registers({ ...right, authenticatorData: authenticator.get(challenge).authenticatorData }),
    ).toThrow(refusal)
  })
})
