import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../examples/coding-metrics/surety.config.ts', import.meta.url))

test('surety migrate shows the plan, applies it with --yes alone, and then has nothing to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surety-migrate-'))
  chmodSync(folder, 0o755)
  const migrate = (...options: string[]) => {
    const args = ['--conditions=surety-source', MAIN, 'migrate', '--config', CONFIG, '--json', ...options]
    const run = spawnSync(process.execPath, args, {
      env: { ...process.env, SURETY_DATA: folder },
      encoding: 'utf8',
    })
    const { steps, applied } = JSON.parse(run.stdout) as { steps: { statement: string }[]; applied: boolean }
    return { code: run.status, steps: steps.length, applied, first: steps[0]?.statement }
  }
  try {
    const shown = migrate()
    expect(shown).toMatchObject({ code: 1, applied: false, first: expect.stringContaining('create table') })
    expect(migrate()).toEqual(shown)
    expect(migrate('--yes')).toEqual({ ...shown, code: 0, applied: true })
    expect(migrate()).toMatchObject({ code: 0, steps: 0, applied: false })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
