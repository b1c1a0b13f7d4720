import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readServed } from '../log/index.ts'
import { AUDIT_PATH } from '../verify/index.ts'
import type { SuretyEnv } from './context.ts'
import { serveNode } from './index.ts'
import { FOR_EVER, logRoutes } from './log-routes.ts'

const VKEY = 'shop.example/audit+5a3b1c2d+AaBb'
/** What a log's folder holds, and what lies about it. */
const FILES = {
  'audit/checkpoint': 'shop.example/audit\n5\nroot\n\n— shop.example/audit sig\n',
  'audit/vkey': VKEY,
  'audit/tile/0/000.p/5': 'five hashes',
  'audit/tile/entries/x001/000': 'a bundle',
  'audit/witnessed/0a1b2c3d': 'a cosigned note',
  'audit/intent-5': 'not yet said',
  'audit/tile/0/notes.txt': 'no tile',
  'audit/witnessed/secret': 'no note',
  'keys/audit-signing-key.json': 'the key',
  'app.log': 'a line',
}
let base: string
let app: Hono<SuretyEnv>

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-log-routes-'))
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(base, path)), { recursive: true })
    await writeFile(join(base, path), text)
  }
  app = new Hono<SuretyEnv>()
  app.route('/', logRoutes(AUDIT_PATH, { vkey: VKEY, read: (path) => readServed(join(base, 'audit'), path) }))
})
afterEach(() => rm(base, { recursive: true, force: true }))

describe('the files of a log', () => {
  it.each([
    ['vkey', `${VKEY}\n`, 'no-cache', 'text/plain'],
    ['checkpoint', FILES['audit/checkpoint'], 'no-store', 'text/plain'],
    ['witnessed/0a1b2c3d', 'a cosigned note', 'no-store', 'text/plain'],
    ['tile/0/000.p/5', 'five hashes', FOR_EVER, 'application/octet-stream'],
    ['tile/entries/x001/000', 'a bundle', FOR_EVER, 'application/octet-stream'],
  ])('serves %s to every origin', async (path, text, cache, type) => {
    const response = await app.request(AUDIT_PATH + path)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(text)
    expect(response.headers.get('cache-control')).toBe(cache)
    expect(response.headers.get('content-type')).toContain(type)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  const elsewhere = [
    ...['', 'intent-5', 'checkpoint/', 'checkpoint%00', 'Checkpoint', 'vkey/x', 'tile/', 'tile/0/notes.txt'],
    ...['tile/0/000', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/05', 'tile/00/000.p/5'],
    ...['tile/0/x000/000.p/5', 'tile/64/000', 'tile/0/000.p%2f5', 'tile//0/000.p/5', 'tile/0/000.p/5/'],
    ...['witnessed/', 'witnessed/secret', 'witnessed/0A1B2C3D', 'witnessed/0a1b2c3', 'witnessed/0a1b2c3d/'],
    ...['witnessed/0a1b2c3d%00', 'witnessed/0a1b2c3d/../secret', 'witnessed/deadbeef'],
  ]
  it.each(elsewhere)('finds nothing at %j', async (path) => {
    const response = await app.request(AUDIT_PATH + path)
    expect(response.status).toBe(404)
    expect(await response.text()).toBe('404 Not Found')
  })

  const traversals = [
    ...[
      '../keys/audit-signing-key.json',
      'tile/../../keys/audit-signing-key.json',
      'tile/0/../../../app.log',
    ],
    ...[
      '..%2fkeys%2faudit-signing-key.json',
      'tile/..%2f..%2fapp.log',
      'tile/0/%2e%2e/%2e%2e/%2e%2e/app.log',
    ],
    ...['witnessed/..%2f..%2fapp.log', 'witnessed/../../app.log', 'witnessed/..%5c..%5capp.log', '//app.log'],
    ...['witnessed/%2e%2e%2fintent-5', 'tile/entries/..\\..\\..\\app.log'],
  ]
  it('lead nowhere else, however a request writes its path', async () => {
    const server = await serveNode({ fetch: app.fetch, port: 0 })
    try {
      for (const path of traversals)
        expect([400, 404], path).toContain(await getRaw(server.url, AUDIT_PATH + path))
      expect(await getRaw(server.url, `${AUDIT_PATH}checkpoint`)).toBe(200)
    } finally {
      await server.close(0)
    }
  })

  it('cannot be read past the routes either', async () => {
    for (const path of [...elsewhere, ...traversals, ...traversals.map(decodeURIComponent)])
      expect([path, await readServed(join(base, 'audit'), path)]).toEqual([path, null])
  })
})

/** The status of a path that is sent as it is written: `fetch` would tidy it. */
function getRaw(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })
}
