// What `npm run check` and `npm test` run before anything else.
import { formatFinding, runGate, type Gate } from './gate.ts'
import { GATES } from './index.ts'
import { REPOSITORY } from './tool.ts'

const SHOWN_FINDINGS = 40
/** Some gates wait for one core most of the time. */
const AT_ONCE = 2

/**
 * Runs the gates, two at a time, shows each result, and counts.
 * @throws RangeError for a name that no gate has
 */
export async function runGates(names: readonly string[] = []): Promise<{ passed: number; failed: number }> {
  const unknown = names.filter((name) => !GATES.some((gate) => gate.name === name))
  if (unknown.length > 0) {
    const known = GATES.map(({ name }) => name).join(', ')
    throw new RangeError(`there is no gate ${unknown.join(', ')}; there is: ${known}`)
  }
  const chosen = names.length === 0 ? GATES : GATES.filter(({ name }) => names.includes(name))
  const count = { passed: 0, failed: 0 }
  const left = chosen.values()
  const work = async (): Promise<void> => {
    for (const gate of left) count[(await passes(gate)) ? 'passed' : 'failed'] += 1
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return count
}

/** Runs a gate, and shows what it found. */
async function passes(gate: Gate): Promise<boolean> {
  const { name, of, looked, findings, ms } = await runGate(gate, REPOSITORY)
  const mark = findings.length === 0 ? 'passed' : 'FAILED'
  process.stdout.write(`  ${mark} ${name}: ${looked} ${of}, ${(ms / 1000).toFixed(1)} s\n`)
  for (const finding of findings.slice(0, SHOWN_FINDINGS)) {
    process.stdout.write(`    ${formatFinding(finding)}\n`)
  }
  if (findings.length > SHOWN_FINDINGS) {
    process.stdout.write(`    and ${findings.length - SHOWN_FINDINGS} more\n`)
  }
  return findings.length === 0
}
