import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { HttpError } from './errors.ts'

/** Where browser modules are served. */
export const MODULES_PATH = '/.surety/modules/'

const SOURCE_ROOT = new URL('../', import.meta.url)
/** Folders below the sources whose modules may go to a browser. */
const ROOMS = ['kernel/', 'verify/', 'page/island/', 'identity/island/', 'staff/island/'] as const

export interface BrowserModule {
  readonly code: string
  /** Quoted entity tag (RFC 9110 §8.8.3). */
  readonly etag: string
}

/** The modules behind one island: exactly the files that it imports. */
export interface BrowserModules {
  /** Path of the island itself. */
  readonly entry: string
  /** By path. Nothing else is ever served: a request is only looked up here. */
  readonly files: ReadonlyMap<string, BrowserModule>
}

/**
 * Follows the imports of an island, such as `page/island/verify-button`, and strips the types where the
 * library runs from its TypeScript sources.
 * @throws HttpError `ERR_HTTP_MODULE_GRAPH` when an import leads outside the allowed folders
 */
export function loadBrowserModules(island: string): BrowserModules {
  const entry = sourceOf(island)
  const files = new Map<string, BrowserModule>()
  const queue = [entry]
  for (let next = queue.pop(); next; next = queue.pop()) {
    const path = servedPath(next)
    if (files.has(path)) continue
    const code = codeOf(next)
    files.set(path, { code, etag: `"${createHash('sha256').update(code).digest('base64url')}"` })
    for (const specifier of importsOf(code)) queue.push(resolve(specifier, next))
  }
  return { entry: servedPath(entry), files }
}

/** Path of an island, without a look at its source. */
export function entryOf(island: string): string {
  return servedPath(sourceOf(island))
}

function sourceOf(island: string): URL {
  return new URL(`${island}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, SOURCE_ROOT)
}

function resolve(specifier: string, from: URL): URL {
  if (/^\.{1,2}\//.test(specifier)) return new URL(specifier, from)
  throw new HttpError('ERR_HTTP_MODULE_GRAPH', `${servedPath(from)} imports ${specifier}`)
}

function servedPath(url: URL): string {
  const relative = url.href.slice(SOURCE_ROOT.href.length)
  if (!url.href.startsWith(SOURCE_ROOT.href) || !ROOMS.some((room) => relative.startsWith(room))) {
    throw new HttpError('ERR_HTTP_MODULE_GRAPH', `src/${relative} is not for browsers`)
  }
  return `${MODULES_PATH}${relative}`
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
