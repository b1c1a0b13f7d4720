import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding, Gate } from './gate.ts'
import { findCycles, type Import, importsOf, packageOf, resolveRelative } from './imports.ts'
import { isTest, listTypeScript, readSource } from './source-tree.ts'

/**
 * The rooms of `src`, in the order in which they may import each other: only rooms further up.
 * `composition` is `surety.ts` and its like directly in `src`; `compose` holds its parts and has no index.
 */
export const ROOMS = [
  'kernel',
  'verify',
  'declare',
  'database',
  'keys',
  'log',
  'access',
  'store',
  'ui',
  'mail',
  'identity',
  'tenants',
  'staff',
  'lifecycle',
  'backup',
  'guard',
  'monitor',
  'registers',
  'promises',
  'page',
  'http',
  'compose',
  'composition',
  'cli',
] as const

/** Capabilities that do not know each other: a port stands with its consumer, `surety.ts` connects it. */
const APART: ReadonlySet<string> = new Set([
  'identity',
  'tenants',
  'staff',
  'lifecycle',
  'backup',
  'guard',
  'monitor',
  'registers',
])

/** Rooms that also run in a browser: they use no package. */
const BROWSER_SAFE: ReadonlySet<string> = new Set(['kernel', 'verify'])

/** Imports run one way, through each room's index; no cycles; browser-safe rooms stay so. */
export const rooms: Gate = {
  name: 'rooms',
  of: 'imports',
  atLeast: 250,
  async inspect(root) {
    const dependencies = readDependencies(root)
    const findings: Finding[] = []
    const graph = new Map<string, string[]>()
    let looked = 0
    for (const file of listTypeScript(root, ['src', 'examples'])) {
      const imports = importsOf(readSource(root, file))
      looked += imports.length
      // Types leave nothing behind: they cannot make a cycle that matters at run time.
      const kept = imports.filter(({ typeOnly }) => !typeOnly)
      const targets = kept.map(({ specifier }) => resolveRelative(file, specifier))
      graph.set(
        file,
        targets.filter((target) => target !== undefined),
      )
      for (const item of imports) {
        const message = objection(file, item, dependencies) ?? missing(root, file, item)
        if (message !== undefined) findings.push({ file, line: item.line, message })
      }
    }
    for (const cycle of findCycles(graph)) {
      findings.push({ file: cycle[0] ?? '', message: `import cycle: ${cycle.join(' → ')}` })
    }
    return { looked, findings }
  },
}

/** The room of a file under `src`: its folder, or `composition` for a file directly in `src`. */
export function roomOf(file: string): string | undefined {
  const [top, room, ...rest] = file.split('/')
  if (top !== 'src' || room === undefined) return undefined
  return rest.length === 0 ? 'composition' : room
}

function objection(
  file: string,
  { specifier }: Import,
  dependencies: ReadonlySet<string>,
): string | undefined {
  const target = resolveRelative(file, specifier)
  if (target === undefined) return objectionToPackage(file, specifier, dependencies)
  const from = roomOf(file)
  const to = roomOf(target)
  if (from === undefined)
    return to === undefined ? undefined : 'an example imports "surety", never its sources'
  if (to === undefined) return isTest(file) ? undefined : `src imports nothing outside src (${specifier})`
  if (isTest(target) && !isTest(file)) return `a source imports no test (${specifier})`
  if (isTestSupport(target) && !isTest(file) && !isTestSupport(file)) return `only tests import ${specifier}`
  return from === to ? undefined : objectionToRoom(file, target, from, to)
}

function objectionToRoom(file: string, target: string, from: string, to: string): string | undefined {
  const order: readonly string[] = ROOMS
  if (!order.includes(from)) return `${from} is no room: add it to ROOMS in its place`
  if (!order.includes(to)) return `${to} is no room: add it to ROOMS in its place`
  if (order.indexOf(to) > order.indexOf(from)) return `${from} must not import ${to}: imports run one way`
  if (APART.has(from) && APART.has(to)) return `${from} must not import ${to}: these capabilities stand apart`
  const throughIndex = to === 'composition' || to === 'compose' || target === `src/${to}/index.ts`
  const amongTests = isTest(file) || (isTestSupport(file) && isTestSupport(target))
  return throughIndex || amongTests ? undefined : `import ${to} through ../${to}/index.ts, not ${target}`
}

// A room's `testing.ts` serves the tests of the rooms below it and is no part of its public face.
function isTestSupport(file: string): boolean {
  return /^src\/[^/]+\/testing(?:\.ts|\/)/.test(file)
}

function objectionToPackage(
  file: string,
  specifier: string,
  dependencies: ReadonlySet<string>,
): string | undefined {
  const room = roomOf(file)
  if (room === undefined || isTest(file)) return undefined
  const name = packageOf(specifier)
  if (BROWSER_SAFE.has(room)) return `${room} runs in browsers and may import no package, not ${specifier}`
  if (specifier.startsWith('node:')) return undefined
  return dependencies.has(name) ? undefined : `${name} is not among the package's dependencies`
}

function missing(root: string, file: string, { specifier }: Import): string | undefined {
  const target = resolveRelative(file, specifier)
  return target === undefined || existsSync(join(root, target)) ? undefined : `${specifier} does not exist`
}

function readDependencies(root: string): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null) return new Set()
  const { dependencies, peerDependencies } = manifest as Record<string, Record<string, string> | undefined>
  return new Set(Object.keys({ ...dependencies, ...peerDependencies }))
}
