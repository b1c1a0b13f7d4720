import { Hono } from 'hono'
import {
  entryOf,
  loadBrowserModules,
  MODULES_PATH,
  type BrowserModule,
  type BrowserModules,
} from './browser-modules.ts'
import type { SuretyEnv } from './context.ts'

/** The scripts of our pages, each the entry of its modules. */
const ISLANDS = ['page/island/verify-button', 'identity/island/passkey', 'staff/island/sign'] as const
export type Island = (typeof ISLANDS)[number]

const loaded = new Map<Island, BrowserModules>()

/** Where a page finds the script. Nothing is read yet: that would hold up every start for what few ask for. */
export function islandEntry(island: Island): string {
  return entryOf(island)
}

/** The modules of an island, read at the first request for one. */
function islandModules(island: Island): BrowserModules {
  const modules = loaded.get(island) ?? loadBrowserModules(island)
  loaded.set(island, modules)
  return modules
}

/** Serves the modules of every island, whichever pages stand beside. */
export function moduleRoutes(): Hono<SuretyEnv> {
  const app = new Hono<SuretyEnv>()
  app.get(`${MODULES_PATH}*`, (c) => {
    const module = moduleAt(new URL(c.req.url).pathname)
    if (!module) return c.notFound()
    const headers = { ETag: module.etag, 'Cache-Control': 'no-cache' }
    if (c.req.header('If-None-Match') === module.etag) return c.body(null, 304, headers)
    return c.body(module.code, 200, { ...headers, 'Content-Type': 'text/javascript; charset=utf-8' })
  })
  return app
}

function moduleAt(path: string): BrowserModule | undefined {
  for (const island of ISLANDS) {
    const module = islandModules(island).files.get(path)
    if (module) return module
  }
  return undefined
}
