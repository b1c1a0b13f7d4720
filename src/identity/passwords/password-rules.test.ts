import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../testing.ts'
import { createBreachedPasswords, rangeIncludes } from './breached-passwords.ts'
import { checkNewPassword } from './password-rules.ts'

const offline = createBreachedPasswords()
const ABOUT = ['grace.hopper@example.com', 'Grace Hopper']
const code = (name: string) => expect.objectContaining({ code: `ERR_IDENTITY_PASSWORD_${name}` })

describe('a new password', () => {
  test('is taken when it is hard to guess', async () => {
    await checkNewPassword(GOOD_PASSWORD, ABOUT, offline)
    await checkNewPassword('пять верблюдов едят ультрамарин', ABOUT, offline)
  })

  test.each(['password', 'Password1', 'iloveyou', '12345678', 'qwertyuiop'])(
    'is refused: %s is on every list',
    async (password) => {
      await expect(checkNewPassword(password, ABOUT, offline)).rejects.toThrow(code('BREACHED'))
    },
  )

  test.each(['aaaaaaaaaaaa', 'qazwsxedcrfv1', 'gracehopper1906', 'hopper.grace', 'june2019'])(
    'is refused: %s would be guessed',
    async (password) => {
      await expect(checkNewPassword(password, ABOUT, offline)).rejects.toThrow(code('WEAK'))
    },
  )

  test('is judged by its first 64 characters, so that nobody is held up by judging more', async () => {
    const strong = 'vB7 ostrich lamp grommet'
    await checkNewPassword(`${'a'.repeat(64 - strong.length)}${strong}`, ABOUT, offline)
    await expect(checkNewPassword(`${'a'.repeat(64)}${strong}`, ABOUT, offline)).rejects.toThrow(code('WEAK'))
  })

  test.each(['p4$$w0rd!3', '1l0v3y0u4ever', '$unsh1n3!'])(
    'is refused: %s would be guessed, whatever stands for its letters',
    async (password) => {
      await expect(checkNewPassword(password, ABOUT, offline)).rejects.toThrow(code('WEAK'))
    },
  )

  test('is refused when it is too short or too long, a million characters without any work', async () => {
    const tooLong = ['a'.repeat(4_097), '𝒳'.repeat(1_025), 'x'.repeat(1_000_000)]
    for (const password of ['', 'kP4!x', ...tooLong])
      await expect(checkNewPassword(password, ABOUT, offline)).rejects.toThrow(code('LENGTH'))
    await checkNewPassword(`${GOOD_PASSWORD}${'é'.repeat(2_036)}`, ABOUT, offline)
  })
})

describe('the service of stolen passwords', () => {
  const asked: string[] = []
  const stolen = createHash('sha1').update(GOOD_PASSWORD).digest('hex').toUpperCase()
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(`0123456789ABCDEF0123456789ABCDEF012:0\r\n${stolen.slice(5)}:3\r\n`)
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`
  })
  afterAll(() => new Promise((done) => server.close(done)))

  test('refuses what it knows, and sees five digits of a digest only', async () => {
    const breached = createBreachedPasswords({ url })
    await expect(checkNewPassword(GOOD_PASSWORD, ABOUT, breached)).rejects.toThrow(code('BREACHED'))
    expect(asked).toEqual([`/range/${stolen.slice(0, 5)}`])
    expect(await breached.includes('another Password 99 entirely')).toBe(false)
  })

  test('lets the list decide while it is away, unless it must answer', async () => {
    const away = { url: 'http://127.0.0.1:9/range', timeoutMs: 200 }
    expect(await createBreachedPasswords(away).includes(GOOD_PASSWORD)).toBe(false)
    expect(await createBreachedPasswords(away).includes('password')).toBe(true)
    await expect(
      createBreachedPasswords({ ...away, onOutage: 'refuse' }).includes(GOOD_PASSWORD),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_BREACH_CHECK' })
  })

  test('pads its answers with lines that count nothing', () => {
    expect(rangeIncludes('ABC:0\nDEF:12', 'ABC')).toBe(false)
    expect(rangeIncludes('ABC:0\r\ndef:12', 'DEF')).toBe(true)
    expect(rangeIncludes('<html>', 'DEF')).toBe(false)
  })
})
