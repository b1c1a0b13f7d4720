import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatFinding, runGate } from '../../scripts/gates/gate.ts'
import { inspectFiles, packaged } from '../../scripts/gates/package.ts'
import { findingsOf, plantTree } from './planted-tree.ts'

const GOOD = {
  LICENSE: 'Apache-2.0\n',
  'README.md': '# Surety\n',
  'SECURITY.md': '# Security\n',
  'bin/surety.js': '#!/usr/bin/env node\n',
  'src/surety.ts': 'export const a: number = 1\n',
  'src/surety.test.ts': 'export const b: number = 1\n',
  'src/verify/index.ts': 'export const c: number = 1\n',
  'src/ui/index.ts': 'export const d: number = 1\n',
  'src/http/hono.ts': 'export const g: number = 1\n',
  'src/http/node.ts': 'export const e: number = 1\n',
  'src/keys/providers/provider-contract.ts': 'export const f: number = 1\n',
  'src/mail/smtp.ts': 'export const h: number = 1\n',
}

describe('the gate of the package', () => {
  it('passes a package whose exports lead somewhere', async () => {
    expect(await findingsOf(packaged, GOOD)).toEqual([])
  })

  it('finds an export that leads nowhere', async () => {
    const { 'src/verify/index.ts': _, ...files } = GOOD
    expect((await findingsOf(packaged, files)).join('\n')).toMatch(
      /exports names dist\/verify\/index\.js, which is not packed/,
    )
  })

  it('finds types that come after the code they describe', async () => {
    const root = plantTree(GOOD)
    const path = join(root, 'package.json')
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text
        .replace('"types": "./dist/surety.d.ts",', '')
        .replace('"./dist/surety.js"', '"./dist/surety.js",\n"types": "./dist/surety.d.ts"'),
    )
    const { findings } = await runGate({ ...packaged, atLeast: 1 }, root)
    expect(findings.map(formatFinding).join('\n')).toMatch(/types/)
  })

  it('finds sources that do not build', async () => {
    expect(
      (await findingsOf(packaged, { ...GOOD, 'src/x.ts': "export const a: number = 'b'\n" })).join(),
    ).toMatch(/TS2322/)
  })

  it('finds tests, and a missing licence', () => {
    const messages = inspectFiles([
      'README.md',
      'SECURITY.md',
      'package.json',
      'bin/surety.js',
      'src/x.test.ts',
    ])
    expect(messages.map(({ message }) => message)).toEqual([
      'LICENSE is not packed',
      'src/x.test.ts must not be packed',
    ])
  })
})
