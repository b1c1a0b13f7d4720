import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { utf8 } from '../kernel/index.ts'
import { formatVerifierKey, signNote, verifyNote } from '../verify/index.ts'
import { openLogSigner } from './index.ts'

let base: string
let file: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-signer-'))
  file = join(base, 'keys', 'evidence.json')
  return () => rm(base, { recursive: true, force: true })
})

test('creates a key once, readable by its owner only, and signs with it from then on', async () => {
  const first = await openLogSigner(file, 'a.example/evidence')
  const again = await openLogSigner(file, 'a.example/evidence')
  expect(formatVerifierKey(again.key)).toBe(formatVerifierKey(first.key))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(base, 'keys'))).mode & 0o777).toBe(0o700)
  const note = await signNote('hello\n', again)
  expect((await verifyNote(utf8(note), [first.key])).text).toBe('hello\n')
})

test('two processes that create the key at once end up with the same one', async () => {
  const signers = await Promise.all(
    Array.from({ length: 8 }, () => openLogSigner(file, 'a.example/evidence')),
  )
  expect(new Set(signers.map((signer) => formatVerifierKey(signer.key))).size).toBe(1)
})

test('refuses a key file that others can read', async () => {
  await openLogSigner(file, 'a.example/evidence')
  await chmod(file, 0o640)
  await expect(openLogSigner(file, 'a.example/evidence')).rejects.toMatchObject({ code: 'ERR_LOG_KEY_FILE' })
})

test('refuses the key of another log', async () => {
  await openLogSigner(file, 'a.example/evidence')
  await expect(openLogSigner(file, 'b.example/evidence')).rejects.toMatchObject({ code: 'ERR_LOG_ORIGIN' })
})

test('refuses a damaged key file without quoting it', async () => {
  await openLogSigner(file, 'a.example/evidence')
  const text = await readFile(file, 'utf8')
  for (const damaged of ['', '{', text.slice(0, 100), text.replace('"format":1', '"format":2')]) {
    await writeFile(file, damaged)
    const error: unknown = await openLogSigner(file, 'a.example/evidence').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_LOG_KEY_FILE' })
    expect(error).not.toHaveProperty('cause')
  }
})
