import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../../kernel/index.ts'
import { openTestIdentity, type TestIdentity } from '../testing.ts'
import { createPasskeyDevice, type BentAnswer, type PasskeyDevice } from '../testing/passkey-device.ts'
import type { Passkeys } from './passkeys.ts'

const SITE = 'http://localhost:4001'
const refused = { code: 'ERR_IDENTITY_PASSKEY' }

let opened: TestIdentity
let passkeys: Passkeys
beforeAll(async () => {
  opened = await openTestIdentity({ url: () => SITE })
  passkeys = opened.identity.secondFactors.passkeys
}, 120_000)
afterAll(() => opened.close())

interface Person {
  readonly id: string
  readonly device: PasskeyDevice
}

const begin = async (id: string): Promise<string> =>
  (await passkeys.beginAdding({ id, email: 'ada@example.com' })).challenge
const ask = async (person: string | null): Promise<string> => (await passkeys.beginSigning(person)).challenge

async function withPasskey(bent: BentAnswer = {}): Promise<Person> {
  const [id, device] = [createPseudonym(), createPasskeyDevice(SITE)]
  await passkeys.add(id, 'Phone', device.create(await begin(id), bent))
  return { id, device }
}

const BENT: [string, BentAnswer][] = [
  ['another port', { origin: 'http://localhost:4002' }],
  ['another scheme', { origin: 'https://localhost:4001' }],
  ['a site that looks like this one', { origin: 'http://localhost:4001.evil.example' }],
  ['a device that answers another site', { site: 'evil.example' }],
  ['a device that did not check who is there', { flags: 0x01 }],
  ['a device that nobody touched', { flags: 0x04 }],
]

describe('signing with a passkey', () => {
  test('says whose it is, with and without being asked for somebody', async () => {
    const { id, device } = await withPasskey()
    expect(await passkeys.check(device.get(await ask(null)))).toBe(id)
    expect(await passkeys.check(device.get(await ask(id)))).toBe(id)
    expect((await passkeys.list(id))[0]!.lastUsedAt).toBe(opened.world.clock.now())
  })

  test.each([...BENT, ['another ceremony', { type: 'webauthn.create' }] as const])(
    'is refused from %s',
    async (_from, bent) => {
      const { device } = await withPasskey()
      await expect(passkeys.check(device.get(await ask(null), bent))).rejects.toMatchObject(refused)
    },
  )

  test('is refused for a challenge that was answered, has ended, or was never given', async () => {
    const { id, device } = await withPasskey()
    const answer = device.get(await ask(id))
    expect(await passkeys.check(answer)).toBe(id)
    await expect(passkeys.check(answer)).rejects.toMatchObject(refused)
    const late = device.get(await ask(id))
    opened.world.clock.advance(300_000)
    await expect(passkeys.check(late)).rejects.toMatchObject(refused)
    const invented = device.get(randomBytes(32).toString('base64url'))
    await expect(passkeys.check(invented)).rejects.toMatchObject(refused)
  })

  test('is refused for a challenge that adds a passkey', async () => {
    const { id, device } = await withPasskey()
    await expect(passkeys.check(device.get(await begin(id)))).rejects.toMatchObject(refused)
  })

  test('is refused to whom was not asked, and under another’s name', async () => {
    const [ada, eve] = [await withPasskey(), await withPasskey()]
    await expect(passkeys.check(eve.device.get(await ask(ada.id)))).rejects.toMatchObject(refused)
    const posing = eve.device.get(await ask(ada.id), { id: ada.device.id })
    await expect(passkeys.check(posing)).rejects.toMatchObject(refused)
  })

  test('is refused to a copy: one whose counter does not go on', async () => {
    const { device } = await withPasskey({ counter: 5 })
    await passkeys.check(device.get(await ask(null), { counter: 6 }))
    for (const counter of [6, 5, 0])
      await expect(passkeys.check(device.get(await ask(null), { counter }))).rejects.toMatchObject(refused)
    await passkeys.check(device.get(await ask(null), { counter: 7 }))
  })

  test('opens nothing once the passkey was removed', async () => {
    const { id, device } = await withPasskey()
    const row = (await passkeys.list(id))[0]!.id
    expect(await passkeys.remove(createPseudonym(), row)).toBe(false)
    expect(await passkeys.remove(id, row)).toBe(true)
    await expect(passkeys.check(device.get(await ask(null)))).rejects.toMatchObject(refused)
  })

  test('is refused with a code for whatever else is sent', async () => {
    const { device } = await withPasskey()
    const right = device.get(await ask(null))
    const sent: unknown[] = [null, 7, 'x', [], {}, { id: 7 }, { id: device.id }, { ...right, response: null }]
    sent.push({ ...right, response: { ...right.response, clientDataJSON: 'AAAA' } }, { ...right, type: 'x' })
    for (const answer of sent) await expect(passkeys.check(answer as never)).rejects.toMatchObject(refused)
  })
})

describe('adding a passkey', () => {
  test.each([...BENT, ['another ceremony', { type: 'webauthn.get' }] as const])(
    'is refused from %s',
    async (_from, bent) => {
      const [id, device] = [createPseudonym(), createPasskeyDevice(SITE)]
      const answer = device.create(await begin(id), bent)
      await expect(passkeys.add(id, 'Phone', answer)).rejects.toMatchObject(refused)
      expect(await passkeys.list(id)).toEqual([])
    },
  )

  test('is refused with a challenge of somebody else, of signing, or once more', async () => {
    const [ada, eve] = [createPseudonym(), createPseudonym()]
    const device = createPasskeyDevice(SITE)
    const foreign = device.create(await begin(ada))
    await expect(passkeys.add(eve, 'Phone', foreign)).rejects.toMatchObject(refused)
    await expect(passkeys.add(eve, 'Phone', device.create(await ask(eve)))).rejects.toMatchObject(refused)
    const answer = device.create(await begin(ada))
    await passkeys.add(ada, 'Phone', answer)
    await expect(passkeys.add(ada, 'Phone', answer)).rejects.toMatchObject(refused)
  })

  test('is refused where another account has it', async () => {
    const { device } = await withPasskey()
    const eve = createPseudonym()
    const answer = device.create(await begin(eve))
    await expect(passkeys.add(eve, 'Phone', answer)).rejects.toMatchObject(refused)
  })
})
