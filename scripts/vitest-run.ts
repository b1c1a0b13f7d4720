import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { REPOSITORY } from './gates/tool.ts'

/** Which tests to run: all, or files whose path holds one of the filters. */
export interface VitestChoice {
  filters?: readonly string[]
  /** One file at a time; default: false. */
  alone?: boolean
  /** Where vitest starts; default: this repository. */
  root?: string
  /** Shows nothing; default: false. */
  quiet?: boolean
}

export interface TestCount {
  passed: number
  failed: number
  skipped: number
  failures: readonly FailedTest[]
}

/** A test that failed; of a file that did not load, the file. */
export interface FailedTest {
  /** Absolute path of its file. */
  file: string
  /** Its groups and its name; empty for a whole file. */
  test: string
  /** First line of the error. */
  why: string
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
    const unhandled = join(folder, 'unhandled')
    const code = await start(choice, { report, unhandled })
    const count = countTests(readReport(report), code, readCount(unhandled))
    if (count.skipped > 0 && choice.quiet !== true) process.stdout.write(`  ${count.skipped} skipped\n`)
    return count
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * As {@link runVitest}; files with a failed test then run once more, one at a time. What passes only then counts
 * as passed and is named: on a busy machine it does not hold.
 */
export async function runWithSecondTry(
  choice: VitestChoice,
): Promise<TestCount & { wavering: readonly FailedTest[] }> {
  const { root = REPOSITORY } = choice
  const first = await runVitest(choice)
  const files = [...new Set(first.failures.map(({ file }) => relative(root, file)))]
  if (files.length === 0) return { ...first, wavering: [] }
  if (choice.quiet !== true) process.stdout.write(`\nOnce more, alone: ${files.join(', ')}\n`)
  const again = await runVitest({ ...choice, filters: files, alone: true })
  if (again.passed + again.failed === 0) return { ...first, wavering: [] }
  // What failed beside any test has no second try.
  const failed = first.failed - first.failures.length + Math.min(again.failed, first.failures.length)
  const failing = new Set(again.failures.map(({ file, test }) => `${file} ${test}`))
  const wavering = first.failures.filter(
    ({ file, test }) => again.failed === 0 || !failing.has(`${file} ${test}`),
  )
  const passed = first.passed + first.failed - failed
  return { ...first, passed, failed, failures: again.failures, wavering }
}

function start(
  choice: VitestChoice,
  { report, unhandled }: { report: string; unhandled: string },
): Promise<number> {
  const { filters = [], alone = false, root = REPOSITORY, quiet = false } = choice
  const args = [
    join(REPOSITORY, 'node_modules', 'vitest', 'vitest.mjs'),
    ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'],
    `--reporter=${join(REPOSITORY, 'scripts', 'unhandled-errors.js')}`,
    ...(alone ? ['--no-file-parallelism'] : []),
    ...filters,
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, SURETY_UNHANDLED_ERRORS: unhandled },
      stdio: quiet ? 'ignore' : 'inherit',
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** The part of vitest's JSON report that is counted. */
export interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  testResults: {
    name: string
    status: string
    message?: string
    assertionResults: { status: string; fullName?: string; failureMessages?: string[] }[]
  }[]
}

/**
 * Counts a report; `undefined` is a vitest that left none.
 * @param unhandled errors that reached no test: each counts as a failure, and none has a second try
 */
export function countTests(report: VitestReport | undefined, exitCode: number, unhandled = 0): TestCount {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0, failures: [] }
  const failures = report.testResults.filter(({ status }) => status === 'failed').flatMap(failuresOf)
  return {
    passed: report.numPassedTests,
    failed: failures.length + unhandled || Number(exitCode !== 0),
    skipped: report.numPendingTests,
    failures,
  }
}

function failuresOf({ name, message, assertionResults }: VitestReport['testResults'][number]): FailedTest[] {
  const failed = assertionResults.filter(({ status }) => status === 'failed')
  if (failed.length === 0) return [{ file: name, test: '', why: firstLine(message) }]
  return failed.map(({ fullName = '', failureMessages = [] }) => ({
    file: name,
    test: fullName,
    why: firstLine(failureMessages[0]),
  }))
}

function firstLine(text = ''): string {
  return text.trim().split('\n', 1)[0]!
}

function readCount(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as VitestReport
  } catch {
    return undefined
  }
}
