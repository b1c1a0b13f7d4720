import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { REPOSITORY } from '../../scripts/gates/tool.ts'
import { whyInstall } from '../../scripts/setup/installed.js'

interface Entry {
  version?: string
  integrity?: string
  optional?: boolean
  os?: string | string[]
  cpu?: string | string[]
  libc?: string[]
}

const HERE = { platform: 'linux', arch: 'x64' } as const
const ZOD: Entry = { version: '4.0.0', integrity: 'sha512-a' }

/** A tree with a manifest, a lockfile, npm's record of what it installed, and the recorded folders. */
function plant(wanted: Record<string, Entry>, installed: Record<string, Entry> | undefined): string {
  const root = mkdtempSync(join(tmpdir(), 'surety-setup-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write = (file: string, value: unknown): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), JSON.stringify(value))
  }
  write('package.json', { dependencies: { zod: '4.0.0', hono: '4' } })
  write('package-lock.json', { packages: { '': { dependencies: { hono: '4', zod: '4.0.0' } }, ...wanted } })
  if (installed !== undefined) write('node_modules/.package-lock.json', { packages: installed })
  for (const folder of Object.keys(installed ?? {})) mkdirSync(join(root, folder), { recursive: true })
  return root
}

describe('whyInstall', () => {
  it('has no reason when everything is as the lockfile says', () => {
    expect(whyInstall(plant({ 'node_modules/zod': ZOD }, { 'node_modules/zod': ZOD }), HERE)).toBeUndefined()
  })

  it('has no reason in this repository', () => {
    expect(whyInstall(REPOSITORY)).toBeUndefined()
  })

  it('installs when nothing is there', () => {
    expect(whyInstall(plant({}, undefined), HERE)).toBe('nothing is installed yet')
  })

  it('installs again after an installation that was cut off', () => {
    const root = plant({}, undefined)
    mkdirSync(join(root, 'node_modules'))
    expect(whyInstall(root, HERE)).toBe('the last installation did not finish')
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), '{"packages": {')
    expect(whyInstall(root, HERE)).toBe('the last installation did not finish')
  })

  it('installs when the lockfile names another version or another content', () => {
    for (const change of [{ version: '4.0.1' }, { integrity: 'sha512-b' }]) {
      const root = plant({ 'node_modules/zod': { ...ZOD, ...change } }, { 'node_modules/zod': ZOD })
      expect(whyInstall(root, HERE)).toMatch(/zod is another version/)
    }
  })

  it('installs when a package is missing, superfluous, or its folder was removed', () => {
    expect(whyInstall(plant({ 'node_modules/zod': ZOD }, {}), HERE)).toMatch(/zod is not installed/)
    expect(whyInstall(plant({}, { 'node_modules/zod': ZOD }), HERE)).toMatch(/not in the lockfile/)
    const root = plant({ 'node_modules/zod': ZOD }, { 'node_modules/zod': ZOD })
    rmSync(join(root, 'node_modules', 'zod'), { recursive: true })
    expect(whyInstall(root, HERE)).toMatch(/zod was removed/)
  })

  it('installs when the manifest asks for what the lockfile does not know', () => {
    const root = plant({}, {})
    writeFileSync(join(root, 'package.json'), JSON.stringify({ dependencies: { zod: '4.0.0', hono: '5' } }))
    expect(whyInstall(root, HERE)).toBe('package.json and package-lock.json differ')
  })

  it('installs when a workspace asks for what the lockfile does not know', () => {
    const root = plant({ 'examples/shop': { version: '1.0.0' } }, { 'examples/shop': { version: '1.0.0' } })
    const manifest = join(root, 'examples', 'shop', 'package.json')
    writeFileSync(manifest, '{}')
    expect(whyInstall(root, HERE)).toBeUndefined()
    writeFileSync(manifest, JSON.stringify({ dependencies: { zod: '4.0.0' } }))
    expect(whyInstall(root, HERE)).toBe('examples/shop/package.json and package-lock.json differ')
  })

  it('misses an optional package only where it is made for this platform', () => {
    const optional = (entry: Entry): string =>
      plant({ 'node_modules/node-bin': { optional: true, ...entry } }, {})
    expect(whyInstall(optional({ os: 'linux', cpu: 'x64' }), HERE)).toMatch(/node-bin is not installed/)
    expect(whyInstall(optional({ os: ['darwin'], cpu: ['x64'] }), HERE)).toBeUndefined()
    expect(whyInstall(optional({ os: ['linux'], cpu: ['arm64'] }), HERE)).toBeUndefined()
    expect(whyInstall(optional({ os: ['!linux'], cpu: ['x64'] }), HERE)).toBeUndefined()
    expect(whyInstall(optional({ os: ['linux'], cpu: ['x64'], libc: ['musl'] }), HERE)).toBeUndefined()
    expect(whyInstall(optional({}), HERE)).toBeUndefined()
  })
})
