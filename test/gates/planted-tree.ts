import { copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { rmSync } from 'node:fs'
import { formatFinding, type Gate, runGate } from '../../scripts/gates/gate.ts'
import { REPOSITORY } from '../../scripts/gates/tool.ts'

const CONFIGURATION = [
  '.oxfmtrc.json',
  '.oxlintrc.json',
  'knip.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
]

/** A small repository with this one's configuration and the given files; removed when the test ends. */
export function plantTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'surety-gate-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const file of CONFIGURATION) copyFileSync(join(REPOSITORY, file), join(root, file))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

/** The findings of a gate over planted files, as lines; the least number is set to one. */
export async function findingsOf(gate: Gate, files: Readonly<Record<string, string>>): Promise<string[]> {
  const { findings } = await runGate({ ...gate, atLeast: 1 }, plantTree(files))
  return findings.map(formatFinding)
}
