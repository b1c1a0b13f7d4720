import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoSecretsFile, openDemoSecrets, readDemoSecrets } from './demo-secrets.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coding-metrics-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

test('keeps the secrets over a restart, for their owner’s eyes only', async () => {
  const first = await openDemoSecrets(dataDir)
  expect(await openDemoSecrets(dataDir)).toEqual(first)
  expect((await stat(demoSecretsFile(dataDir))).mode & 0o777).toBe(0o600)
  expect(first.apiKeys.member).toMatch(
    /^waka_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  expect(first.apiKeys.member).not.toBe(first.apiKeys.administrator)
  expect(first.accountToken).toHaveLength(43)
})

test('names nobody in the file', async () => {
  await openDemoSecrets(dataDir)
  expect(await readFile(demoSecretsFile(dataDir), 'utf8')).not.toContain('@')
})

test('does not overwrite a file it cannot read', async () => {
  const file = demoSecretsFile(dataDir)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, '{"schema":2}')
  await expect(openDemoSecrets(dataDir)).rejects.toThrow('format')
  expect(await readFile(file, 'utf8')).toBe('{"schema":2}')
})

test('rejects where the demo was never started', async () => {
  await expect(readDemoSecrets(dataDir)).rejects.toHaveProperty('code', 'ENOENT')
})
