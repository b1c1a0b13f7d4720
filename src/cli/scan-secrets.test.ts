import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { createSecret, formatKey } from '../tenants/key-text.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'surety-scan-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function scan(...args: readonly string[]) {
  const all = ['--conditions=surety-source', MAIN, 'scan-secrets', ...args]
  return spawnSync(process.execPath, all, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    encoding: 'utf8',
  })
}

const newKey = (id = createPseudonym()) => formatKey({ prefix: 'codetime', id, secret: createSecret() })

test('surety scan-secrets finds planted keys, says where, and never repeats one', () => {
  const tree = join(folder, 'planted')
  mkdirSync(join(tree, 'deep', '.git'), { recursive: true })
  const [id, key] = [createPseudonym(), newKey()]
  const first = newKey(id)
  writeFileSync(join(tree, 'deep', '.env'), `A=1\nTOKEN=${first}\n`)
  // Across the end of a piece that is read, behind a long line, and in UTF-16.
  writeFileSync(join(tree, 'bundle.js'), `${'x\n'.repeat(524_268)}"${key}"${'y'.repeat(300)}\n`)
  writeFileSync(join(tree, 'notes.txt'), Buffer.from(`\uFEFFkey: ${newKey()}\n`, 'utf16le'))
  writeFileSync(join(tree, 'deep', '.git', 'left-out'), newKey())
  symlinkSync('/', join(tree, 'loop'))
  const found = scan('planted')
  expect([found.status, found.stderr]).toEqual([1, ''])
  expect(found.stdout.split('\n').slice(0, 4)).toEqual([
    expect.stringMatching(/^key {5}planted\/bundle\.js:524269 {2}of codetime, /),
    `key     planted/deep/.env:2  of codetime, ${id}`,
    expect.stringMatching(/^key {5}planted\/notes\.txt:1 {2}of codetime, /),
    expect.stringMatching(/^3 keys in 3 files/),
  ])
  expect(found.stdout).not.toContain(first.slice(-30))
  const json = scan('planted', '--json')
  expect(json.stdout).not.toContain(first.slice(-30))
  expect(JSON.parse(json.stdout)).toMatchObject({ schema: 1, files: 3, unread: [] })
}, 120_000)

test('surety scan-secrets lets look-alikes pass, and says when it could not look', () => {
  mkdirSync(join(folder, 'clean'))
  writeFileSync(join(folder, 'clean', 'a.txt'), `codetime_${'0'.repeat(71)}\n${newKey().slice(0, -1)}_\n`)
  expect(scan('clean').status).toBe(0)
  const missing = scan('nowhere')
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('ERR_CLI_SCAN')])
}, 120_000)

test('surety scan-secrets prints the rule for other scanners', () => {
  const { status, stdout } = scan('--rule', 'Code time', '--json')
  const { pattern, length } = JSON.parse(stdout) as { pattern: string; length: number }
  expect(status).toBe(0)
  expect(new RegExp(`^${pattern}$`).test(newKey())).toBe(true)
  expect(newKey()).toHaveLength(length)
}, 120_000)
