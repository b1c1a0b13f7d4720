// npm run mutations [-- TEXT…]: takes away one guard at a time in a copy of the tree, and expects its tests
// to fail. A TEXT picks those whose name or file holds it. Exit code 1 unless every one was killed.
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutation } from '../test/mutations/mutation.ts'
import { MUTATIONS } from '../test/mutations/mutations.ts'
import { REPOSITORY } from './gates/tool.ts'

interface Outcome {
  readonly passed: number
  /** Names of the tests that failed; empty with a module that does not even load. */
  readonly failed: readonly string[]
}

interface JsonReport {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** A mutated guard may make its test wait for ever. */
const LONGEST_MS = 600_000

const wanted = process.argv.slice(2)
const chosen = MUTATIONS.filter(
  ({ name, file }) =>
    wanted.length === 0 || wanted.some((text) => name.includes(text) || file.includes(text)),
)
const tree = mkdtempSync(join(tmpdir(), 'surety-mutations-'))
const survivors: string[] = []
const undecided: string[] = []
const sound = new Set<string>()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    removeTree()
    process.exit(2)
  })
try {
  process.stdout.write(`${chosen.length} of ${MUTATIONS.length} mutations, in a copy of the tree\n`)
  copyTree(tree)
  for (const [index, mutation] of chosen.entries()) {
    const { invariants, name } = mutation
    const verdict = await judge(mutation)
    if (verdict.startsWith('SURVIVED')) survivors.push(name)
    if (verdict.startsWith('UNDECIDED')) undecided.push(name)
    process.stdout.write(
      `${index + 1}/${chosen.length}  [${invariants.join(', ')}] ${name}\n      ${verdict}\n`,
    )
  }
} finally {
  removeTree()
}
const killed = chosen.length - survivors.length - undecided.length
process.stdout.write(`\n${killed} killed, ${survivors.length} survived, ${undecided.length} undecided\n`)
process.exitCode = killed === chosen.length && killed > 0 ? 0 : 1

function removeTree(): void {
  rmSync(tree, { recursive: true, force: true, maxRetries: 5 })
}

/** Sources are copied, packages linked: a mutation never touches the working tree. */
function copyTree(target: string): void {
  const skipped = new Set(['node_modules', '.git', 'dist', '.surety'].map((name) => join(REPOSITORY, name)))
  cpSync(REPOSITORY, target, {
    recursive: true,
    filter: (path) => !skipped.has(path),
    verbatimSymlinks: true,
  })
  execFileSync('cp', ['-al', join(REPOSITORY, 'node_modules'), target])
  // The runner's own notes are written in place; they must not be shared.
  rmSync(join(target, 'node_modules', '.vite'), { recursive: true, force: true })
}

/** A test that fails without any mutation kills none: such a row is undecided, and the others go on. */
async function judge(mutation: Mutation): Promise<string> {
  const unknown = mutation.tests.filter((file) => !sound.has(file))
  if (unknown.length > 0) {
    const { passed, failed } = await runTests(unknown)
    if (failed.length > 0 || passed === 0)
      return `UNDECIDED: without any mutation these fail already: ${failed.join('; ') || unknown.join(', ')}`
    for (const file of unknown) sound.add(file)
  }
  const killers = await runMutated(mutation)
  return killers.length === 0 ? 'SURVIVED' : `killed by ${killers.length}: ${killers[0]}`
}

async function runMutated({ file, guard, replacement, tests }: Mutation): Promise<readonly string[]> {
  const path = join(tree, file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(guard, () => replacement),
  )
  try {
    return (await runTests(tests)).failed
  } finally {
    writeFileSync(path, text)
  }
}

function runTests(tests: readonly string[]): Promise<Outcome> {
  const report = join(tree, 'report.json')
  rmSync(report, { force: true })
  const runner = join(tree, 'node_modules/vitest/vitest.mjs')
  const args = [runner, 'run', '--reporter=json', `--outputFile=${report}`, ...tests]
  const options = { cwd: tree, maxBuffer: 2 ** 26, timeout: LONGEST_MS }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (_, stdout, stderr) => {
      if (existsSync(report)) resolve(readReport(report))
      else reject(new Error(`the tests left no report:\n${(stdout + stderr).slice(-2_000)}`))
    })
  })
}

function readReport(path: string): Outcome {
  const { numPassedTests, testResults } = JSON.parse(readFileSync(path, 'utf8')) as JsonReport
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName }) => fullName)
  return { passed: numPassedTests, failed }
}
