// Holds the lockfile complete for every platform, so that `npm ci` accepts it anywhere.
//   node scripts/gates/lockfile.ts --write     adds what is missing
//
// npm leaves out of the lockfile what the registry in use does not have: usually the binaries of a tool for
// platforms other than the one at hand. `npm ci` then refuses the lockfile. An added entry names version and
// platform and has no integrity; an `npm install` against a registry that has the package fills it in.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding, Gate } from './gate.ts'
import { REPOSITORY } from './tool.ts'

const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]

interface LockedPackage {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  peer?: boolean
  optionalDependencies?: Record<string, string>
}

interface Lockfile {
  packages: Record<string, LockedPackage>
}

/** A package that a locked package names as optional and that the lockfile does not know. */
interface Absent {
  name: string
  version: string
  by: LockedPackage
}

/** Every optional dependency of a locked package is in the lockfile. */
export const lockfile: Gate = {
  name: 'lockfile',
  of: 'packages',
  atLeast: 100,
  async inspect(root) {
    const { packages } = readLockfile(root)
    const findings: Finding[] = findAbsent(packages).map(({ name, version }) => ({
      file: 'package-lock.json',
      message: `${name}@${version} is missing, so "npm ci" fails: run "npm run lockfile"`,
    }))
    return { looked: Object.keys(packages).length, findings }
  },
}

function readLockfile(root: string): Lockfile {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile
}

function findAbsent(packages: Lockfile['packages']): Absent[] {
  return Object.entries(packages).flatMap(([path, by]) =>
    Object.entries(by.optionalDependencies ?? {})
      .filter(([name]) => !isReachable(packages, path, name))
      .map(([name, version]) => ({ name, version, by })),
  )
}

// Node's rule: a package finds what lies in its own node_modules or in one further up.
function isReachable(packages: Lockfile['packages'], from: string, name: string): boolean {
  const parts = from === '' ? [] : from.split('/')
  for (let length = parts.length; length >= 0; length--) {
    const folder = [...parts.slice(0, length), 'node_modules', name].join('/')
    if (packages[folder] !== undefined) return true
  }
  return false
}

/** The lockfile with an entry for each absent package whose version is exact, keys in npm's order. */
export function completeLockfile<L extends Lockfile>(lock: L): L {
  const packages = { ...lock.packages }
  for (const { name, version, by } of findAbsent(packages)) {
    if (EXACT_VERSION.test(version)) packages[`node_modules/${name}`] = entryOf(name, version, by)
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  return { ...lock, packages: Object.fromEntries(sorted) }
}

function entryOf(name: string, version: string, by: LockedPackage): LockedPackage {
  const words = name.slice(name.lastIndexOf('/') + 1).split('-')
  const os = words.find((word) => SYSTEMS.includes(word))
  const cpu = words.find((word) => PROCESSORS.includes(word))
  const libc = words.includes('musl')
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(by.dev === true ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc: [libc] }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
    ...(by.peer === true ? { peer: true } : {}),
  }
}

if (import.meta.main && process.argv.includes('--write')) {
  const lock = readLockfile(REPOSITORY)
  const completed = completeLockfile(lock)
  writeFileSync(join(REPOSITORY, 'package-lock.json'), `${JSON.stringify(completed, null, 2)}\n`)
  const added = Object.keys(completed.packages).length - Object.keys(lock.packages).length
  process.stdout.write(`package-lock.json: ${added} added\n`)
}
