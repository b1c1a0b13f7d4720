import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from './gates/tool.ts'

/** Which tests to run: a project of vitest.config.ts, or files whose path holds one of the filters. */
export interface VitestChoice {
  project?: 'unit' | 'e2e' | 'faults'
  filters?: readonly string[]
  /** Where vitest starts; default: this repository. */
  root?: string
  /** Shows nothing; default: false. */
  quiet?: boolean
}

export interface TestCount {
  passed: number
  failed: number
  skipped: number
}

/**
 * Runs vitest with its output shown, and counts from its JSON report.
 *
 * A file that does not load counts as one failed test, and so does a vitest that ends badly without a
 * failed test (a crash, an unhandled error, no report).
 */
export async function runVitest(choice: VitestChoice): Promise<TestCount> {
  const folder = mkdtempSync(join(tmpdir(), 'surety-test-'))
  try {
    const report = join(folder, 'report.json')
    const code = await start(choice, report)
    const count = countTests(readReport(report), code)
    if (count.skipped > 0 && choice.quiet !== true) process.stdout.write(`  ${count.skipped} skipped\n`)
    return count
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function start(choice: VitestChoice, report: string): Promise<number> {
  const { project, filters = [], root = REPOSITORY, quiet = false } = choice
  const args = [
    join(REPOSITORY, 'node_modules', 'vitest', 'vitest.mjs'),
    ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'],
    ...(project === undefined ? [] : [`--project=${project}`]),
    ...filters,
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: quiet ? 'ignore' : 'inherit' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** The part of vitest's JSON report that is counted. */
export interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

/** Counts a report; `undefined` is a vitest that left none. */
export function countTests(report: VitestReport | undefined, exitCode: number): TestCount {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length
  const failed = report.numFailedTests + unloaded
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests,
  }
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as VitestReport
  } catch {
    return undefined
  }
}
