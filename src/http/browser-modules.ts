import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { HttpError } from './errors.ts'

/** Where browser modules are served. */
export const MODULES_PATH = '/.surety/modules/'

const SOURCE_ROOT = new URL('../', import.meta.url)
/** Folders below the sources whose modules may go to a browser. */
const ROOMS = ['kernel/', 'verify/', 'page/island/', 'identity/island/'] as const
/** The packages whose modules may go to a browser. */
const PACKAGES = ['@noble/hashes'] as const

export interface BrowserModule {
  readonly code: string
  /** Quoted entity tag (RFC 9110 §8.8.3). */
  readonly etag: string
}

/** The modules behind one island: exactly the files that it imports, read once at start. */
export interface BrowserModules {
  /** Path of the island itself. */
  readonly entry: string
  /** Import map: package specifier to path. */
  readonly imports: Readonly<Record<string, string>>
  /** By path. Nothing else is ever served: a request is only looked up here. */
  readonly files: ReadonlyMap<string, BrowserModule>
}

/**
 * Follows the imports of an island, such as `page/island/verify-button`, and strips the types where the
 * library runs from its TypeScript sources.
 * @throws HttpError `ERR_HTTP_MODULE_GRAPH` when an import leads outside the allowed folders and packages
 */
export function loadBrowserModules(island: string): BrowserModules {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const entry = new URL(`${island}${extension}`, SOURCE_ROOT)
  const files = new Map<string, BrowserModule>()
  const imports: Record<string, string> = {}
  const queue = [{ url: entry, path: servedPath(entry) }]
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (files.has(next.path)) continue
    const code = codeOf(next.url)
    files.set(next.path, { code, etag: `"${createHash('sha256').update(code).digest('base64url')}"` })
    for (const specifier of importsOf(code)) {
      const target = resolve(specifier, next)
      if (!specifier.startsWith('.')) imports[specifier] = target.path
      queue.push(target)
    }
  }
  return { entry: servedPath(entry), imports, files }
}

interface Location {
  readonly url: URL
  readonly path: string
}

function resolve(specifier: string, from: Location): Location {
  const name = PACKAGES.find((allowed) => specifier.startsWith(`${allowed}/`))
  if (name) return { url: new URL(import.meta.resolve(specifier)), path: `${MODULES_PATH}${specifier}` }
  if (!/^\.{1,2}\//.test(specifier)) throw refused(specifier, from)
  const url = new URL(specifier, from.url)
  if (url.href.startsWith(SOURCE_ROOT.href) && !from.path.includes('/@'))
    return { url, path: servedPath(url) }
  const inPackage = PACKAGES.find((allowed) => from.path.startsWith(`${MODULES_PATH}${allowed}/`))
  const path = new URL(specifier, `file://${from.path}`).pathname
  if (!inPackage || !path.startsWith(`${MODULES_PATH}${inPackage}/`)) throw refused(specifier, from)
  return { url, path }
}

function servedPath(url: URL): string {
  const relative = url.href.slice(SOURCE_ROOT.href.length)
  if (!ROOMS.some((room) => relative.startsWith(room))) {
    throw new HttpError('ERR_HTTP_MODULE_GRAPH', `src/${relative} is not for browsers`)
  }
  return `${MODULES_PATH}${relative}`
}

function refused(specifier: string, from: Location): Error {
  return new HttpError('ERR_HTTP_MODULE_GRAPH', `${from.path} imports ${specifier}`)
}

function codeOf(url: URL): string {
  const text = readFileSync(url, 'utf8')
  return url.pathname.endsWith('.ts') ? stripTypeScriptTypes(text) : text
}

// Anchored at line starts, so that examples in comments are not taken for imports.
const IMPORT = /^(?:import|export)\b(?:[^'"`]*?\bfrom)?\s*['"]([^'"]+)['"]/gm

function importsOf(code: string): string[] {
  return [...code.matchAll(IMPORT)].map((match) => match[1]!)
}
