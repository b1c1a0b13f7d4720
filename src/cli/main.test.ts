import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from './commands.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

describe('surety, from a shell', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'surety-cli-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function surety(...args: string[]) {
    const env = { ...process.env, SURETY_DATA: folder, NO_COLOR: '1' }
    return spawnSync(process.execPath, ['--conditions=surety-source', MAIN, ...args], {
      cwd: folder,
      env,
      encoding: 'utf8',
    })
  }

  test('lists its commands, each with a help of its own', () => {
    const help = surety('--help')
    expect(help.status).toBe(0)
    const width = Math.max(...COMMANDS.map(({ name }) => name.length))
    for (const { name, summary } of COMMANDS)
      expect(help.stdout).toContain(`${name.padEnd(width)}  ${summary}`)
    expect(surety('verify', '--help').stdout).toContain('--vkey KEY')
  })

  test.each([
    [['frobnicate'], 'ERR_CLI_USAGE'],
    [['verify'], 'ERR_CLI_USAGE'],
    [['verify', 'ftp://codetime.example'], 'ERR_CLI_USAGE'],
    [['verify', 'https://codetime.example', '--stat', 'x'], 'ERR_CLI_USAGE'],
    [['check'], 'ERR_CLI_CONFIG'],
    [['check', '--config', 'missing.ts'], 'ERR_CLI_CONFIG'],
    [['attack', 'everything'], 'ERR_CLI_USAGE'],
    [['staff', 'recover', 'ana'], 'ERR_CLI_USAGE'],
    [['keys'], 'ERR_CLI_USAGE'],
    [['keys', 'burn'], 'ERR_CLI_USAGE'],
    [['keys', 'rotate', 'dead'], 'ERR_CLI_USAGE'],
    [['probe', 'encryption.rust'], 'ERR_CLI_USAGE'],
  ])('exits 2 and names the mend for %j', (args, code) => {
    const run = surety(...args)
    expect(run.status).toBe(2)
    expect(run.stderr).toMatch(new RegExp(`^${code}: .+\\n  to mend it: .+`))
    expect(run.stderr).not.toContain('    at ')
  })

  test('answers with JSON alone when asked to, errors too', () => {
    const run = surety('check', '--json')
    expect(JSON.parse(run.stdout)).toMatchObject({
      error: { code: 'ERR_CLI_CONFIG', mend: expect.any(String) },
    })
  })

  test('says that it could not run when nobody answers', () => {
    const run = surety('verify', 'http://127.0.0.1:9')
    expect(run.status).toBe(2)
    expect(run.stdout).toContain('could not run')
  })

  test('will not overwrite what it cannot read as its own state', () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'my notes')
    const run = surety('verify', 'http://127.0.0.1:9', '--state', file)
    expect([run.status, run.stderr.split(':')[0]]).toEqual([2, 'ERR_CLI_STATE'])
  })
})
