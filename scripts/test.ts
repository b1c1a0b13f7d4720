// `npm test`: the gates, then the tests: of units, end to end, and under faults.
// `npm test -- src/kernel` runs only the test files whose path holds that text, without the gates.
// The last line is `N passed, N failed`, gates included; the exit code is 0 only when something ran and
// nothing failed. Where `CI` is set, a file with a failed test runs once more alone: what passes then is
// counted as passed and named, since it is a test that does not hold on a busy machine.
import { relative } from 'node:path'
import { runGates } from './gates/run-gates.ts'
import { REPOSITORY } from './gates/tool.ts'
import { ensureTools } from './tools.ts'
import { runVitest, runWithSecondTry, type FailedTest, type VitestChoice } from './vitest-run.ts'

interface Stage {
  name: string
  run(): Promise<Count>
}

interface Count {
  passed: number
  failed: number
  failures?: readonly FailedTest[]
}

const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false'

const STAGES: readonly Stage[] = [
  { name: 'tools', run: checkTools },
  { name: 'gates', run: () => runGates() },
  { name: 'tests', run: () => runTests({}) },
]

// Outside CI a missing tool is told and its tests skip themselves; in CI it is a failure.
async function checkTools(): Promise<Count> {
  const missing = await ensureTools()
  for (const { message } of missing) process.stdout.write(`  ${isCi ? 'FAILED' : 'missing'} ${message}\n`)
  if (missing.length === 0) process.stdout.write('  all there\n')
  return { passed: 0, failed: isCi ? missing.length : 0 }
}

async function runTests(choice: VitestChoice): Promise<Count> {
  if (!isCi) return runVitest(choice)
  const count = await runWithSecondTry(choice)
  wavering.push(...count.wavering)
  return count
}

function showFailures(title: string, failures: readonly FailedTest[]): void {
  if (failures.length > 0) process.stdout.write(`\n${title}\n`)
  for (const { file, test, why } of failures)
    process.stdout.write(`  ${relative(REPOSITORY, file)} ${test}\n    ${why}\n`)
}

async function runStage(stage: Stage): Promise<Count> {
  process.stdout.write(`\n== ${stage.name}\n`)
  const started = performance.now()
  const count = await stage.run()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(`== ${stage.name}: ${count.passed} passed, ${count.failed} failed, ${seconds} s\n`)
  return count
}

const wavering: FailedTest[] = []
const filters = process.argv.slice(2)
const stages = filters.length === 0 ? STAGES : [{ name: 'chosen tests', run: () => runTests({ filters }) }]
const total: Count = { passed: 0, failed: 0 }
const failures: FailedTest[] = []
for (const stage of stages) {
  const { passed, failed, failures: found = [] } = await runStage(stage)
  failures.push(...found)
  total.passed += passed
  total.failed += failed
}
showFailures('Failed at first, passed alone:', wavering)
showFailures('Failed:', failures)
if (total.passed + total.failed === 0) process.stdout.write('\nNo test ran.\n')
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
