import { argon2Sync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPasswordHasher, isWeaker, OWASP_ARGON2, parseHash } from './argon2.ts'

const QUICK = { memoryKib: 64, passes: 1, lanes: 1 }
const hasher = createPasswordHasher(QUICK)

describe('a stored password', () => {
  test('is Argon2id with the parameters that OWASP recommends, unless more is asked', async () => {
    const hash = await createPasswordHasher().hash('correct horse')
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(isWeaker(parseHash(hash)!, OWASP_ARGON2)).toBe(false)
  })

  test('is what RFC 9106’s function gives for its salt', async () => {
    const { salt, tag } = parseHash(await hasher.hash('pässword'))!
    const message = Buffer.from('pässword')
    const own = argon2Sync('argon2id', {
      message,
      nonce: salt,
      memory: 64,
      passes: 1,
      parallelism: 1,
      tagLength: 32,
    })
    expect(own.equals(tag)).toBe(true)
  })

  test('is never the same twice', async () => {
    expect(await hasher.hash('same')).not.toBe(await hasher.hash('same'))
  })
})

describe('checking', () => {
  test('accepts the password, however the keyboard composed it, and no other', async () => {
    const stored = await hasher.hash('caf\u00e9 au lait')
    expect(await hasher.verify(stored, 'cafe\u0301 au lait')).toBe(true)
    expect(await hasher.verify(stored, 'cafe au lait')).toBe(false)
    expect(await hasher.verify(stored, '')).toBe(false)
  })

  test('refuses what is no hash of ours without trying', async () => {
    const stored = await hasher.hash('x')
    const broken = [
      '',
      'x',
      stored.replace('argon2id', 'argon2i'),
      stored.replace('v=19', 'v=16'),
      stored.replace('m=64', 'm=9999999'),
      stored.replace('m=64', 'm=2'),
      `${stored}$`,
    ]
    for (const text of broken) {
      expect(parseHash(text)).toBeNull()
      expect(await hasher.verify(text, 'x')).toBe(false)
      expect(hasher.isOutdated(text)).toBe(true)
    }
  })

  test('never throws, whatever is stored', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHash(text)))
  })

  test('calls a hash outdated when any parameter has grown', async () => {
    const stored = await hasher.hash('x')
    expect(hasher.isOutdated(stored)).toBe(false)
    for (const more of [{ memoryKib: 128 }, { passes: 2 }, { lanes: 2 }])
      expect(createPasswordHasher({ ...QUICK, ...more }).isOutdated(stored)).toBe(true)
  })
})

describe('a rush of passwords', () => {
  test('is worked off in order, and turned away where it is too long', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 70 }, () => hasher.hash('x')))
    const refused = tries.filter((one) => one.status === 'rejected')
    expect(refused).toHaveLength(4)
    expect(refused[0]).toMatchObject({ reason: { code: 'ERR_IDENTITY_BUSY' } })
    await expect(hasher.hash('x')).resolves.toMatch(/^\$argon2id/)
  })
})
