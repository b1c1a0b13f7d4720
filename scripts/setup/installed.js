// Says whether node_modules holds what the lockfile names. Plain JavaScript for Node 20.
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/**
 * Why the tree under `root` needs an installation, or `undefined` when it needs none.
 *
 * Compares npm's own record of what it installed (`node_modules/.package-lock.json`, which npm writes
 * last) with the lockfile, the lockfile with the manifests, and the record with the folders.
 */
export function whyInstall(root, { platform = process.platform, arch = process.arch } = {}) {
  if (!existsSync(join(root, 'node_modules'))) return 'nothing is installed yet'
  const record = readJson(join(root, 'node_modules', '.package-lock.json'))
  if (record === undefined) return 'the last installation did not finish'
  const lock = readJson(join(root, 'package-lock.json'))
  if (lock === undefined) return 'package-lock.json cannot be read'
  const manifest = manifestThatDiffers(root, lock.packages ?? {})
  if (manifest !== undefined) return `${manifest} and package-lock.json differ`
  return whyRecordDiffers(root, lock.packages ?? {}, record.packages ?? {}, { platform, arch })
}

function whyRecordDiffers(root, wanted, installed, here) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const found = installed[path]
    if (found === undefined) {
      if (mayBeAbsent(entry, here)) continue
      return `${path} is not installed`
    }
    if (!sameEntry(entry, found)) return `${path} is another version than the lockfile names`
    if (!existsSync(join(root, path))) return `${path} was removed`
  }
  for (const path of Object.keys(installed)) {
    if (wanted[path] === undefined) return `${path} is installed but not in the lockfile`
  }
  return undefined
}

function sameEntry(wanted, found) {
  return (
    wanted.version === found.version && wanted.integrity === found.integrity && wanted.link === found.link
  )
}

// A package may be left out only when it is optional. Even then one that is made for exactly this platform
// counts as missing; one that names no platform is a dependency of such a package. A libc is not detected
// here: those packages come in pairs, and npm has chosen.
function mayBeAbsent(entry, { platform, arch }) {
  if (entry.optional !== true && entry.devOptional !== true) return entry.peer === true
  if (entry.libc !== undefined || (entry.os === undefined && entry.cpu === undefined)) return true
  return !allows(entry.os, platform) || !allows(entry.cpu, arch)
}

function allows(list, value) {
  if (list === undefined) return true
  const names = Array.isArray(list) ? list : [list]
  if (names.includes(`!${value}`)) return false
  const positive = names.filter((name) => !name.startsWith('!'))
  return positive.length === 0 || positive.includes(value) || positive.includes('any')
}

// The manifests that the lockfile was made from: the root's, and those of the workspaces.
function manifestThatDiffers(root, locked) {
  return Object.keys(locked)
    .filter((path) => !path.includes('node_modules'))
    .map((path) => (path === '' ? 'package.json' : `${path}/package.json`))
    .find((file) => {
      const manifest = readJson(join(root, file))
      return (
        manifest === undefined ||
        !sameDependencies(manifest, locked[posix.dirname(file) === '.' ? '' : posix.dirname(file)] ?? {})
      )
    })
}

function sameDependencies(manifest, locked) {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].every((kind) => {
    return sorted(manifest[kind]) === sorted(locked[kind])
  })
}

function sorted(dependencies = {}) {
  return JSON.stringify(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
