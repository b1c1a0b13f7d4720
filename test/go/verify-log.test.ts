import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../../src/database/index.ts'
import { startTestDatabase } from '../../src/database/testing.ts'
import type { TestDatabase } from '../../src/database/testing.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { logMigrations, openEvidenceLog, openLogSigner, readServed } from '../../src/log/index.ts'
import type { EvidenceLog } from '../../src/log/index.ts'
import type { EvidenceBody } from '../../src/verify/index.ts'
import { buildLogCheck, canBuildLogCheck } from './build.ts'

const run = promisify(execFile)
const ORIGIN = 'go.example/evidence'

/** Intents come and go while the log runs; nobody is served them. */
const isServed = (path: string): boolean => !/intent-|\.tmp-/.test(path)

describe.skipIf(!canBuildLogCheck())('golang.org/x/mod/sumdb agrees with our log', () => {
  let base: string
  let folder: string
  let binary: string
  let database: TestDatabase
  let log: EvidenceLog
  let server: Server
  const earlier: string[] = []

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'surety-go-'))
    folder = join(base, 'log')
    binary = join(base, 'verify-log')
    await buildLogCheck(binary)
    database = await startTestDatabase({ migrations: [logMigrations] })
    log = await openEvidenceLog({
      origin: ORIGIN,
      folder,
      transaction: (work) => inTransaction(database.owner, work),
      clock: systemClock,
      logger: silentLogger,
      access: { mode: 'sequence', signer: await openLogSigner(join(base, 'keys', 'log'), ORIGIN) },
    })
    server = createServer((request, response) => {
      void serve(request.url ?? '/').then((bytes) => response.writeHead(bytes ? 200 : 404).end(bytes ?? ''))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }, 120_000)

  afterAll(async () => {
    await log.close()
    server.close()
    await database.close()
    await rm(base, { recursive: true, force: true })
  })

  /** `/<folder below base>/<path>`: the log itself, or a tampered copy. */
  function serve(url: string): Promise<Uint8Array | null> {
    const [, name, ...path] = url.split('/')
    return readServed(join(base, name!), path.join('/'))
  }

  const url = (name: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}/`

  async function verifyLog(name = 'log', since = earlier): Promise<{ code: number; output: string }> {
    try {
      const { stdout } = await run(binary, ['-vkey', log.vkey, '-since', since.join(','), url(name)])
      return { code: 0, output: stdout }
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string }
      return { code, output: stderr }
    }
  }

  async function growTo(size: number): Promise<void> {
    const have = (await log.entries()).length
    const bodies = Array.from({ length: size - have }, (_, i): EvidenceBody => ({
      kind: 'promise.withdrawn',
      key: `p.${have + i}`,
    }))
    for (let i = 0; i < bodies.length; i += 5000) await log.append(bodies.slice(i, i + 5000))
    await log.flush({ timeoutMs: 120_000 })
  }

  test.each([1, 2, 255, 256, 257, 1000, 1300, 65_800])(
    'at %i entries, continuing every earlier checkpoint',
    async (size) => {
      await growTo(size)
      const { code, output } = await verifyLog()
      expect(output).toContain(
        `verified ${size} entries of ${ORIGIN}, consistent with ${earlier.length} earlier`,
      )
      expect(code).toBe(0)
      const file = join(base, `checkpoint-${size}`)
      await writeFile(file, (await log.checkpoint())!.note)
      earlier.push(file)
    },
    180_000,
  )

  describe('and, once nothing changes its files any more,', () => {
    beforeAll(() => log.close())

    const tampered: [string, string, RegExp][] = [
      ['a leaf tile', 'tile/0/003', /does not fit the entries/],
      ['an upper tile', 'tile/1/000', /does not fit the entries/],
      ['the last partial tile', `tile/0/257.p/${65_800 % 256}`, /does not fit the entries/],
      ['a bundle', 'tile/entries/200', /do not hash to the signed root/],
      ['the checkpoint', 'checkpoint', /checkpoint/],
    ]
    test.each(tampered)('refuses a flipped bit in %s', async (_, path, message) => {
      const name = 'tampered'
      await rm(join(base, name), { recursive: true, force: true })
      await cp(folder, join(base, name), { recursive: true, filter: isServed })
      const file = join(base, name, path)
      const bytes = await readFile(file)
      bytes[bytes.length - 7]! ^= 1
      await writeFile(file, bytes)
      const { code, output } = await verifyLog(name)
      expect(output).toMatch(message)
      expect(code).toBe(1)
    })

    test('refuses a log that went back behind an earlier checkpoint', async () => {
      await rm(join(base, 'cut'), { recursive: true, force: true })
      await cp(folder, join(base, 'cut'), { recursive: true, filter: isServed })
      await writeFile(join(base, 'cut', 'checkpoint'), await readFile(earlier.at(-2)!))
      const { code, output } = await verifyLog('cut')
      expect(output).not.toContain('verified 1300 entries')
      expect(code).toBe(1)
    })
  })
})
