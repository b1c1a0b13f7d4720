import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesNeedles, textNeedles } from './needle.ts'
import { createByteSearch } from './search-bytes.ts'
import { searchFolder } from './search-folder.ts'

const SECRET = '/home/dev/src/größe/ledger.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-search-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('needles', () => {
  const forms: [string, (text: string) => Buffer][] = [
    ['plain', (text) => Buffer.from(text)],
    ['utf-16le', (text) => Buffer.from(text, 'utf16le')],
    ['utf-16be', (text) => Buffer.from(text, 'utf16le').swap16()],
    ['hex', (text) => Buffer.from(Buffer.from(text).toString('hex'))],
    ['HEX', (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase())],
  ]
  test.each(forms)('find a text as %s', (encoding, encode) => {
    expect(encodingsFound(Buffer.concat([Buffer.alloc(9, 7), encode(SECRET), Buffer.alloc(9, 7)]))).toContain(
      encoding,
    )
  })

  test('find a text inside base64, wherever it begins', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, after) => {
        const whole = Buffer.concat([before, Buffer.from(SECRET), after])
        expect(encodingsFound(Buffer.from(whole.toString('base64')))).toContain('base64')
        expect(encodingsFound(Buffer.from(whole.toString('base64url')))).toContain('base64url')
      }),
    )
  })

  test('do not find what is not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), (noise) => {
        expect(encodingsFound(Buffer.from(noise))).toEqual([])
      }),
    )
  })

  test('refuse a value so short that it occurs by chance', () => {
    expect(() => bytesNeedles('key', new Uint8Array(7))).toThrow(RangeError)
    expect(() => bytesNeedles('key', new Uint8Array(8))).not.toThrow()
  })
})

describe('searchFolder', () => {
  test('reads below folders, across chunk borders, and says how much it read', async () => {
    const border = 4 * 1024 * 1024
    await mkdir(join(folder, 'deep', 'er'), { recursive: true })
    await writeFile(join(folder, 'deep', 'er', 'clean'), Buffer.alloc(100))
    const large = Buffer.alloc(2 * border + 1_000)
    for (const at of [border - 5, 2 * border - 60]) large.write(`path=${SECRET};`, at)
    await writeFile(join(folder, 'deep', 'large'), large)
    const found = await searchFolder(folder, textNeedles('a path', SECRET))
    expect(found.hits).toEqual([{ label: 'a path', encoding: 'plain', file: join('deep', 'large') }])
    expect(found).toMatchObject({ files: 2, bytes: large.length + 100, unread: [] })
  })

  test('leaves out the folders it was told to, and only those', async () => {
    const except = [join(folder, 'deep')]
    expect((await searchFolder(folder, textNeedles('a path', SECRET), { except })).hits).toEqual([])
  })

  test('says when it could not read', async () => {
    const missing = join(folder, 'missing')
    expect((await searchFolder(missing, textNeedles('a path', SECRET))).unread).toEqual([missing])
  })
})

function encodingsFound(bytes: Uint8Array): string[] {
  const found = new Set<string>()
  createByteSearch(textNeedles('secret', SECRET)).scan(bytes, ({ encoding }) => found.add(encoding))
  return [...found]
}
