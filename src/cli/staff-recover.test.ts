import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPseudonym, isId } from '../kernel/index.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../examples/coding-metrics/surety.config.ts', import.meta.url))
const SURETY = fileURLToPath(new URL('../surety.ts', import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'surety-recover-cli-'))
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function node(args: readonly string[]) {
  const env = { ...process.env, SURETY_DATA: folder, NO_COLOR: '1' }
  return spawnSync(process.execPath, ['--conditions=surety-source', ...args], { env, encoding: 'utf8' })
}
const recover = (...args: string[]) => node([MAIN, 'staff', 'recover', ...args, '--config', CONFIG])

const FOUND = `
  const { openSurety } = await import(${JSON.stringify(SURETY)})
  const { default: config } = await import(${JSON.stringify(CONFIG)})
  const surety = await openSurety(config, { endsEpochs: false })
  await surety.staff.members.found([{ personId: process.argv[1], role: 'lead' }])
  await surety.close()`

test('surety staff recover names a second founder by a link, and is refused where there is no staff', () => {
  expect(recover('ana').stderr).toContain('ERR_CLI_USAGE')
  const early = recover('lead=tove@staff.example')
  expect([early.status, early.stderr]).toEqual([2, expect.stringContaining('ERR_STAFF_FOUNDED')])
  const founded = node(['--input-type=module', '-e', FOUND, createPseudonym()])
  expect([founded.status, founded.stderr]).toEqual([0, ''])
  const done = recover('lead=tove@staff.example', '--json', '--url', 'https://codetime.example')
  expect(done.stderr).toBe('')
  const { personId, link } = JSON.parse(done.stdout) as { personId: string; link: string }
  expect([done.status, isId(personId)]).toEqual([0, true])
  expect(link).toMatch(/^https:\/\/codetime\.example\/console\/enrol#[\w-]{32}$/)
}, 300_000)
