import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { REPOSITORY } from './gates/tool.ts'
import { countTests, runVitest, type VitestReport } from './vitest-run.ts'

const EMPTY: VitestReport = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] }

function plant(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'surety-vitest-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text)
  return root
}

describe('countTests', () => {
  it('counts a run without a report as failed', () => {
    expect(countTests(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts a crash after passed tests as failed', () => {
    expect(countTests({ ...EMPTY, numPassedTests: 5 }, 1)).toEqual({ passed: 5, failed: 1, skipped: 0 })
  })

  it('counts a file that did not load', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }]
    expect(countTests({ ...EMPTY, testResults }, 1)).toMatchObject({ failed: 1 })
  })

  it('does not count a failed test twice', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }]
    expect(countTests({ ...EMPTY, numFailedTests: 1, testResults }, 1)).toMatchObject({ failed: 1 })
  })
})

describe('runVitest', () => {
  it('counts passed, failed and skipped tests, and files that do not load', async () => {
    const root = plant({
      'a.test.js': `import { expect, it } from 'vitest'
        it('a', () => {}); it('b', () => {}); it('c', () => expect(1).toBe(2)); it.skip('d', () => {})`,
      'b.test.js': "import 'gone'",
    })
    expect(await runVitest({ root, quiet: true })).toEqual({ passed: 2, failed: 2, skipped: 1 })
  })

  it('counts nothing where nothing ran', async () => {
    expect(await runVitest({ root: plant({}), quiet: true })).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })

  it('counts an error outside of any test as failed', async () => {
    const root = plant({
      'a.test.js': `import { it } from 'vitest'
        it('a', () => { setTimeout(() => { throw new TypeError('late') }, 0); return new Promise((done) => setTimeout(done, 50)) })`,
    })
    expect(await runVitest({ root, quiet: true })).toMatchObject({ passed: 1, failed: 1 })
  })
})
