import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { REPOSITORY } from './gates/tool.ts'
import { countTests, runVitest, runWithSecondTry, type VitestReport } from './vitest-run.ts'

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
    expect(countTests(undefined, 0)).toMatchObject({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts a crash after passed tests as failed', () => {
    expect(countTests({ ...EMPTY, numPassedTests: 5 }, 1)).toMatchObject({ passed: 5, failed: 1, skipped: 0 })
  })

  it('counts a file that did not load', () => {
    const testResults = [
      { name: '/a', status: 'failed', message: 'no such module\n  at', assertionResults: [] },
    ]
    expect(countTests({ ...EMPTY, testResults }, 1)).toMatchObject({
      failed: 1,
      failures: [{ file: '/a', test: '', why: 'no such module' }],
    })
  })

  it('does not count a failed test twice', () => {
    const assertionResults = [{ status: 'failed' }, { status: 'passed' }]
    const testResults = [{ name: '/a', status: 'failed', assertionResults }]
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
    expect(await runVitest({ root, quiet: true })).toMatchObject({
      ...{ passed: 2, failed: 2, skipped: 1 },
      failures: [
        { file: join(root, 'a.test.js'), test: 'c', why: expect.stringContaining('expected 1 to be 2') },
        { file: join(root, 'b.test.js'), test: '', why: expect.stringContaining('gone') },
      ],
    })
  })

  it('counts nothing where nothing ran', async () => {
    expect(await runVitest({ root: plant({}), quiet: true })).toMatchObject({
      passed: 0,
      failed: 0,
      skipped: 0,
    })
  })

  it('counts an error outside of any test as failed', async () => {
    const root = plant({
      'a.test.js': `import { it } from 'vitest'
        it('a', () => { setTimeout(() => { throw new TypeError('late') }, 0); return new Promise((done) => setTimeout(done, 50)) })`,
    })
    expect(await runVitest({ root, quiet: true })).toMatchObject({ passed: 1, failed: 1 })
  })
})

describe('runWithSecondTry', () => {
  it('counts what passes at the second try, and names it', async () => {
    const root = plant({
      'a.test.js': `import { existsSync, writeFileSync } from 'node:fs'
        import { expect, it } from 'vitest'
        it('wavers', () => { const seen = existsSync('seen'); writeFileSync('seen', ''); expect(seen).toBe(true) })
        it('holds', () => {})`,
      'b.test.js': "import { it } from 'vitest'; it('is not run again', () => {})",
    })
    expect(await runWithSecondTry({ root, quiet: true })).toMatchObject({
      ...{ passed: 3, failed: 0, failures: [] },
      wavering: [{ file: join(root, 'a.test.js'), test: 'wavers' }],
    })
  })

  it('gives no second try to an error outside of any test', async () => {
    const root = plant({
      'a.test.js': `import { existsSync, writeFileSync } from 'node:fs'
        import { expect, it } from 'vitest'
        it('wavers', async () => {
          const seen = existsSync('seen'); writeFileSync('seen', '')
          if (!seen) setTimeout(() => { throw new TypeError('late') }, 0)
          await new Promise((done) => setTimeout(done, 50))
          expect(seen).toBe(true)
        })`,
    })
    expect(await runWithSecondTry({ root, quiet: true })).toMatchObject({
      passed: 1,
      failed: 1,
      failures: [],
    })
  })

  it('counts what fails twice as failed', async () => {
    const root = plant({
      'a.test.js':
        "import { expect, it } from 'vitest'; it('fails', () => expect(1).toBe(2)); it('b', () => {})",
      'b.test.js': "import 'gone'",
    })
    expect(await runWithSecondTry({ root, quiet: true })).toMatchObject({
      passed: 1,
      failed: 2,
      wavering: [],
    })
  })
})
