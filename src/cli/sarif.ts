import type { CheckFinding } from './check.ts'

const RULES: Readonly<Record<string, string>> = {
  unkeepable: 'The configuration cannot keep the promise',
  unmeasured: 'Nothing measures the promise yet',
  unbound: 'No promise stands behind the sentence',
}

/** Findings as one SARIF 2.1.0 run (OASIS, §3.14), for code-scanning views. */
export function toSarif(findings: readonly CheckFinding[], page: string): object {
  const rules = [...new Set(findings.map(({ rule }) => rule))]
  const uri = encodeURI(page.replaceAll('\\', '/'))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'surety check',
            rules: rules.map((id) => ({ id, shortDescription: { text: RULES[id] ?? id } })),
          },
        },
        results: findings.map(({ level, rule, message, mend, line }) => ({
          ruleId: rule,
          ruleIndex: rules.indexOf(rule),
          level,
          message: { text: `${message} (to mend it: ${mend})` },
          locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: line ?? 1 } } }],
        })),
      },
    ],
  }
}
