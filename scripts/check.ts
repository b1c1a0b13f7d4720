// Runs the gates: `npm run check`, or `npm run check -- rooms lint` for some of them.
import { formatFinding, runGate } from './gates/gate.ts'
import { GATES } from './gates/index.ts'
import { REPOSITORY } from './gates/tool.ts'

const SHOWN_FINDINGS = 40

/** Runs the gates one after the other, shows each result, and counts. */
export async function runGates(names: readonly string[] = []): Promise<{ passed: number; failed: number }> {
  const chosen = names.length === 0 ? GATES : GATES.filter(({ name }) => names.includes(name))
  const count = { passed: 0, failed: 0 }
  for (const gate of chosen) {
    const { name, of, looked, findings, ms } = await runGate(gate, REPOSITORY)
    const mark = findings.length === 0 ? 'passed' : 'FAILED'
    process.stdout.write(`  ${mark} ${name}: ${looked} ${of}, ${(ms / 1000).toFixed(1)} s\n`)
    for (const finding of findings.slice(0, SHOWN_FINDINGS)) {
      process.stdout.write(`    ${formatFinding(finding)}\n`)
    }
    if (findings.length > SHOWN_FINDINGS) {
      process.stdout.write(`    and ${findings.length - SHOWN_FINDINGS} more\n`)
    }
    count[findings.length === 0 ? 'passed' : 'failed'] += 1
  }
  return count
}

if (import.meta.main) {
  const { passed, failed } = await runGates(process.argv.slice(2))
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}
