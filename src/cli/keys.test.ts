import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareCluster } from '../database/testing/prepared-cluster.ts'
import type { KeyStatus } from '../keys/index.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../examples/coding-metrics/surety.config.ts', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'surety-keys-cli-'))
  chmodSync(folder, 0o755)
  await prepareCluster(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function keys(args: readonly string[], environment: Record<string, string> = {}) {
  const all = ['--conditions=surety-source', MAIN, 'keys', ...args, '--config', CONFIG]
  const env = { ...process.env, SURETY_DATA: folder, NO_COLOR: '1', ...environment }
  return spawnSync(process.execPath, all, { env, encoding: 'utf8' })
}

test('surety keys shows the epochs, ends them, and says when one is overdue', () => {
  const first = keys(['status', '--json'])
  expect(first.status).toBe(0)
  const status = JSON.parse(first.stdout) as KeyStatus
  expect(status).toMatchObject({
    schema: 1,
    sound: true,
    ladders: [
      { ladder: 'live', epoch: 1, problem: null },
      { ladder: 'backup', epoch: 1, problem: null },
    ],
    clocks: { agree: true },
    unrecorded: 0,
  })
  expect(first.stdout).not.toContain('providerKey')

  const rotated = keys(['rotate', 'live'])
  expect(rotated.status).toBe(0)
  expect(rotated.stdout).toMatch(/ended {6}live epoch 1\ndestroyed {2}the key of live epoch 1\n/)
  expect(rotated.stdout).toMatch(/live epoch 2 {2}ends in 5 hours, on \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/)
  expect(rotated.stdout).toMatch(/\nlive +1 +destroyed .+, attested\nlive +2 +current /)

  const late = keys(['status'], { SURETY_CLOCK_OFFSET: '7h' })
  expect(late.status).toBe(1)
  expect(late.stdout).toMatch(/live epoch 2 {2}should have ended \d+ (?:minutes|hour) ago/)

  const caughtUp = keys(['rotate', '--json'], { SURETY_CLOCK_OFFSET: '7h' })
  expect(caughtUp.status).toBe(0)
  expect(JSON.parse(caughtUp.stdout)).toMatchObject({
    ran: true,
    ended: [
      { ladder: 'live', epoch: 2 },
      { ladder: 'backup', epoch: 1 },
    ],
    destroyed: [{ ladder: 'live', epoch: 2 }],
    status: { sound: true },
  })

  // Back on real time the clock is behind what the epochs know.
  const behind = keys(['rotate'])
  expect(behind.status).toBe(2)
  expect(behind.stderr).toMatch(/^ERR_KEYS_CLOCK: .+\n {2}to mend it: .+SURETY_CLOCK_OFFSET/)
}, 120_000)
