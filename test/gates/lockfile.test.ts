import { describe, expect, it } from 'vitest'
import { completeLockfile, lockfile } from '../../scripts/gates/lockfile.ts'
import { findingsOf } from './planted-tree.ts'

const TOOL = {
  version: '1.2.3',
  dev: true,
  optionalDependencies: { '@tool/linux-x64-musl': '1.2.3', '@tool/win32-arm64': '1.2.3' },
}

function lockWith(packages: Record<string, object>): { packages: Record<string, object> } {
  return { packages: { '': {}, ...packages } }
}

describe('the gate of the lockfile', () => {
  it('finds an optional package that the lockfile leaves out', async () => {
    const lock = lockWith({
      'node_modules/@tool/linux-x64-musl': { version: '1.2.3' },
      'node_modules/tool': TOOL,
    })
    const findings = await findingsOf(lockfile, { 'package-lock.json': JSON.stringify(lock) })
    expect(findings).toEqual([
      'package-lock.json: @tool/win32-arm64@1.2.3 is missing, so "npm ci" fails: run "npm run lockfile"',
    ])
  })

  it('is content with what completeLockfile writes, for nested packages too', async () => {
    const lock = completeLockfile(
      lockWith({ 'node_modules/a/node_modules/tool': TOOL, 'node_modules/tool': TOOL }),
    )
    expect(await findingsOf(lockfile, { 'package-lock.json': JSON.stringify(lock) })).toEqual([])
  })
})

describe('completeLockfile', () => {
  it('names version and platform, in npm’s order, and changes nothing else', () => {
    const lock = lockWith({
      'node_modules/tool': TOOL,
      'node_modules/zod': { version: '4.0.0', integrity: 'sha512-a' },
    })
    const { packages } = completeLockfile(lock)
    expect(Object.keys(packages)).toEqual([
      '',
      'node_modules/@tool/linux-x64-musl',
      'node_modules/@tool/win32-arm64',
      'node_modules/tool',
      'node_modules/zod',
    ])
    expect(packages['node_modules/@tool/linux-x64-musl']).toEqual({
      version: '1.2.3',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    })
    expect(packages['node_modules/zod']).toEqual({ version: '4.0.0', integrity: 'sha512-a' })
    expect(completeLockfile({ packages }).packages).toEqual(packages)
  })

  it('invents no version for a range', () => {
    const lock = lockWith({ 'node_modules/tool': { ...TOOL, optionalDependencies: { fsevents: '^2.0.0' } } })
    expect(Object.keys(completeLockfile(lock).packages)).toEqual(['', 'node_modules/tool'])
  })
})
