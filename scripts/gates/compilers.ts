import { fileURLToPath } from 'node:url'
import type { Finding, Gate } from './gate.ts'
import { runTool, type ToolOutput } from './tool.ts'

/** The types of the whole repository, by the compiler. */
export const types: Gate = {
  name: 'types',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    const output = await runTool('typescript/bin/tsc', ['--noEmit', '--listFiles', '--pretty', 'false'], root)
    const lines = output.stdout.split('\n')
    const findings = lines.map(parseCompilerLine).filter((finding) => finding !== undefined)
    const looked = lines.filter((line) => line.endsWith('.ts') && !line.includes('node_modules')).length
    return { looked, findings: explainSilence(output, findings, 'tsc') }
  },
}

function parseCompilerLine(line: string): Finding | undefined {
  const match = /^(?:(.+?)\((\d+),\d+\): )?error (TS\d+: .*)$/.exec(line)
  if (match === null) return undefined
  const [, file = 'tsconfig.json', number = '1', message = ''] = match
  return { file, line: Number(number), message }
}

/** The lint, with the rules that need types, by oxlint. */
export const lint: Gate = {
  name: 'lint',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    const output = await runTool('oxlint/bin/oxlint', ['--disable-nested-config', '--format', 'json'], root)
    const report = JSON.parse(output.stdout) as LintReport
    const findings = report.diagnostics.map(({ filename, code, message, labels }) => {
      const line = labels[0]?.span.line
      const finding: Finding = { file: filename ?? 'oxlint', message: `${code ?? 'oxlint'}: ${message}` }
      return line === undefined ? finding : { ...finding, line }
    })
    return { looked: report.number_of_files, findings: explainSilence(output, findings, 'oxlint') }
  },
}

interface LintReport {
  number_of_files: number
  diagnostics: { filename?: string; code?: string; message: string; labels: { span: { line: number } }[] }[]
}

/** The format of every file, by oxfmt. */
export const format: Gate = {
  name: 'format',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    const output = await runTool('oxfmt/bin/oxfmt', ['--check'], root)
    const text = output.stdout + output.stderr
    const looked = Number(/on (\d+) files?\b/.exec(text)?.[1] ?? 0)
    const findings = [...text.matchAll(/^(\S.*) \(\d+ms\)$/gm)].map(([, file = '']) => ({
      file,
      message: 'run "npm run format"',
    }))
    return { looked, findings: explainSilence(output, findings, 'oxfmt') }
  },
}

/** Files, exports and dependencies that nobody uses, and used ones that nobody declared, by knip. */
export const unused: Gate = {
  name: 'unused',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    const reporter = fileURLToPath(new URL('knip-reporter.ts', import.meta.url))
    const args = ['--no-progress', '--directory', root, '--reporter', reporter]
    const output = await runTool('knip/bin/knip.js', args, root)
    const last = output.stdout.trim().split('\n').at(-1) ?? ''
    const report = JSON.parse(last === '' ? '{}' : last) as Partial<UnusedReport>
    const findings = (report.findings ?? []).map(({ kind, file, symbol, line }) => {
      const finding: Finding = { file, message: `${kind}: ${symbol}` }
      return line === undefined ? finding : { ...finding, line }
    })
    return { looked: report.looked ?? 0, findings: explainSilence(output, findings, 'knip') }
  },
}

interface UnusedReport {
  looked: number
  findings: { kind: string; file: string; symbol: string; line?: number }[]
}

// A tool that failed without naming a place has failed all the same.
function explainSilence(output: ToolOutput, findings: Finding[], tool: string): Finding[] {
  if (output.code === 0 || findings.length > 0) return findings
  const words = (output.stderr || output.stdout).trim().split('\n').slice(-10).join('\n')
  return [{ file: tool, message: `ended with code ${output.code}: ${words}` }]
}
